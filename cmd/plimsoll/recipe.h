/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How a kube-scheduler is made to ask Plimsoll, as YAML with comments: its configuration, and where
 * a distribution wants it.
 */
#pragma once

#include <plimsoll/config.h>
#include <plimsoll/text.h>

enum plimsoll_recipe {
    PLIMSOLL_RECIPE_SECOND, /* beside the server, on loopback */
    PLIMSOLL_RECIPE_KUBEADM,
    PLIMSOLL_RECIPE_K3S,
    PLIMSOLL_RECIPE_RKE2,
    PLIMSOLL_RECIPE_TALOS,
};

struct plimsoll_recipe_values {
    const char *address; /* HOST:PORT */
    /* of a second scheduler */
    const char *scheduler_name, *namespace_;
    /* of the cluster's own; PEM the files */
    const char *server_name;
    struct plimsoll_span ca, client_cert, client_key;
    const struct plimsoll_resources *resources;
    bool node_capacity; /* nodes advertise VRAM, so the scheduler counts it, too */
    /* of the API server, like v1.36.3 and 36; empty and 0: nobody said */
    const char *kubernetes;
    unsigned kubernetes_minor;
};

/** @return false for a name that is none of them. */
bool plimsoll_recipe_named(const char *name, enum plimsoll_recipe *recipe);
/** Appends the recipe. */
void plimsoll_recipe_write(enum plimsoll_recipe recipe, const struct plimsoll_recipe_values *values,
                           struct plimsoll_text *out);
