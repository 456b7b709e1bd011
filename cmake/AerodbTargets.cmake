# Flags, dependencies and the three ways this project declares a target: aerodb_library, aerodb_binary, aerodb_test.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LIBEDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive)

add_library(aerodb_flags INTERFACE)
target_include_directories(aerodb_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(aerodb_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
target_compile_definitions(aerodb_flags INTERFACE MSGPACK_NO_BOOST)
# Relative to the build directory, which the compiler runs in: see there.
configure_file(common/base/build.h.in generated/common/base/build.h)
target_compile_options(aerodb_flags INTERFACE -Igenerated)
if(AERODB_SANITIZE)
  target_compile_options(aerodb_flags INTERFACE -fsanitize=${AERODB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(aerodb_flags INTERFACE -fsanitize=${AERODB_SANITIZE})
endif()
if(AERODB_FUZZ)
  # Every library is instrumented for coverage; only the fuzz targets link the fuzzer's main.
  target_compile_options(aerodb_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(aerodb_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# aerodb_library(name SOURCES ... DEPS ... PRIVATE_DEPS ...): one folder of the house.
function(aerodb_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC aerodb_flags ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# aerodb_binary(name SOURCES ... DEPS ...): a program in build/<preset>/bin.
function(aerodb_binary name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
endfunction()

# Compiles the sources of a test target a few at a time, since each of them spends most of it on the same headers.
function(aerodb_compile_together name)
  if(AERODB_TESTS_TOGETHER)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
endfunction()

# aerodb_test(name LABEL unit SOURCES ... DEPS ...): a GoogleTest program, one CTest entry.
function(aerodb_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_options(${name} PRIVATE -O0)  # the test's own sources alone: half the time to build
  aerodb_compile_together(${name})
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL})
  set_property(GLOBAL APPEND PROPERTY AERODB_TESTS_${ARG_LABEL} ${name})
endfunction()

# When GCC 12 instruments, it warns of uninitialised members inside its own <regex>, and of free() in a counting operator
# delete. Both are false alarms of that compiler; the plain builds keep the warnings.
function(aerodb_sanitizer_false_alarms name)
  if(AERODB_SANITIZE)
    target_compile_options(${name} PRIVATE -Wno-maybe-uninitialized -Wno-mismatched-new-delete)
  endif()
endfunction()
