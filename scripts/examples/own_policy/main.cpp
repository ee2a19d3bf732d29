// The command line of Tideline with policies of our own in the list.
#include "src/program.h"

tideline::PolicyDefinition least_energy();

int main(int argc, char** argv) { return tideline::run_program(argc, argv, {least_energy()}); }
