/* SPDX-License-Identifier: Apache-2.0 */
/** A pod's containers and what its words come to; pod.c puts them together. */
#pragma once

#include <plimsoll/pod.h>

#include "value.h"

/** The kubelet's sum over containers (kubelet: AggregateContainerRequests). */
struct plimsoll_model_effective {
    uint64_t running;   /* containers and sidecars, all at once */
    uint64_t sidecars;  /* those started so far */
    uint64_t init_peak; /* the largest init container with the sidecars started before it */
};

/** The same of what they request. */
struct plimsoll_model_requests {
    struct plimsoll_model_effective cpu, memory;
};

/** One entry of spec.containers or spec.initContainers; borrowed from the object. */
struct plimsoll_model_container {
    struct plimsoll_span name;             /* still escaped */
    struct plimsoll_span limits, requests; /* whole JSON values, empty when absent */
    struct plimsoll_span env;              /* raw, not looked into yet */
    /* What plimsoll_model_container_read_env finds there: */
    struct plimsoll_model_value visible; /* the literal NVIDIA_VISIBLE_DEVICES, if there is one */
    bool visible_ours;                   /* … or it comes from our annotation */
    bool privileged;
    bool sidecar; /* restartPolicy Always */
};

/** Goes through spec.containers, then spec.initContainers. */
struct plimsoll_model_containers {
    struct plimsoll_json_cursor cursor;
    struct plimsoll_span init_list; /* empty once they have begun */
    bool init;                      /* the container that was read is an init container */
    unsigned index;                 /* of it, in its list */
    bool begun;
};

struct plimsoll_model_containers plimsoll_model_containers_make(struct plimsoll_span containers,
                                                                struct plimsoll_span init);
/** @return false at the end or when `cursor.failed` */
bool plimsoll_model_containers_next(struct plimsoll_model_containers *all,
                                    struct plimsoll_model_container *container);
/**
 * Passes over a list of containers of which none asks for a resource with a domain, as cards are.
 * @param list      Set on success: its bytes.
 * @param requests  What they request is added; of no use when false.
 * @return false when one does, or something is unusual; the cursor is of no use then
 */
bool plimsoll_model_containers_pass(struct plimsoll_json_cursor *cursor, bool init,
                                    struct plimsoll_span *list,
                                    struct plimsoll_model_requests *requests);
/** Looks into `env` for `visible` and `visible_ours`. @return false when it is no proper JSON */
bool plimsoll_model_container_read_env(struct plimsoll_model_container *container);

/** What of the pod makes its demand; borrowed from the object. */
struct plimsoll_model_asks {
    struct plimsoll_model_value vram, gpus, containers, topology, policy; /* annotations */
    struct plimsoll_span container_list, init_list; /* whole JSON arrays, empty when absent */
    /* False: no container of the list asks for a resource with a domain, as cards are. */
    bool container_domains, init_domains;
    struct plimsoll_model_requests requests; /* where both are false, and found else */
};

/** A container's quantity of one resource: its limit, or its request where it has no limit. */
struct plimsoll_model_quantity {
    struct plimsoll_span text; /* without quotes */
    bool present;
};

struct plimsoll_model_quantity
plimsoll_model_container_quantity(const struct plimsoll_model_container *container,
                                  struct plimsoll_span resource);

/**
 * Reads the demand.
 * @param demand     Set always; gpu true when it is one or cannot be read.
 * @param malformed  Set to true when the containers are no proper JSON; the pod is none then.
 * @return 0, or -1 with why it cannot be read
 */
int plimsoll_model_demand(struct plimsoll_model_asks *asks,
                          const struct plimsoll_resources *resources,
                          struct plimsoll_demand *demand, bool *malformed,
                          struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** What plimsoll.dev/vram says, as annotation and as limits. */
struct plimsoll_model_vram {
    const struct plimsoll_model_value *annotation;
    uint64_t limit_total; /* effective, 0: none */
};

/** Sets request, vram and percent_milli for a demand whose cards are known. */
int plimsoll_model_request(const struct plimsoll_model_vram *vram, struct plimsoll_demand *demand,
                           struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** Containers may be added before or after the init ones; those among themselves in order. */
void plimsoll_model_effective_add(struct plimsoll_model_effective *sum, bool init, bool sidecar,
                                  uint64_t amount);
uint64_t plimsoll_model_effective_total(const struct plimsoll_model_effective *sum);
