/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which pod a process belongs to, by its control groups, and which pods the kubelet gave a card to,
 * by its device checkpoint.
 *
 * Reading bytes is pure; only plimsoll_attribution_pod and _checkpoint open files, under `root`.
 */
#pragma once

#include <plimsoll/claim.h>
#include <plimsoll/error.h>
#include <plimsoll/node.h>
#include <plimsoll/span.h>

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/** /proc/PID/cgroup: a line of v1 for each of some fifteen hierarchies; longer is no pod's. */
#define PLIMSOLL_CGROUP_BYTES_MAX (16u * 1024)
/** The kubelet's checkpoint: some KiB for each container with a device, 250 pods. */
#define PLIMSOLL_CHECKPOINT_BYTES_MAX (4u * 1024 * 1024)

/**
 * The pod of a process from the bytes of its /proc/PID/cgroup, v1 or v2, as the kubelet names the
 * groups with the systemd and cgroupfs drivers under containerd, CRI-O and Docker.
 * @return false: no pod's process (or not to be told). `pod` unchanged then.
 */
bool plimsoll_cgroup_pod(struct plimsoll_span cgroup, struct plimsoll_uid *pod);

/** The same for a process of this machine. PLIMSOLL_UNKNOWN: there is no such process here (it has
 * ended, or is of a namespace that is not seen), or it may not be read. */
enum plimsoll_trilean plimsoll_attribution_pod(const char *root, int32_t pid,
                                               struct plimsoll_uid *pod);

/** A device that the kubelet gave to a container. */
struct plimsoll_holder {
    char card[PLIMSOLL_CARD_ID_SIZE]; /* without the replica's number: `::N`, Intel `-N` */
    struct plimsoll_uid pod;
};

/** Devices that the plugin advertises for a card, or for a MIG instance. */
struct plimsoll_registered_card {
    char card[PLIMSOLL_CARD_ID_SIZE];
    uint32_t replicas;
};

/** Which file it was: equal for the same one unchanged. */
struct plimsoll_file_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

/** What the kubelet's device checkpoint says of the managed resources. */
struct plimsoll_checkpoint {
    struct plimsoll_holder *holders; /* owned, by card, then pod; a pair once */
    size_t holder_count;
    struct plimsoll_registered_card *cards; /* owned, by card: healthy devices registered */
    size_t card_count;
    /**
     * As seen in the answers of NVIDIA's plugin that the file keeps for every container. ENV_NODES
     * is also what is said of several ways at once and of nodes alone: our env then decides
     * nothing.
     */
    enum plimsoll_device_list device_list;
    struct plimsoll_file_stamp stamp; /* set by _read */
};

/**
 * @param bytes      The file `device-plugins/kubelet_internal_checkpoint`; untrusted.
 * @param resources  The managed resources: others are passed over.
 * @param out        Set on success; the caller clears it. Unchanged on failure.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID: a version that is not known here is said, not
 * guessed.
 */
int plimsoll_checkpoint_parse(struct plimsoll_span bytes,
                              const struct plimsoll_resources *resources,
                              struct plimsoll_checkpoint *out,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/**
 * Reads the file under the kubelet's root, anew only when it is another than `out` came from.
 * @param out  Empty, or what an earlier call with the same resources gave; unchanged on failure.
 * @return as above, PLIMSOLL_ERR_NOT_FOUND without file, PLIMSOLL_ERR_DENIED,
 * PLIMSOLL_ERR_TOO_LARGE.
 */
int plimsoll_checkpoint_read(const char *kubelet_root, const struct plimsoll_resources *resources,
                             struct plimsoll_checkpoint *out,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_checkpoint_clear(struct plimsoll_checkpoint *checkpoint);
