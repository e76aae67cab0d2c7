# SPDX-License-Identifier: Apache-2.0
# A module is a folder of src/ with its faces in include/plimsoll/ and the modules it may use.

set_property(GLOBAL PROPERTY PLIMSOLL_ARROWS "")

# plimsoll_module(NAME FACES face... [USES module...] [LINKS library...])
function(plimsoll_module name)
    cmake_parse_arguments(MODULE "" "" "FACES;USES;LINKS" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.c)
    add_library(plimsoll_${name} STATIC ${sources})
    target_include_directories(plimsoll_${name} PUBLIC ${CMAKE_SOURCE_DIR}/include)
    target_link_libraries(plimsoll_${name} PRIVATE plimsoll_flags PUBLIC ${MODULE_LINKS})
    foreach(other ${MODULE_USES})
        target_link_libraries(plimsoll_${name} PUBLIC plimsoll_${other})
    endforeach()
    plimsoll_arrow_("module ${name}" "${MODULE_FACES}" "${MODULE_USES}")
endfunction()

# plimsoll_program(NAME USES module...)
function(plimsoll_program name)
    cmake_parse_arguments(PROGRAM "" "" "USES" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/cmd/${name}/*.c)
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE plimsoll_flags)
    target_compile_definitions(${name} PRIVATE PLIMSOLL_VERSION="${PROJECT_VERSION}")
    foreach(other ${PROGRAM_USES})
        target_link_libraries(${name} PRIVATE plimsoll_${other})
    endforeach()
    set_property(DIRECTORY APPEND PROPERTY PLIMSOLL_PROGRAMS ${name})
    plimsoll_arrow_("program ${name}" "" "${PROGRAM_USES}")
endfunction()

function(plimsoll_arrow_ who faces uses)
    string(REPLACE ";" " " faces "${faces}")
    string(REPLACE ";" " " uses "${uses}")
    set_property(GLOBAL APPEND_STRING PROPERTY PLIMSOLL_ARROWS "${who} | ${faces} | ${uses}\n")
endfunction()

# One line per module or program: `module NAME | faces | uses`; read by tests/check/arrows.py.
function(plimsoll_arrows_write)
    get_property(arrows GLOBAL PROPERTY PLIMSOLL_ARROWS)
    file(WRITE ${CMAKE_BINARY_DIR}/arrows.txt "${arrows}")
endfunction()
