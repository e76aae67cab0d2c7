/* SPDX-License-Identifier: Apache-2.0 */
/* HOST:PORT to a listening socket. Our own socket, so that the refusal names the address. */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define HOST_SIZE 256
#define PORT_SIZE 8
#define BACKLOG   511

struct address {
    char host[HOST_SIZE]; /* empty: every address */
    char port[PORT_SIZE];
};

static int refuse(const char *text, const char *why, struct plimsoll_error *err)
{
    return plimsoll_error_set(
        err, PLIMSOLL_ERR_INVALID,
        "address \"%s\": %s; right would be 127.0.0.1:8080, [::1]:8080 or :8443", text, why);
}

static int split(const char *text, struct address *address, struct plimsoll_error *err)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL) {
        return refuse(text, "no port", err);
    }
    unsigned long long port = 0;
    struct plimsoll_span digits = plimsoll_span_of(colon + 1);
    if (!plimsoll_span_decimal(digits, &port) || port > UINT16_MAX || digits.size >= PORT_SIZE) {
        return refuse(text, "the port is no number from 0 to 65535", err);
    }
    struct plimsoll_span host = {.data = text, .size = (size_t)(colon - text)};
    bool bracketed = host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    if (bracketed) {
        host = (struct plimsoll_span){.data = host.data + 1, .size = host.size - 2};
    } else if (memchr(host.data, ':', host.size) != NULL) {
        return refuse(text, "an IPv6 address needs brackets", err);
    }
    if (host.size >= HOST_SIZE) {
        return refuse(text, "the host is too long", err);
    }
    memcpy(address->host, host.data, host.size);
    address->host[host.size] = '\0';
    memcpy(address->port, digits.data, digits.size + 1);
    return 0;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, address, sizeof v6);
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127);
}

/* @return the socket, or -1 with errno. */
static int listen_on(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    const int on = 1, off = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info->ai_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int failure = errno;
        close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage bound = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof bound;
    (void)getsockname(fd, (struct sockaddr *)&bound, &size);
    if (bound.ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &bound, sizeof v4);
        return ntohs(v4.sin_port);
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, &bound, sizeof v6);
    return ntohs(v6.sin6_port);
}

static int listen_on_first(const struct plimsoll_http_listener *spec, const struct addrinfo *infos,
                           int *fd, struct plimsoll_error *err)
{
    int failure = 0;
    for (const struct addrinfo *info = infos; info != NULL; info = info->ai_next) {
        if (spec->loopback_only && !is_loopback(info->ai_addr)) {
            return plimsoll_error_set(
                err, PLIMSOLL_ERR_INVALID,
                "address \"%s\" is not loopback, and listener %s may listen "
                "on nothing else; right would be 127.0.0.1:8080 or [::1]:8080",
                spec->address, spec->name);
        }
    }
    for (const struct addrinfo *info = infos; info != NULL; info = info->ai_next) {
        int bound = listen_on(info);
        if (bound >= 0) {
            *fd = bound;
            return 0;
        }
        failure = errno;
    }
    return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "cannot listen on \"%s\": %s",
                              spec->address, strerror(failure));
}

/* Every address: the IPv6 wildcard takes IPv4 too, where there is IPv6. */
static int listen_on_any(const struct plimsoll_http_listener *spec, const struct address *address,
                         int *fd, struct plimsoll_error *err)
{
    unsigned long long port = 0;
    (void)plimsoll_span_decimal(plimsoll_span_of(address->port), &port);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct addrinfo second = {
        .ai_family = AF_INET, .ai_addr = (struct sockaddr *)&v4, .ai_addrlen = sizeof v4};
    struct addrinfo first = {.ai_family = AF_INET6,
                             .ai_addr = (struct sockaddr *)&v6,
                             .ai_addrlen = sizeof v6,
                             .ai_next = &second};
    return listen_on_first(spec, &first, fd, err);
}

int address_listen(const struct plimsoll_http_listener *spec, int *fd, unsigned *port,
                   struct plimsoll_error *err)
{
    struct address address;
    if (split(spec->address, &address, err) != 0) {
        return -1;
    }
    int result = -1;
    if (address.host[0] == '\0') {
        result = listen_on_any(spec, &address, fd, err);
    } else {
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
        struct addrinfo *infos = NULL;
        int failure = getaddrinfo(address.host, address.port, &hints, &infos);
        if (failure != 0) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "address \"%s\": %s",
                                      spec->address, gai_strerror(failure));
        }
        result = listen_on_first(spec, infos, fd, err);
        freeaddrinfo(infos);
    }
    if (result == 0) {
        *port = port_of(*fd);
    }
    return result;
}
