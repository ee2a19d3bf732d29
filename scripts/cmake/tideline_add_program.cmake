# tideline_add_program(NAME files...): an executable that is the whole command line. Its main() calls tideline::run_program
# (src/program.h), with the policies that it adds.
function(tideline_add_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE tideline::program)
endfunction()
