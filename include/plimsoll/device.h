/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The cards of this node, measured: readers of every vendor behind one struct of functions.
 *
 * Readers touch the world (a driver's library, sysfs, a file) and nothing else of Plimsoll; what a
 * measurement means is decided elsewhere (report.h). A reader belongs to one thread. All sizes are
 * bytes.
 */
#pragma once

#include <plimsoll/claim.h>
#include <plimsoll/demand.h>
#include <plimsoll/error.h>
#include <plimsoll/node.h>

#include <stdint.h>

/** Bytes that nobody can tell, in `used` and of a process. */
#define PLIMSOLL_BYTES_UNKNOWN UINT64_MAX

/** Processes that are told apart on one card; with more, `processes_known` is false. */
#define PLIMSOLL_DEVICE_PROCESSES_MAX 4096
/** The fake reader's file. */
#define PLIMSOLL_FAKE_BYTES_MAX (1u * 1024 * 1024)

/** A process on a card, by the host's numbering. */
struct plimsoll_device_process {
    int32_t pid;    /* 0: none of this machine (fake) */
    uint64_t bytes; /* PLIMSOLL_BYTES_UNKNOWN: the driver does not say */
    /** Its pod where the reader already knows it; "" else: plimsoll_attribution_pod finds it. */
    struct plimsoll_uid pod;
    bool missing; /* is not to be seen here: nobody can tell whose it is */
};

/** A way from one card to another of this node. */
struct plimsoll_device_link {
    char to[PLIMSOLL_CARD_ID_SIZE];
    bool nvlink; /* else PCI Express alone */
    uint32_t lanes;
};

/** One card as it is at this moment. */
struct plimsoll_device {
    char id[PLIMSOLL_CARD_ID_SIZE]; /* the UUID as the vendor's tool prints it, else the PCI address
                                     */
    /** What the vendor's device plugin calls it, where that is not `id` (Intel: `card0`); "" else.
     */
    char plugin_id[24];
    char product[64];
    char pci[24];    /* `00000000:07:00.0`; "" unknown */
    char health[32]; /* "ok" or the reason: `xid 79`, `ecc`, `row-remap`, `lost`, `wedged` */
    enum plimsoll_vendor vendor;
    int32_t index;        /* the vendor tool's order */
    int32_t numa;         /* -1: none or unknown */
    uint64_t total;       /* that programs can have: NVML v2 total − reserved; 0: unknown */
    uint64_t used;        /* by anybody, without the driver's own reserve; PLIMSOLL_BYTES_UNKNOWN */
    bool unified;         /* shares the machine's memory */
    bool processes_known; /* `processes` names every process on the card */
    bool links_known;
    struct plimsoll_device_process *processes; /* owned; a pid other than 0 once */
    struct plimsoll_device_link *links;        /* owned */
    struct plimsoll_mig *mig;                  /* owned; instances */
    uint32_t process_count, link_count, mig_count;
};

/** Everything one reader saw in one look. */
struct plimsoll_measurement {
    char driver[80];                 /* version, "" unknown */
    char note[160];                  /* what cannot be measured here and why; "" nothing */
    struct plimsoll_device *devices; /* owned */
    uint32_t device_count;
};

/** Frees what it owns and leaves it empty. */
void plimsoll_measurement_clear(struct plimsoll_measurement *measurement);

/** A way to look at cards. */
struct plimsoll_reader {
    const char *name; /* `nvidia`, `amd`, `intel`, `fake`; static */
    void *context;
    /**
     * Looks. A driver that went away is opened again by the next look; a card that cannot be asked
     * is in the measurement with its `health`, as long as its id is known.
     * @param measurement  Set on success; the caller clears it. Unchanged on failure.
     * @return 0, or -1: PLIMSOLL_ERR_NOT_FOUND when there is no such driver or card on this
     * machine, PLIMSOLL_ERR_UNAVAILABLE when there is and it does not answer now,
     * PLIMSOLL_ERR_DENIED, PLIMSOLL_ERR_INVALID (fake: file and what is wrong).
     */
    int (*measure)(void *context, struct plimsoll_measurement *measurement,
                   struct plimsoll_error *err);
    void (*close)(void *context); /* frees the context */
};

struct plimsoll_reader_options {
    const char *root; /* where /sys, /proc and /dev are found under; "" the machine's own */
    const char
        *nvml; /* path of libnvidia-ml.so.1; NULL: the loader's search, then usual driver roots */
};

/** The options are copied. Opening fails never: a machine without the vendor's cards says so in
 * `measure`. */
struct plimsoll_reader plimsoll_reader_nvidia(const struct plimsoll_reader_options *options);
struct plimsoll_reader plimsoll_reader_amd(const struct plimsoll_reader_options *options);
struct plimsoll_reader plimsoll_reader_intel(const struct plimsoll_reader_options *options);
/** Cards from a YAML file that may change at any time; forms: tests/fixtures/device/fake.yaml. */
struct plimsoll_reader plimsoll_reader_fake(const char *path);
