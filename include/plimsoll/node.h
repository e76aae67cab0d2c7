/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A node and its cards as Plimsoll needs them, read from the bytes of a core/v1 Node by one walk.
 *
 * Sources, best first (design §2.2): `plimsoll.dev/inventory` and `plimsoll.dev/usage`; then
 * `plimsoll.dev/free-vram`; then labels of GFD/NFD and the AMD and Intel labellers with
 * status.allocatable. Exact forms: formats. A value that does not parse makes the node unusable for
 * new GPU pods with that reason, never free. Pure.
 */
#pragma once

#include <plimsoll/claim.h>
#include <plimsoll/demand.h>
#include <plimsoll/error.h>
#include <plimsoll/resources.h>
#include <plimsoll/span.h>

#define PLIMSOLL_ANNOTATION_INVENTORY      "plimsoll.dev/inventory"
#define PLIMSOLL_ANNOTATION_USAGE          "plimsoll.dev/usage"
#define PLIMSOLL_ANNOTATION_FREE_VRAM      "plimsoll.dev/free-vram"
#define PLIMSOLL_ANNOTATION_FREE_VRAM_TIME "plimsoll.dev/free-vram-time"
#define PLIMSOLL_ANNOTATION_CORDONED       "plimsoll.dev/cordoned"
#define PLIMSOLL_ANNOTATION_PIN            "plimsoll.dev/pin"

/** Devices that a plugin may advertise for one card; more is a mistake. */
#define PLIMSOLL_REPLICAS_MAX 65536
/** Managed resources that one node may offer: vendors times MIG profiles. */
#define PLIMSOLL_NODE_RESOURCES_MAX 64

enum plimsoll_trilean { PLIMSOLL_UNKNOWN, PLIMSOLL_NO, PLIMSOLL_YES };

/** How the device plugin hands cards to containers. */
enum plimsoll_device_list {
    PLIMSOLL_DEVICE_LIST_UNKNOWN,
    PLIMSOLL_DEVICE_LIST_ENV,
    PLIMSOLL_DEVICE_LIST_ENV_NODES,
    PLIMSOLL_DEVICE_LIST_CDI,
    PLIMSOLL_DEVICE_LIST_MOUNTS,
};

/** Where the numbers of a node's cards come from. */
enum plimsoll_report {
    PLIMSOLL_REPORT_NONE,  /* no measurement: labels only, or inventory without usage */
    PLIMSOLL_REPORT_USAGE, /* plimsoll.dev/usage */
    PLIMSOLL_REPORT_FREE,  /* plimsoll.dev/free-vram */
};

struct plimsoll_mig {
    char id[PLIMSOLL_CARD_ID_SIZE];
    char profile[32]; /* `1g.10gb` */
    uint64_t vram;    /* bytes */
};

struct plimsoll_pod_bytes {
    struct plimsoll_uid pod;
    uint64_t bytes;
};

struct plimsoll_card {
    char
        id[PLIMSOLL_CARD_ID_SIZE]; /* UUID or PCI address; the index in decimal where nobody told */
    char product[48];              /* cut when longer */
    char health[32];               /* "ok" or the reason */
    uint64_t total;                /* bytes that programs can have; 0: unknown */
    uint64_t used;                 /* bytes, by anybody; when reported */
    uint64_t free_reported;        /* bytes, with free_only */
    uint64_t nvlink;               /* bit i: NVLink to cards[i] of the same node */
    struct plimsoll_pod_bytes *pods; /* owned: measured bytes by pod */
    struct plimsoll_uid *holders;    /* owned: pods that the kubelet gave the card to */
    struct plimsoll_mig *mig;        /* owned: instances; MIG is off when mig_count is 0 */
    uint32_t pod_count, holder_count, mig_count;
    uint32_t replicas; /* devices the plugin advertises for it; 0: unknown */
    int16_t index;     /* the vendor tool's order */
    int16_t numa;      /* -1: none or unknown */
    uint8_t vendor;    /* enum plimsoll_vendor */
    bool reported; /* `used` is a measurement; with free-vram and a known total, total − free */
    /** free-vram alone, nobody says the total: `total` and `used` are 0, and total = free_reported
     * + reserve */
    bool free_only;
    bool attributed; /* `pods` covers every process of a pod on the card */
    bool unified;
    bool cordoned;
    bool links_known;
    bool disagrees; /* in one of inventory and usage only: unusable until both agree */
};

/** A managed resource the node offers. */
struct plimsoll_node_resource {
    char name[64];
    enum plimsoll_vendor vendor;
    bool mig;
    uint64_t allocatable; /* devices */
};

struct plimsoll_node {
    char *name;                  /* owned */
    struct plimsoll_card *cards; /* owned */
    struct plimsoll_node_resource
        *resources; /* owned; entries of allocatable that are managed, 0 kept */
    uint32_t card_count, resource_count;
    enum plimsoll_report report;
    int64_t report_time;       /* unix ms the publisher wrote; 0: none */
    bool inventory;            /* cards come from plimsoll.dev/inventory */
    bool pinned;               /* plimsoll.dev/pin: env */
    bool mps;                  /* MPS sharing: a client is capped at total / replicas */
    uint32_t replicas;         /* per card, from the GFD label; 0: unknown */
    enum plimsoll_trilean env; /* NO also where labels cannot say which index is split by MIG */
    enum plimsoll_device_list device_list;
    struct plimsoll_requests allocatable; /* to requests; 0: not told */
    uint64_t selectors;                   /* bit i: carries reading.selectors[i] */
    bool advertised;                      /* status.allocatable has plimsoll.dev/vram … */
    uint64_t advertised_vram;             /* … of so many bytes */
    char *unusable;                       /* owned; NULL, or why no new GPU pod may come here */
    size_t read_bytes;                    /* of the object; those behind them were not looked at */
};

/** A label that some profile's node selector asks for. */
struct plimsoll_selector {
    const char *key, *value;
};

/** How to read nodes; borrowed, immutable, must outlive whoever reads with it. */
struct plimsoll_reading {
    struct plimsoll_resources resources;
    const struct plimsoll_selector *selectors; /* up to PLIMSOLL_SELECTORS_MAX */
    size_t selector_count;
};

/**
 * @param object   Untrusted bytes of one JSON object, which json_stream or json_cursor found and so
 *                 know to be balanced; borrowed for the call. What stands behind both metadata and
 *                 status.allocatable is not looked at.
 * @param node     Set on success; the caller clears it. Unchanged on failure.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID when the bytes are no Node (no metadata.name, broken
 * JSON). A bad annotation or label is not a failure: `unusable` says what and where.
 */
int plimsoll_node_read(struct plimsoll_span object, const struct plimsoll_reading *reading,
                       struct plimsoll_node *node, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_node_clear(struct plimsoll_node *node);

/** A word for messages: `NVIDIA`, `AMD`, `Intel`. Static. */
const char *plimsoll_vendor_text(enum plimsoll_vendor vendor);
