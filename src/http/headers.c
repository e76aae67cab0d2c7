/* SPDX-License-Identifier: Apache-2.0 */
#include "headers.h"

#include <plimsoll/own.h>

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <strings.h>

void headers_set(struct headers *headers, const char *name, const char *value)
{
    assert(headers->count < PLIMSOLL_HTTP_ANSWER_HEADERS_MAX);
    headers->list[headers->count++] =
        (struct header){.name = name, .value = plimsoll_copy(value, strlen(value))};
}

void headers_write(const struct headers *headers, struct MHD_Response *response)
{
    for (size_t i = 0; i < headers->count; i++) {
        (void)MHD_add_response_header(response, headers->list[i].name, headers->list[i].value);
    }
}

void headers_clear(struct headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        free(headers->list[i].value);
    }
    headers->count = 0;
}

/* -- names of this machine ----------------------------------------------------------------------
 */

static bool is_port(struct plimsoll_span text)
{
    unsigned long long port;
    return text.size == 0 ||
           (text.data[0] == ':' &&
            plimsoll_span_decimal((struct plimsoll_span){text.data + 1, text.size - 1}, &port) &&
            port <= UINT16_MAX);
}

/* An address is no name: nobody else's DNS can make it mean another machine. */
static bool is_loopback(int family, struct plimsoll_span name)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct in6_addr address;
    if (name.size == 0 || name.size >= sizeof text) {
        return false;
    }
    memcpy(text, name.data, name.size);
    if (inet_pton(family, text, &address) != 1) {
        return false;
    }
    return family == AF_INET ? address.s6_addr[0] == 127 : IN6_IS_ADDR_LOOPBACK(&address);
}

bool host_is_local(struct plimsoll_span host)
{
    const char *bracket =
        host.size > 0 && host.data[0] == '[' ? memchr(host.data, ']', host.size) : NULL;
    if (bracket != NULL) {
        size_t size = (size_t)(bracket - host.data) + 1;
        return is_loopback(AF_INET6, (struct plimsoll_span){host.data + 1, size - 2}) &&
               is_port((struct plimsoll_span){host.data + size, host.size - size});
    }
    const char *colon = host.size > 0 ? memchr(host.data, ':', host.size) : NULL;
    size_t size = colon != NULL ? (size_t)(colon - host.data) : host.size;
    bool named = size == strlen("localhost") && strncasecmp(host.data, "localhost", size) == 0;
    return (named || is_loopback(AF_INET, (struct plimsoll_span){host.data, size})) &&
           is_port((struct plimsoll_span){host.data + size, host.size - size});
}
