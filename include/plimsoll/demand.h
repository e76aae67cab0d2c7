/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a pod asks of the cards of the node it will run on (design §2.1), as plain values.
 *
 * No pointers: copied freely.
 */
#pragma once

#include <plimsoll/limits.h>

#include <stdbool.h>
#include <stdint.h>

enum plimsoll_vendor {
    PLIMSOLL_VENDOR_NONE,
    PLIMSOLL_VENDOR_NVIDIA,
    PLIMSOLL_VENDOR_AMD,
    PLIMSOLL_VENDOR_INTEL,
};

enum plimsoll_request {
    PLIMSOLL_REQUEST_DEFAULT, /* none written: the configured default applies */
    PLIMSOLL_REQUEST_BYTES,
    PLIMSOLL_REQUEST_PERCENT, /* of the total of the card it lands on */
};

enum plimsoll_topology { PLIMSOLL_TOPOLOGY_ANY, PLIMSOLL_TOPOLOGY_NVLINK, PLIMSOLL_TOPOLOGY_NUMA };

enum plimsoll_policy { PLIMSOLL_POLICY_UNSET, PLIMSOLL_POLICY_PACK, PLIMSOLL_POLICY_SPREAD };

/** How a container gets NVIDIA_VISIBLE_DEVICES. */
enum plimsoll_visible {
    PLIMSOLL_VISIBLE_ABSENT,
    PLIMSOLL_VISIBLE_OURS,  /* downward API from plimsoll.dev/visible-devices[.N] */
    PLIMSOLL_VISIBLE_ALL,   /* a token of the literal is `all` */
    PLIMSOLL_VISIBLE_NONE,  /* `void`, `none` or empty */
    PLIMSOLL_VISIBLE_LIST,  /* a literal list of cards */
    PLIMSOLL_VISIBLE_OTHER, /* valueFrom something else */
};

/** What a pod asks of its node's processors and memory, by the scheduler's rule for requests. */
struct plimsoll_requests {
    uint64_t cpu_milli; /* thousandths of a processor */
    uint64_t memory;    /* bytes */
};

struct plimsoll_demand {
    struct plimsoll_requests requests; /* of any pod; 0 where they cannot be read */
    /** Hash of its node selector and node affinity; equal bytes, equal hash. 0: none, or no GPU. */
    uint64_t selection;
    bool gpu;                    /* a GPU pod: everything below is meant */
    enum plimsoll_vendor vendor; /* whose cards */
    bool plugin;     /* asks for a vendor resource, so the device plugin picks the card */
    bool mig;        /* asks for MIG instances by resource name */
    bool every_card; /* literal `all`, or privileged: booked on every card of its node */
    bool env_ours;   /* its env is our downward one */
    enum plimsoll_request request;
    uint64_t vram;          /* REQUEST_BYTES: bytes on each card */
    uint32_t percent_milli; /* REQUEST_PERCENT: thousandths of a percent, 1 … 100000 */
    /** What its limits of plimsoll.dev/vram come to by the kubelet's rule, in bytes: also where the
     * request cannot be read, as when an annotation was changed since and contradicts them. */
    uint64_t vram_limit;
    uint32_t cards; /* how many cards or plugin devices, 1 … PLIMSOLL_CARDS_MAX */
    enum plimsoll_topology topology;
    enum plimsoll_policy policy;
    char mig_profile[32]; /* the resource's suffix, `1g.10gb`; empty: any */
    char resource[64];    /* the vendor resource asked for; empty for VRAM-only pods */
    /**
     * Which containers use cards, bit i for entry i. Numbered 0, 1, 2 … as in visible-devices, .1,
     * .2 …: first those of spec.containers in order, then those of spec.initContainers (sidecars
     * included).
     */
    uint64_t containers, init_containers;
    uint8_t container_count;                              /* bits set in both */
    uint8_t container_cards[PLIMSOLL_GPU_CONTAINERS_MAX]; /* devices each asks for; VRAM-only: all
                                                             share */
};
