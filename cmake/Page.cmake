# SPDX-License-Identifier: Apache-2.0
# The status page: its style and its script go into the document, the document into the program. The
# browser runs them by their hashes, which stand in the page's policy.

# plimsoll_page(TARGET FOLDER): page.html, page.css and the scripts of FOLDER become part of TARGET.
function(plimsoll_page target folder)
    set(made ${CMAKE_BINARY_DIR}/page/page_bytes.c)
    set(script ${CMAKE_SOURCE_DIR}/cmake/Page.cmake)
    add_custom_command(
        OUTPUT ${made}
        COMMAND ${CMAKE_COMMAND} -DPAGE_FOLDER=${folder} -DPAGE_MADE=${made} -P ${script}
        DEPENDS ${folder}/page.html ${folder}/page.css ${folder}/dom.js ${folder}/draw.js
                ${folder}/live.js ${script}
        COMMENT "Putting the status page together" VERBATIM)
    target_sources(${target} PRIVATE ${made})
endfunction()

# A hash in hexadecimal, as a policy wants it.
function(to_base64 hex out)
    set(letters ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
    string(LENGTH ${hex} size)
    set(text "")
    foreach(at RANGE 0 ${size} 6)
        string(SUBSTRING "${hex}" ${at} 6 part)
        string(LENGTH "${part}" digits)
        if(digits GREATER 0)
            string(SUBSTRING "${part}00000" 0 6 part)
            foreach(shift 18 12 6 0)
                math(EXPR index "(0x${part} >> ${shift}) & 63")
                string(SUBSTRING ${letters} ${index} 1 letter)
                string(APPEND text ${letter})
            endforeach()
            # Two digits say two letters, four say three.
            math(EXPR rest "(6 - ${digits}) / 2")
            string(LENGTH "${text}" length)
            math(EXPR length "${length} - ${rest}")
            string(SUBSTRING "${text}" 0 ${length} text)
            string(REPEAT "=" ${rest} padding)
            string(APPEND text "${padding}")
        endif()
    endforeach()
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

# put_in(DOCUMENT MARK OUT HASH FILE...)
function(put_in document mark out hash)
    set(content "")
    foreach(file ${ARGN})
        file(READ ${PAGE_FOLDER}/${file} part)
        string(APPEND content "${part}")
    endforeach()
    string(FIND "${document}" "${mark}" at)
    if(at EQUAL -1)
        message(FATAL_ERROR "page.html has no ${mark}")
    endif()
    string(REPLACE "${mark}" "${content}" document "${document}")
    string(SHA256 hex "${content}")
    to_base64(${hex} base64)
    set(${out} "${document}" PARENT_SCOPE)
    set(${hash} "'sha256-${base64}'" PARENT_SCOPE)
endfunction()

if(PAGE_MADE)
    cmake_minimum_required(VERSION 3.25)
    file(READ ${PAGE_FOLDER}/page.html document)
    put_in("${document}" "@STYLE@" document style page.css)
    put_in("${document}" "@SCRIPT@" document script dom.js draw.js live.js)
    string(HEX "${document}" hex)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n"
           bytes "${bytes}")
    file(WRITE ${PAGE_MADE} "/* Made by cmake/Page.cmake. */
#include <plimsoll/page.h>
const unsigned char plimsoll_page_html[] = {
${bytes}
};
const size_t plimsoll_page_html_size = sizeof plimsoll_page_html;
const char plimsoll_page_policy[] =
    \"default-src 'none'; style-src ${style}; script-src ${script}; \"
    \"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \"
    \"frame-ancestors 'none'; require-trusted-types-for 'script'\";
")
endif()
