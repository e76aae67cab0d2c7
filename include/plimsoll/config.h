/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The configuration file (YAML, libyaml): settings, resource lists and workload profiles (design
 * §3, §6.1).
 *
 * Flags have keys of the same name (`listen`, `tls-cert`, …); everything else is camelCase. Unknown
 * keys, wrong types and bad quantities fail with file, line and what would be right. Immutable once
 * loaded and then safe from several threads; owns everything its pointers reach.
 */
#pragma once

#include <plimsoll/demand.h>
#include <plimsoll/error.h>
#include <plimsoll/node.h>
#include <plimsoll/placement.h>

enum plimsoll_visible_devices {
    PLIMSOLL_DEVICES_AUTO,
    PLIMSOLL_DEVICES_ALL,
    PLIMSOLL_DEVICES_ASSIGNED,
    PLIMSOLL_DEVICES_NONE,
};

/** When a default that could make a pod unschedulable is added. */
enum plimsoll_require { PLIMSOLL_REQUIRE_AUTO, PLIMSOLL_REQUIRE_ALWAYS, PLIMSOLL_REQUIRE_NEVER };

struct plimsoll_pair {
    char *key, *value;
};

struct plimsoll_pairs {
    struct plimsoll_pair *list;
    size_t count;
};

struct plimsoll_strings {
    char **list;
    size_t count;
};

struct plimsoll_profile {
    char *name;
    enum plimsoll_vendor vendor;
    bool mig;
    /* match; an empty list matches anything, a profile that matches nothing at all is only named */
    struct plimsoll_strings resources;  /* names or trailing `*` */
    struct plimsoll_strings namespaces; /* globs */
    struct plimsoll_pairs pod_labels;
    struct plimsoll_strings images; /* globs */
    bool vram_only;                 /* also pods with a VRAM request and no vendor resource */
    /* what to add where absent */
    char *runtime_class;     /* NULL: none */
    int runtime_class_index; /* bit in facts.runtime_classes, -1 when NULL */
    enum plimsoll_require runtime_class_require;
    struct plimsoll_pairs node_selector;
    uint64_t selectors; /* the bits of node_selector in reading.selectors */
    enum plimsoll_require node_selector_require;
    char *node_affinity_json; /* a core/v1 NodeAffinity as JSON, or NULL */
    char *tolerations_json;   /* a JSON array of core/v1 Toleration, or NULL */
    struct plimsoll_pairs env;
    char *scheduler_name; /* NULL or empty: leave it */
    char *priority_class_name;
    struct plimsoll_pairs annotations;
    char *vram; /* the request that pods without one get, as written; NULL: none */
    enum plimsoll_visible_devices visible_devices;
    bool leak_guard; /* `void` on the other containers where we add the runtime class */
};

struct plimsoll_config {
    /* flags of the same name; NULL: not set */
    char *listen, *tls_cert, *tls_key, *client_ca, *extender_listen, *metrics_listen;
    char *tls_secret, *webhook, *service, *ca_configmap; /* object names */
    struct plimsoll_strings tls_dns; /* DNS names and addresses besides the Service's */
    char *cluster_state, *kubeconfig;
    char *log_format, *log_level; /* json|text; debug|info|warn|error */
    struct plimsoll_placement_settings placement;
    int64_t max_report_age_ms;
    bool marker_limit; /* cluster's own scheduler: add `plimsoll.dev/vram: "0"` where no listed
                          resource is asked */
    /** Nodes advertise plimsoll.dev/vram in status.capacity, and pods ask for it as a limit: quotas
     * and the scheduler's own preemption see VRAM. The scheduler profile must not ignore that
     * resource then. */
    bool node_capacity;
    struct plimsoll_strings
        runtime_classes;               /* distinct names that profiles name, in facts' bit order */
    struct plimsoll_profile *profiles; /* user's first, then the built-in ones */
    size_t profile_count;
    struct plimsoll_reading reading;     /* resources and selectors of all profiles */
    struct plimsoll_resource *resources; /* what reading points to; names are the profiles' */
    struct plimsoll_selector *selectors;
};

/** The built-in defaults alone. @return owned by the caller; never NULL. */
struct plimsoll_config *plimsoll_config_default(void);

/**
 * Bytes of a YAML document over the defaults.
 * @param file  For messages only: `FILE:LINE: …`.
 * @param config  Set on success, owned by the caller.
 */
int plimsoll_config_parse(struct plimsoll_span yaml, const char *file,
                          struct plimsoll_config **config,
                          struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** As parse, from a file of at most PLIMSOLL_CONFIG_BYTES_MAX. */
int plimsoll_config_load(const char *file, struct plimsoll_config **config,
                         struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_config_free(struct plimsoll_config **config);
