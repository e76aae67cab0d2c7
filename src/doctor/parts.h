/* SPDX-License-Identifier: Apache-2.0 */
/** What a doctor remembers of the objects it saw. */
#pragma once

#include <plimsoll/doctor.h>

/* Agents' nodes; one per node and vendor of the largest cluster. */
#define AGENTS_MAX 16384u
/* Namespaces that the webhook's selector leaves out. */
#define EXCLUDED_MAX 64u

/* Names for a finding. */
struct names {
    struct plimsoll_text text;
    size_t count;
};

void plimsoll_doctor_name(struct names *names, const char *home, const char *name);

struct agent {
    char *node; /* owned */
    bool ready;
};

struct plimsoll_doctor {
    struct plimsoll_doctor_options options;
    char *unread[PLIMSOLL_DOCTOR_KIND_COUNT]; /* owned; NULL: was asked */

    /* The release. */
    char *webhook, *service, *home, *failure_policy; /* owned; NULL: not seen */
    char *ca_bundle, *trusted;                       /* owned; PEM; NULL: none */
    char *ca_config_map;                             /* owned: where the server keeps its CA */
    char *deployment, *version;                      /* owned */
    char *excluded[EXCLUDED_MAX];                    /* owned */
    size_t excluded_count;
    int64_t wanted, ready; /* of the Deployment */
    size_t endpoints, endpoints_ready;
    bool scheduler_runs; /* the Deployment has a kube-scheduler */
    char *lease;         /* owned: of our scheduler; NULL: none */
    bool lease_held;
    uint64_t runtime_classes; /* bit i: options.runtime_classes[i] is there */
    struct names other_versions;

    /* Pods, and what makes them. */
    struct agent *agents; /* owned, with their nodes */
    size_t agent_count, claims;
    struct names misplaced, stuck, unclaimed, unchanged, dra, extended;

    /* Nodes. */
    size_t gpu_nodes, nvidia_nodes;
    struct names without_agent, without_inventory, unready, stale, unusable;
    int64_t ahead_ms; /* the report that is furthest ahead … */
    char *ahead;      /* … and whose; owned */
    bool tried, mutated;
    char *trial_scheduler; /* owned */
    int64_t trial_unix_ms; /* of the API server's clock; 0: not told */
    int64_t now;           /* the same, else this machine's */

    struct plimsoll_finding findings[PLIMSOLL_DOCTOR_FINDINGS_MAX];
    size_t finding_count;
};

void plimsoll_doctor_find(struct plimsoll_doctor *doctor, const char *check,
                          enum plimsoll_finding_state state, const char *todo, const char *format,
                          ...) PLIMSOLL_PRINTF(5, 6);
/** Says `what` of these names, if there are any. */
void plimsoll_doctor_list(struct plimsoll_doctor *doctor, const char *check,
                          enum plimsoll_finding_state state, const struct names *names,
                          const char *what, const char *todo);
/** Says that `kind` could not be asked for. @return whether it was so */
bool plimsoll_doctor_missed(struct plimsoll_doctor *doctor, const char *check,
                            enum plimsoll_doctor_kind kind);

/* -- what is read of one object ------------------------------------------------------------------
 */

static inline bool is_there(struct plimsoll_json value)
{
    return plimsoll_json_type(value) != PLIMSOLL_JSON_MISSING;
}
/** Along keys; ends with NULL. */
struct plimsoll_json plimsoll_doctor_at(struct plimsoll_json object, ...);
/** metadata.annotations[key] or labels[key]. */
struct plimsoll_json plimsoll_doctor_annotation(struct plimsoll_json object, const char *key);
struct plimsoll_json plimsoll_doctor_label(struct plimsoll_json object, const char *key);
/** @return 0 where no time is written. */
int64_t plimsoll_doctor_time(struct plimsoll_json value);
/** Is the condition of that type True? `there`: it is there at all. */
bool plimsoll_doctor_condition(struct plimsoll_json object, const char *type, bool *there);
bool plimsoll_doctor_ours(const struct plimsoll_doctor *doctor, struct plimsoll_json scheduler);
/** Frees `*slot` and puts a copy of the string there, NULL where there is none. */
void plimsoll_doctor_keep(char **slot, struct plimsoll_json value);

void plimsoll_doctor_release(struct plimsoll_doctor *doctor, enum plimsoll_doctor_kind kind,
                             struct plimsoll_json object);
void plimsoll_doctor_workload(struct plimsoll_doctor *doctor, enum plimsoll_doctor_kind kind,
                              struct plimsoll_json object);
void plimsoll_doctor_pod(struct plimsoll_doctor *doctor, struct plimsoll_json object);
void plimsoll_doctor_node(struct plimsoll_doctor *doctor, struct plimsoll_json object);

/** The PEM text of base64, NULL when it is none; the caller frees it. */
char *plimsoll_doctor_decode(struct plimsoll_span base64);
/**
 * What a webhook's caBundle comes to.
 * @return the end of the certificate that ends last, in unix ms; 0: no certificate can be read
 */
int64_t plimsoll_doctor_bundle_end(const char *pem);
/** Is every certificate of `pem` one of the bundle? */
bool plimsoll_doctor_bundle_has(const char *bundle, const char *pem);

void plimsoll_doctor_judge_release(struct plimsoll_doctor *doctor);
void plimsoll_doctor_judge_trial(struct plimsoll_doctor *doctor);
void plimsoll_doctor_judge_nodes(struct plimsoll_doctor *doctor);
void plimsoll_doctor_judge_pods(struct plimsoll_doctor *doctor);
