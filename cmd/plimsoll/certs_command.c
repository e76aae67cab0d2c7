/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <plimsoll/certs.h>
#include <plimsoll/clock.h>

#include <getopt.h>
#include <stdio.h>

/* Names of one certificate; more than anybody needs. */
#define NAMES_MAX 64

static const char help[] =
    "usage: plimsoll certs --out DIR [--dns NAME]... [--ip ADDR]... [--client NAME]\n"
    "\n"
    "Writes ca.crt ca.key tls.crt tls.key into DIR. A CA that is there already signs again.\n"
    "In a cluster the server's certificate comes from the installation; a scheduler of the\n"
    "cluster gets its client certificate from here.\n"
    "\n"
    "  --out DIR      where to write; made when it is not there\n"
    "  --dns NAME     a DNS name of the server, e.g. plimsoll.plimsoll-system.svc (default "
    "localhost)\n"
    "  --ip ADDR      an IP address of the server (default 127.0.0.1 and ::1)\n"
    "  --client NAME  client.crt client.key of that name, for as long as the CA lives: for a\n"
    "                 scheduler, with `serve --client-ca ca.crt`. Without --dns and --ip there "
    "are\n"
    "                 no tls.crt and tls.key then\n";

static int refuse(const char *message)
{
    fprintf(stderr, "plimsoll certs: %s\n\n%s", message, help);
    return 2;
}

int plimsoll_command_certs(int argc, char **argv)
{
    static const struct option flags[] = {
        {"out", required_argument, NULL, 'o'}, {"dns", required_argument, NULL, 'd'},
        {"ip", required_argument, NULL, 'i'},  {"client", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},      {NULL, 0, NULL, 0},
    };
    const char *dns[NAMES_MAX] = {"localhost"}, *ip[NAMES_MAX] = {"127.0.0.1", "::1"};
    size_t dns_count = 0, ip_count = 0;
    struct plimsoll_certs_options options = {.dns = dns, .ip = ip};
    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
        switch (flag) {
        case 'o':
            options.directory = optarg;
            break;
        case 'd':
        case 'i':
            if (dns_count == NAMES_MAX || ip_count == NAMES_MAX) {
                return refuse("at most 64 names and 64 addresses");
            }
            *(flag == 'd' ? &dns[dns_count++] : &ip[ip_count++]) = optarg;
            break;
        case 'c':
            options.client = optarg;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return 0;
        default:
            return refuse("see the flags below");
        }
    }
    if (options.directory == NULL || optind < argc) {
        return refuse(options.directory == NULL ? "--out DIR is missing" : "takes flags only");
    }
    bool named = dns_count + ip_count > 0, serves = named || options.client == NULL;
    options.dns_count = named || !serves ? dns_count : 1;
    options.ip_count = named || !serves ? ip_count : 2;
    options.now_unix_ms = plimsoll_clock_unix_ms();
    struct plimsoll_error err = {0};
    if (plimsoll_certs_write(&options, &err) != 0) {
        fprintf(stderr, "plimsoll certs: %s\n", err.message);
        return 1;
    }
    printf("wrote ca.crt ca.key%s%s to %s\n", serves ? " tls.crt tls.key" : "",
           options.client != NULL ? " client.crt client.key" : "", options.directory);
    return 0;
}
