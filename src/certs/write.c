/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/certs.h>

#include "certs.h"

#define CA_DAYS 3650u

/* The CA that is there, or a new one. One that is there and cannot be used may be somebody's: it
 * stays. */
static int find_ca(const struct plimsoll_certs_options *options, struct pair *ca, bool *found,
                   struct plimsoll_error *err)
{
    int loaded = load_pair(options->directory, "ca", ca, err);
    *found = loaded == 1;
    if (loaded == 0) {
        return make_ca("Plimsoll development CA", options->ca_days > 0 ? options->ca_days : CA_DAYS,
                       options->now_unix_ms, ca, err);
    }
    if (loaded < 0 || check_ca(ca, options->now_unix_ms, err) != 0) {
        return plimsoll_error_wrap(err,
                                   "the CA in %s cannot be used (remove ca.crt and ca.key to get a "
                                   "new one)",
                                   options->directory);
    }
    return 0;
}

/* A client's alone needs no names. */
static bool serves(const struct plimsoll_certs_options *options)
{
    return options->client == NULL || options->dns_count + options->ip_count > 0;
}

int plimsoll_certs_write(const struct plimsoll_certs_options *options, struct plimsoll_error *err)
{
    plimsoll_autopair ca = {.key = NULL}, leaf = {.key = NULL}, client = {.key = NULL};
    bool found = false;
    /* Everything is made before anything is written. */
    if (make_directory(options->directory, err) != 0 || find_ca(options, &ca, &found, err) != 0 ||
        (serves(options) && make_leaf(options, &ca, &leaf, err) != 0) ||
        (options->client != NULL &&
         make_client(options->client, &ca, options->now_unix_ms, &client, err) != 0)) {
        return -1;
    }
    if ((!found && save_pair(options->directory, "ca", &ca, err) != 0) ||
        (serves(options) && save_pair(options->directory, "tls", &leaf, err) != 0)) {
        return -1;
    }
    return options->client != NULL ? save_pair(options->directory, "client", &client, err) : 0;
}
