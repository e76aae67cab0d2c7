/* SPDX-License-Identifier: Apache-2.0 */
/** The flags of `plimsoll-agent`. */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/log.h>
#include <plimsoll/resources.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** `--resource` flags, the usual ones included. */
#define PLIMSOLL_AGENT_RESOURCES_MAX 64

/** Strings are those of argv. */
struct plimsoll_agent_options {
    const char *node, *kubeconfig, *root, *kubelet_root, *nvml, *metrics_listen;
    const char *reader; /* `auto`, a vendor, or `fake:FILE` */
    int64_t interval_ms;
    uint64_t reserve;
    bool attribution;
    bool once, watch, json, help, version;
    enum plimsoll_log_level log_level;
    bool log_level_given, log_json;
    struct plimsoll_resource resources[PLIMSOLL_AGENT_RESOURCES_MAX];
    size_t resource_count;
};

/** @return 0, or -1 with PLIMSOLL_ERR_INVALID: which flag, and what would be right. */
int plimsoll_agent_options_read(int argc, char **argv, struct plimsoll_agent_options *options,
                                struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_agent_options_help(FILE *out);
