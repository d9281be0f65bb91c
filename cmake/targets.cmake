# The four kinds of target in this tree, so that a component's CMakeLists.txt is a list of names.

# lurker_library(NAME SOURCES a.c b.c LIBS x y): a static library, linked by programs, tests and fuzzers.
function(lurker_library name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/..)
  target_link_libraries(${name} PUBLIC ${A_LIBS})
endfunction()

# lurker_program(NAME SOURCES main.c LIBS x): a program in build/bin, installed.
function(lurker_program name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_LIBS})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# lurker_test(NAME SOURCES t.c LIBS x): a Criterion program, registered with ctest under its name.
function(lurker_test name)
  if(LURKER_TESTS)
    cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
    add_executable(test_${name} ${A_SOURCES})
    # Criterion's macros are not clean under the warnings of the tree.
    target_compile_options(test_${name} PRIVATE -Wno-pedantic -Wno-missing-prototypes
      -Wno-conversion -Wno-sign-conversion -Wno-shadow -Wno-missing-field-initializers -Wno-cast-qual -Wno-write-strings)
    target_link_libraries(test_${name} PRIVATE ${A_LIBS} PkgConfig::criterion)
    add_test(NAME ${name} COMMAND test_${name} -j2 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 1500)
  endif()
endfunction()

# lurker_fuzz(NAME SOURCES f.c LIBS x): a libFuzzer program build/fuzz/fuzz_NAME; its seeds are tests/fuzz/corpus/NAME.
function(lurker_fuzz name)
  if(LURKER_FUZZ)
    cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
    add_executable(fuzz_${name} ${A_SOURCES})
    target_compile_options(fuzz_${name} PRIVATE -Wno-missing-prototypes)
    target_link_libraries(fuzz_${name} PRIVATE ${A_LIBS})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  endif()
endfunction()
