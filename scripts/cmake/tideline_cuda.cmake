# The module of the backend cuda: libtideline_cuda.so, which the program opens at run time and does not link. Built where nvcc (which compiles
# the kernels) and cuDNN's headers are; cuDNN itself is opened by the module, and its library need not be here. Sets
# TIDELINE_CUDA_INCLUDE, the headers that the tests' stand-in needs, where they are there.
find_path(TIDELINE_CUDART_INCLUDE cuda_runtime_api.h PATHS /usr/local/cuda/include)
find_path(TIDELINE_CUDNN_INCLUDE cudnn.h PATHS /usr/local/cuda/include)
set(TIDELINE_CUDA_INCLUDE "")
if(TIDELINE_CUDART_INCLUDE AND TIDELINE_CUDNN_INCLUDE)
  set(TIDELINE_CUDA_INCLUDE ${TIDELINE_CUDART_INCLUDE} ${TIDELINE_CUDNN_INCLUDE})
  list(REMOVE_DUPLICATES TIDELINE_CUDA_INCLUDE)
endif()

set(missing "")
if(NOT TIDELINE_CUDA)
  set(missing "TIDELINE_CUDA is OFF")
elseif(NOT TIDELINE_CUDNN_INCLUDE)
  set(missing "cuDNN's headers (cudnn.h) were not found")
else()
  find_program(TIDELINE_NVCC nvcc PATHS /usr/local/cuda/bin)
  if(TIDELINE_NVCC AND NOT DEFINED ENV{CUDACXX})
    set(ENV{CUDACXX} ${TIDELINE_NVCC})
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    set(missing "nvcc was not found, or does not work with this compiler")
  endif()
endif()

# Where the program looks for it beside its own folder, and the version that both must have.
file(RELATIVE_PATH module_folder ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR}/tideline)
set(definitions TIDELINE_VERSION="${PROJECT_VERSION}" TIDELINE_MODULE_FOLDER="${module_folder}")
if(missing)
  if(TIDELINE_CUDA STREQUAL "ON")
    message(FATAL_ERROR "TIDELINE_CUDA is ON, but ${missing}")
  endif()
  message(STATUS "No module of the backend cuda: ${missing}")
else()
  list(APPEND definitions TIDELINE_CUDA)
endif()
set_source_files_properties(src/real/cuda_module.cpp PROPERTIES COMPILE_DEFINITIONS "${definitions}")

# What the module is made of beside the device: the network, and of the program what it is made from.
set(TIDELINE_CUDA_SOURCES src/real/cuda/cuda_backend.cpp src/real/cuda/device.cpp src/real/cuda/network.cpp src/real/batch_checks.cpp
  src/real/shape.cpp sim/core/nearest.cpp sim/core/text.cpp)
list(TRANSFORM TIDELINE_CUDA_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/)

# tideline_cuda_module(NAME files...): a module of that name from the sources above and others.
function(tideline_cuda_module name)
  add_library(${name} MODULE ${TIDELINE_CUDA_SOURCES} ${ARGN})
  target_link_libraries(${name} PRIVATE tideline_flags ${CMAKE_DL_LIBS})
  target_include_directories(${name} SYSTEM PRIVATE ${TIDELINE_CUDA_INCLUDE})
  target_compile_definitions(${name} PRIVATE TIDELINE_VERSION="${PROJECT_VERSION}")
  # One function is for the program, and nothing of the program is taken in place of what is in here.
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX INTERPROCEDURAL_OPTIMIZATION OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_link_options(${name} PRIVATE -Wl,--exclude-libs,ALL)
endfunction()

if(NOT missing)
  if(CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
  endif()
  set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 90)  # the last as PTX too: later GPUs compile that
  enable_language(CUDA)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has C++20
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  find_package(CUDAToolkit REQUIRED)
  message(STATUS "The module of the backend cuda is built, with nvcc ${CMAKE_CUDA_COMPILER_VERSION}, for GPUs from compute capability 7.5 on")
  # Not of tideline_flags: nvcc knows none of them.
  add_library(tideline_cuda_kernels OBJECT src/real/cuda/kernels.cu)
  target_include_directories(tideline_cuda_kernels PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(tideline_cuda_kernels PRIVATE --Werror=all-warnings -Xcompiler=-Wall,-Wextra)
  set_target_properties(tideline_cuda_kernels PROPERTIES CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON POSITION_INDEPENDENT_CODE ON INTERPROCEDURAL_OPTIMIZATION OFF
    CUDA_VISIBILITY_PRESET hidden)
  tideline_cuda_module(tideline_cuda ${PROJECT_SOURCE_DIR}/src/real/cuda/cudnn_library.cpp $<TARGET_OBJECTS:tideline_cuda_kernels>)
  target_link_libraries(tideline_cuda PRIVATE CUDA::cudart_static)
  # The runtime is linked by its path, above: CMake would name it, and the linker of C++ does not know where to look.
  set_target_properties(tideline_cuda PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR} CUDA_RUNTIME_LIBRARY None)
  install(TARGETS tideline_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/tideline)
endif()
