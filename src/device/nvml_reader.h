/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The parts of the NVIDIA reader and what they keep between looks.
 *
 * What does not change is asked once per opening and card (nvml_cards.c, nvml_links.c); memory,
 * processes and instances at every look; health by events at every look and by questions at every
 * NVML_POLL_LOOKS-th.
 */
#pragma once

#include "nvml_host.h"
#include "nvml_library.h"

#include <plimsoll/device.h>

/** Looks from one question about health to the next; ten seconds at the agent's interval. */
#define NVML_POLL_LOOKS 5
/** Looks until a card that is lost is looked for with a fresh opening: that costs more. */
#define NVML_REOPEN_LOOKS 30
/** Links of a card that are asked for; NVLink 5 has 18, the library counts to 36. */
#define PLIMSOLL_NVML_LINKS_MAX 64
/** Instances of a card; the largest parts have 7. */
#define PLIMSOLL_NVML_INSTANCES_MAX 64
/** Events that one look takes: a storm must not hold it. */
#define PLIMSOLL_NVML_EVENTS_MAX 256

#define NVML_ADDRESS_UNKNOWN UINT64_MAX

/** A card at the other end of links. */
struct nvml_peer {
    uint64_t address;
    uint32_t lanes;
};

/** What is known of an instance for as long as it lives. */
struct nvml_instance {
    struct nvml_handle *handle;
    struct plimsoll_mig mig;
};

struct nvml_card {
    struct nvml_handle *handle; /* NULL: this opening does not reach it */
    char id[PLIMSOLL_CARD_ID_SIZE];
    char product[64];
    char pci[24];
    char slot[NVML_ADDRESS_SIZE]; /* as in sysfs; "" unknown */
    uint64_t address;             /* domain, bus and device packed */
    int32_t index, numa;
    bool integrated; /* by its name */
    bool nvgpu;      /* Jetson's own driver: the device plugin has one device, `tegra` */
    bool mig_never;  /* not capable of MIG */
    bool numa_node;  /* the operating system has its memory as a NUMA node */
    uint64_t total;  /* of the last look that learned it */

    bool links_known;
    bool links_down; /* some link is there and not up: ask again */
    uint32_t switch_lanes;
    uint32_t peer_count;
    struct nvml_peer peers[PLIMSOLL_NVML_LINKS_MAX];

    struct nvml_instance *instances; /* owned */
    uint32_t instance_count;

    enum nvml_result failure; /* why it cannot be asked now; NVML_SUCCESS: it can */
    bool was_lost;
    bool xid_fresh;     /* since the last question */
    uint64_t xid;       /* 0: none that matters */
    char condition[32]; /* what the last question came to; "" nothing */
};

struct nvml_reader {
    char *root, *path; /* owned; path may be NULL */
    struct nvml_library library;
    char driver[80];
    struct nvml_event_set *events; /* NULL: this driver has none */
    struct nvml_card *cards;       /* owned; kept over openings by id */
    uint32_t card_count;
    uint32_t enumerated;  /* what the library counted */
    uint32_t unreachable; /* of them without a known id */
    enum nvml_result unreachable_why;
    uint64_t bound;                 /* nvml_host_bound at the opening */
    uint32_t looks;                 /* since the opening */
    bool memory_v1;                 /* this driver has no other */
    bool wsl;                       /* the cards are lent by Windows */
    bool pids_known;                /* nvml_host_has_pids */
    bool gone;                      /* a call said that the driver is */
    char note[160];                 /* of this look */
    struct nvml_process *processes; /* owned; room for one list */
    uint32_t process_room;
};

/**
 * Every result of a call about a card passes here: remembers that the driver has gone, or that the
 * card has. @return the result.
 */
enum nvml_result nvml_saw(struct nvml_reader *reader, struct nvml_card *card,
                          enum nvml_result result);
/** The first one of a look stays. */
void nvml_note(struct nvml_reader *reader, const char *format, ...) PLIMSOLL_PRINTF(2, 3);

/** Opens the driver if it is not, and finds the cards. */
int nvml_cards_open(struct nvml_reader *reader, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void nvml_cards_close(struct nvml_reader *reader);
/** Other cards are there than at the opening. */
bool nvml_cards_changed(struct nvml_reader *reader);

/** A slot as one number, equal for a card and for links to it. */
uint64_t nvml_links_address(const struct nvml_pci *pci);
void nvml_links_ask(struct nvml_reader *reader, struct nvml_card *card);
/** The links from `card` to the others. */
void nvml_links_write(const struct nvml_reader *reader, const struct nvml_card *card,
                      struct plimsoll_device *device);

/** total, used and unified; after the instances. @param mig  MIG is on. */
void nvml_memory_look(struct nvml_reader *reader, struct nvml_card *card, bool mig,
                      struct plimsoll_device *device);
/** Bytes that programs can have and have, by either version of the call. */
enum nvml_result nvml_memory_read(struct nvml_reader *reader, struct nvml_handle *handle,
                                  uint64_t *total, uint64_t *used);

/** The instances that are there now; none when MIG is off. @return whether it is on. */
bool nvml_mig_look(struct nvml_reader *reader, struct nvml_card *card);
/** The resource's suffix from the instance's size, `1g.10gb`. */
void nvml_mig_profile(const struct nvml_attributes *attributes, uint64_t card_total, char *out,
                      size_t size);

void nvml_processes_look(struct nvml_reader *reader, struct nvml_card *card,
                         struct plimsoll_device *device);

void nvml_health_open(struct nvml_reader *reader);
void nvml_health_close(struct nvml_reader *reader);
/** Takes the events that came since the last look. */
void nvml_health_events(struct nvml_reader *reader);
/** Asks the card; a Xid is forgotten where the driver says that nothing needs to be done. */
void nvml_health_ask(struct nvml_reader *reader, struct nvml_card *card);
void nvml_health_write(const struct nvml_card *card, char out[32]);
