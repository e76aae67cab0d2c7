/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is wrong with an installation, seen from the outside in: objects of the API in, findings
 * out. Pure.
 *
 * Objects are given one by one and not kept, kind after kind in the order of enum
 * plimsoll_doctor_kind: the trial tells the API server's time, what is said of pods needs the
 * release, what is said of nodes the pods.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/json.h>
#include <plimsoll/node.h>

/** Beyond these apart, two clocks are said to differ. */
#define PLIMSOLL_DOCTOR_SKEW_MS 60000
/** A pod that no scheduler has looked at for so long is stuck; a Lease is abandoned. */
#define PLIMSOLL_DOCTOR_PATIENCE_MS 60000
/** A certificate that ends within this is said. */
#define PLIMSOLL_DOCTOR_EXPIRY_MS (INT64_C(14) * 86400 * 1000)
/** Names that a finding lists; of more it says how many. */
#define PLIMSOLL_DOCTOR_NAMES_MAX 4
/** Findings of one diagnosis. */
#define PLIMSOLL_DOCTOR_FINDINGS_MAX 64

/** What is looked at. */
enum plimsoll_doctor_kind {
    PLIMSOLL_DOCTOR_TRIAL,    /* a pod that asks for VRAM, as a server-side dry run gives it back */
    PLIMSOLL_DOCTOR_WEBHOOKS, /* MutatingWebhookConfigurations */
    PLIMSOLL_DOCTOR_DEPLOYMENTS, /* of everybody, like all that follow */
    PLIMSOLL_DOCTOR_DAEMON_SETS,
    PLIMSOLL_DOCTOR_STATEFUL_SETS,
    PLIMSOLL_DOCTOR_JOBS,
    PLIMSOLL_DOCTOR_ENDPOINTS,   /* EndpointSlices in the webhook's namespace */
    PLIMSOLL_DOCTOR_CONFIG_MAPS, /* there, too */
    PLIMSOLL_DOCTOR_LEASES,      /* there, too */
    PLIMSOLL_DOCTOR_RUNTIME_CLASSES,
    PLIMSOLL_DOCTOR_RESOURCE_CLAIMS, /* of dynamic resource allocation */
    PLIMSOLL_DOCTOR_PODS,            /* unfinished ones */
    PLIMSOLL_DOCTOR_NODES,
    PLIMSOLL_DOCTOR_KIND_COUNT
};

struct plimsoll_doctor_options {
    const struct plimsoll_reading *reading; /* borrowed, like every pointer here */
    const char *const *schedulers;          /* that profiles send pods to */
    size_t scheduler_count;
    const char *const *runtime_classes; /* that profiles name */
    size_t runtime_class_count;
    int64_t max_report_age_ms; /* 0: reports do not go stale by their time */
    int64_t now_unix_ms;       /* of this machine, just before the trial */
    const char *version;       /* of whoever asks */
};

enum plimsoll_finding_state {
    PLIMSOLL_FINDING_OK,
    PLIMSOLL_FINDING_WARNING, /* works, but not as somebody wanted; or could not be asked */
    PLIMSOLL_FINDING_PROBLEM,
};

struct plimsoll_finding {
    const char *check; /* static: `webhook`, `agents` … */
    enum plimsoll_finding_state state;
    char *says;       /* owned by the doctor */
    const char *todo; /* static: what to do, a sentence; NULL where all is well */
};

struct plimsoll_doctor;

struct plimsoll_doctor *plimsoll_doctor_new(const struct plimsoll_doctor_options *options);
void plimsoll_doctor_free(struct plimsoll_doctor **handle);

/** An object of `kind`; borrowed for the call, may be anything. */
void plimsoll_doctor_take(struct plimsoll_doctor *doctor, enum plimsoll_doctor_kind kind,
                          struct plimsoll_json object);
/** `kind` could not be asked for; why is copied. */
void plimsoll_doctor_unread(struct plimsoll_doctor *doctor, enum plimsoll_doctor_kind kind,
                            const char *why);
/** The namespace that the webhook's Service is in, NULL as long as no webhook was taken. */
const char *plimsoll_doctor_home(const struct plimsoll_doctor *doctor);

/** After the last object. @return the findings, borrowed from the doctor. */
const struct plimsoll_finding *plimsoll_doctor_end(struct plimsoll_doctor *doctor, size_t *count);
