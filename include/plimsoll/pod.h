/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A pod as Plimsoll needs it, read from the bytes of a core/v1 Pod by one forward walk.
 *
 * Pure. Used for filter bodies, lists, watch events, state files and reviews alike.
 */
#pragma once

#include <plimsoll/claim.h>
#include <plimsoll/demand.h>
#include <plimsoll/error.h>
#include <plimsoll/resources.h>
#include <plimsoll/span.h>

/* The pod's part of the vocabulary (design §2.1, §2.3). */
#define PLIMSOLL_ANNOTATION_VRAM       "plimsoll.dev/vram"
#define PLIMSOLL_ANNOTATION_GPUS       "plimsoll.dev/gpus"
#define PLIMSOLL_ANNOTATION_CONTAINERS "plimsoll.dev/containers"
#define PLIMSOLL_ANNOTATION_TOPOLOGY   "plimsoll.dev/gpu-topology"
#define PLIMSOLL_ANNOTATION_POLICY     "plimsoll.dev/policy"
#define PLIMSOLL_ANNOTATION_INJECT     "plimsoll.dev/inject"
#define PLIMSOLL_ANNOTATION_PROFILE    "plimsoll.dev/profile"
#define PLIMSOLL_ANNOTATION_CLAIM      "plimsoll.dev/claim"
#define PLIMSOLL_ANNOTATION_VISIBLE    "plimsoll.dev/visible-devices"
#define PLIMSOLL_ANNOTATION_WOKEN      "plimsoll.dev/woken"
#define PLIMSOLL_RESOURCE_VRAM         "plimsoll.dev/vram"
/** A VRAM request below this is taken for a forgotten unit and refused. */
#define PLIMSOLL_VRAM_MIN (UINT64_C(1) << 20)

struct plimsoll_pod {
    struct plimsoll_uid uid; /* empty in a review: the API server has not given one yet */
    char *names;             /* owned, like every char * here: the bytes of the next three */
    const char *namespace_;  /* never NULL after a read, like name, nominated and node */
    const char *name;
    const char *nominated; /* status.nominatedNodeName, "" when none */
    char *node;            /* "" while unbound */
    /** The ReplicaSet that controls it; NULL: none. Of a GPU pod only. */
    char *replica_set;
    int32_t priority;
    bool finished;    /* phase Succeeded or Failed */
    bool terminating; /* deletionTimestamp set; still counts */
    bool mirror;      /* kubernetes.io/config.mirror */
    bool agent;       /* labels app.kubernetes.io/part-of=plimsoll and /component=agent */
    bool ready;       /* of an agent: condition Ready is True */
    struct plimsoll_demand demand;
    char *refusal; /* NULL, or why the demand cannot be read: field, value, what would be right */
    struct plimsoll_claim claim; /* card_count and floating_cards 0 when there is none of its own */
    char *claim_ignored;         /* NULL, or why a claim annotation that is there does not count */
};

/**
 * Reads one pod.
 *
 * A request that cannot be read is not a failure: `refusal` says why, and demand.gpu is true (P2).
 * A claim whose uid or node is not the pod's own, or that does not parse, is ignored and said.
 * A pod without a GPU costs no allocation beyond its names.
 *
 * @param object     Untrusted bytes of one JSON object; borrowed for the call.
 * @param resources  The managed resources.
 * @param pod        Set on success; the caller clears it. Unchanged on failure.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID when the bytes are no Pod.
 */
int plimsoll_pod_read(struct plimsoll_span object, const struct plimsoll_resources *resources,
                      struct plimsoll_pod *pod, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_pod_clear(struct plimsoll_pod *pod);

/** What a literal value of NVIDIA_VISIBLE_DEVICES comes to: any `void` wins, then the first `all`
 * or `none`. */
enum plimsoll_visible plimsoll_visible_parse(struct plimsoll_span literal);
/** True for the fieldPath of our downward env: plimsoll.dev/visible-devices, with or without `.N`.
 */
bool plimsoll_visible_is_ours(struct plimsoll_span field_path);

/** True when the pod has a claim of its own. */
static inline bool plimsoll_pod_claimed(const struct plimsoll_pod *pod)
{
    return pod->claim.card_count > 0 || pod->claim.floating_cards > 0;
}
