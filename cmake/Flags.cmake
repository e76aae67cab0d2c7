# SPDX-License-Identifier: Apache-2.0
# C17, warnings, hardening and sanitizers, all through one INTERFACE target; every flag is probed.
include(CheckCCompilerFlag)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
# CMake's own would add -DNDEBUG; assertions stay on in release.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")

option(PLIMSOLL_WERROR "Warnings are errors (presets turn it on; packagers leave it off)" OFF)
set(PLIMSOLL_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")
option(PLIMSOLL_FUZZ "Build libFuzzer targets (clang)" OFF)
option(PLIMSOLL_COVERAGE "Instrument for gcov" OFF)

add_library(plimsoll_flags INTERFACE)
target_compile_definitions(plimsoll_flags INTERFACE _GNU_SOURCE)

function(plimsoll_flag flag)
    string(MAKE_C_IDENTIFIER "PLIMSOLL_HAS${flag}" has)
    check_c_compiler_flag("-Werror ${flag}" ${has})
    if(${has})
        target_compile_options(plimsoll_flags INTERFACE ${flag})
    endif()
endfunction()

foreach(flag -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wundef
        -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual
        -Wwrite-strings -Wvla -Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference -Wlogical-op
        -Wduplicated-cond -Wduplicated-branches -Wcomma -Werror=implicit -Werror=incompatible-pointer-types
        -Werror=int-conversion)
    plimsoll_flag(${flag})
endforeach()
if(PLIMSOLL_WERROR)
    target_compile_options(plimsoll_flags INTERFACE -Werror)
endif()

foreach(flag -fno-strict-aliasing -fno-strict-overflow -fno-delete-null-pointer-checks -fno-common
        -fvisibility=hidden -fstack-protector-strong -fstack-clash-protection
        -ftrivial-auto-var-init=zero -fstrict-flex-arrays=3)
    plimsoll_flag(${flag})
endforeach()
# Accepted by every clang, understood on one processor only: ask the processor.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
    plimsoll_flag(-fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    plimsoll_flag(-mbranch-protection=standard)
endif()
if(NOT PLIMSOLL_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(plimsoll_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(NOT PLIMSOLL_SANITIZE)
    target_link_options(plimsoll_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
endif()
target_link_options(plimsoll_flags INTERFACE -pie)

if(PLIMSOLL_SANITIZE)
    target_compile_options(plimsoll_flags INTERFACE -fsanitize=${PLIMSOLL_SANITIZE} -fno-sanitize-recover=all
                           -fno-omit-frame-pointer)
    target_link_options(plimsoll_flags INTERFACE -fsanitize=${PLIMSOLL_SANITIZE})
endif()
if(PLIMSOLL_FUZZ)
    target_compile_options(plimsoll_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(PLIMSOLL_COVERAGE)
    target_compile_options(plimsoll_flags INTERFACE --coverage)
    target_link_options(plimsoll_flags INTERFACE --coverage)
endif()
