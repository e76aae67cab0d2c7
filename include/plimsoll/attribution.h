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

/**
 * The pod of a process from the bytes of its /proc/PID/cgroup, v1 or v2, as the kubelet names the
 * groups with the systemd and cgroupfs drivers under containerd, CRI-O and Docker.
 * @return false: no pod's process (or not to be told). `pod` unchanged then.
 */
bool plimsoll_cgroup_pod(struct plimsoll_span cgroup, struct plimsoll_uid *pod);

/** The same for a process of this machine; false also when it has ended. */
bool plimsoll_attribution_pod(const char *root, int32_t pid, struct plimsoll_uid *pod);

/** A device that the kubelet gave to a container. */
struct plimsoll_holder {
    char card[PLIMSOLL_CARD_ID_SIZE]; /* without the replica's `::N` */
    struct plimsoll_uid pod;
};

/** What the kubelet's device checkpoint says of the managed resources. */
struct plimsoll_checkpoint {
    struct plimsoll_holder *holders; /* owned; a pair once */
    size_t holder_count;
    struct {
        char card[PLIMSOLL_CARD_ID_SIZE];
        uint32_t replicas;
    } * cards; /* owned: devices registered, by card */
    size_t card_count;
    enum plimsoll_device_list device_list; /* as seen in the answers of the plugin */
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
/** Reads the file under the kubelet's root. @return as above, PLIMSOLL_ERR_NOT_FOUND without file.
 */
int plimsoll_checkpoint_read(const char *kubelet_root, const struct plimsoll_resources *resources,
                             struct plimsoll_checkpoint *out,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_checkpoint_clear(struct plimsoll_checkpoint *checkpoint);
