#include "src/program.h"

int main(int argc, char** argv) { return tideline::run_program(argc, argv); }
