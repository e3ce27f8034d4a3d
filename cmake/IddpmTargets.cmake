# How targets of this project are made: one static library per folder of iddpm/ (a "layer"), so that a
# dependency that points the wrong way does not link, and a folder can be rebuilt and tested alone.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
# Where manual pages and completions are written.
set(IDDPM_DOCUMENTATION "${CMAKE_BINARY_DIR}/documentation")

# Compile settings of every target of ours; never exported to users.
add_library(iddpm_build_settings INTERFACE)
target_compile_options(iddpm_build_settings INTERFACE
  -Wall -Wextra -Wno-unused-parameter $<$<BOOL:${IDDPM_WARNINGS_AS_ERRORS}>:-Werror>)
if(IDDPM_WARNINGS_AS_ERRORS AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC 12 and 14 see overflows in std::string and std::vector that can't happen: warnings, but no errors.
  target_compile_options(iddpm_build_settings INTERFACE
    -Wno-error=missing-field-initializers -Wno-error=restrict -Wno-error=stringop-overflow -Wno-error=stringop-overread -Wno-error=array-bounds
    -Wno-error=maybe-uninitialized -Wno-error=free-nonheap-object)
endif()

# LibTorch's headers as system headers: their warnings are not ours to mend.
add_library(iddpm_torch INTERFACE)
target_link_libraries(iddpm_torch INTERFACE torch)
target_include_directories(iddpm_torch SYSTEM INTERFACE "$<BUILD_INTERFACE:${TORCH_INCLUDE_DIRS}>")
separate_arguments(iddpm_torch_flags NATIVE_COMMAND "${TORCH_CXX_FLAGS}")
target_compile_options(iddpm_torch INTERFACE "$<BUILD_INTERFACE:${iddpm_torch_flags}>")
set_target_properties(iddpm_torch PROPERTIES EXPORT_NAME torch)

# The tensor headers cost seconds per file: compiled once, here.
file(WRITE "${CMAKE_BINARY_DIR}/precompiled/precompiled.cpp" "")
add_library(iddpm_precompiled OBJECT "${CMAKE_BINARY_DIR}/precompiled/precompiled.cpp")
target_link_libraries(iddpm_precompiled PUBLIC iddpm_torch fmt::fmt nlohmann_json::nlohmann_json
                      PRIVATE iddpm_build_settings)
target_include_directories(iddpm_precompiled PUBLIC ${PROJECT_SOURCE_DIR})
target_precompile_headers(iddpm_precompiled PRIVATE "${PROJECT_SOURCE_DIR}/cmake/precompiled.h")

# A file costs 3 to 4 seconds before its first line is compiled (the precompiled tensor headers are loaded, their inline
# functions and templates carried along). Together, 8 files cost little more than two: the names of their anonymous
# namespaces must then differ within a target. Files that compile themselves once per instruction set stay alone.
option(IDDPM_UNITY_BUILD "Compile the sources in groups: a clean build in less time, a changed file in more" OFF)
set(IDDPM_UNITY_BATCH_SIZE 8 CACHE STRING "Files of a group")
mark_as_advanced(IDDPM_UNITY_BATCH_SIZE)

# iddpm_compile_in_groups(TARGET SOURCE...): as IDDPM_UNITY_BUILD says.
function(iddpm_compile_in_groups target)
  if(NOT IDDPM_UNITY_BUILD)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${IDDPM_UNITY_BATCH_SIZE})
  # A class that hides a type of an anonymous namespace is in a file that others include, in a group.
  target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  foreach(source IN LISTS ARGN)
    file(STRINGS "${source}" per_instruction_set REGEX "^#include .hwy/foreach_target.h" LIMIT_COUNT 1)
    if(per_instruction_set)
      set_source_files_properties("${source}" TARGET_DIRECTORY ${target} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()

# iddpm_layer(NAME [DEPENDS layer...] [LINK library...]): the library iddpm_NAME from the .cpp files under iddpm/NAME/.
function(iddpm_layer name)
  cmake_parse_arguments(arg "" "" "DEPENDS;LINK;PRIVATE_LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/iddpm/${name}/*.cpp")
  if(NOT sources)
    set(sources "${CMAKE_BINARY_DIR}/precompiled/precompiled.cpp")
  endif()
  add_library(iddpm_${name} STATIC ${sources})
  add_library(iddpm::${name} ALIAS iddpm_${name})
  list(TRANSFORM arg_DEPENDS PREPEND iddpm_)
  target_link_libraries(iddpm_${name}
    PUBLIC iddpm_torch fmt::fmt nlohmann_json::nlohmann_json ${arg_DEPENDS} ${arg_LINK}
    PRIVATE $<BUILD_INTERFACE:iddpm_build_settings> ${arg_PRIVATE_LINK})
  target_include_directories(iddpm_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(iddpm_${name} PUBLIC cxx_std_20)
  target_precompile_headers(iddpm_${name} REUSE_FROM iddpm_precompiled)
  iddpm_compile_in_groups(iddpm_${name} ${sources})
  set_target_properties(iddpm_${name} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY IDDPM_LAYERS iddpm_${name})
endfunction()

# iddpm_test(FOLDER [ONE_BY_ONE] LIBRARIES layer...): the program test_FOLDER from tests/FOLDER/*.cpp.
# Files named *_parity_test.cpp hold the suites whose names begin with "Parity" and carry the label parity.
function(iddpm_test folder)
  cmake_parse_arguments(arg "ONE_BY_ONE" "" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${folder}/*.cpp")
  if(NOT sources)
    return()
  endif()
  set(target test_${folder})
  add_executable(${target} ${sources})
  list(TRANSFORM arg_LIBRARIES PREPEND iddpm_)
  target_link_libraries(${target} PRIVATE ${arg_LIBRARIES} iddpm_build_settings GTest::gtest GTest::gtest_main)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${target} PRIVATE
    IDDPM_TEST_GOLDEN_DIR="${PROJECT_SOURCE_DIR}/tests/golden"
    IDDPM_SOURCE_DIR="${PROJECT_SOURCE_DIR}" IDDPM_BINARY_DIR="${CMAKE_BINARY_DIR}")
  # Compiled as the precompiled header was (-fPIC, where programs default to -fPIE), or the compiler ignores it.
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC)
  target_precompile_headers(${target} REUSE_FROM iddpm_precompiled)
  if(NOT arg_ONE_BY_ONE)
    iddpm_compile_in_groups(${target} ${sources})
  endif()
  add_test(NAME ${folder} COMMAND ${target} --gtest_filter=-*Parity*:*Slow*)
  set_tests_properties(${folder} PROPERTIES LABELS unit)
  set(parity "")
  set(slow "")
  foreach(source IN LISTS sources)
    file(STRINGS "${source}" lines REGEX "^(TEST|TEST_F|TEST_P|INSTANTIATE_TEST_SUITE_P)\\(")
    if(lines MATCHES "Parity")
      set(parity TRUE)
    endif()
    if(lines MATCHES "Slow")
      set(slow TRUE)
    endif()
  endforeach()
  if(parity)
    add_test(NAME ${folder}_parity COMMAND ${target} --gtest_filter=*Parity*)
    set_tests_properties(${folder}_parity PROPERTIES LABELS parity)
  endif()
  if(slow)
    add_test(NAME ${folder}_slow COMMAND ${target} --gtest_filter=*Slow*)
    set_tests_properties(${folder}_slow PROPERTIES LABELS slow)
  endif()
endfunction()
