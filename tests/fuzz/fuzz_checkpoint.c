/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent reads of the kubelet and the kernel: the device checkpoint, the plugin's answers
 * in it, control groups, clients of cards. */
#include "../../src/device/allocation.h"
#include "../../src/device/fdinfo.h"

#include <plimsoll/attribution.h>

#include <assert.h>
#include <ctype.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_checkpoint(struct plimsoll_span bytes)
{
    static const struct plimsoll_resource list[] = {
        {"nvidia.com/gpu", PLIMSOLL_VENDOR_NVIDIA, false},
        {"nvidia.com/gpu.shared", PLIMSOLL_VENDOR_NVIDIA, false},
        {"nvidia.com/mig-*", PLIMSOLL_VENDOR_NVIDIA, true},
        {"amd.com/gpu", PLIMSOLL_VENDOR_AMD, false}};
    static const struct plimsoll_resources resources = {.list = list, .count = 4};
    struct plimsoll_checkpoint checkpoint = {0};
    struct plimsoll_error err;
    if (plimsoll_checkpoint_parse(bytes, &resources, &checkpoint, &err) < 0) {
        assert(err.message[0] != '\0' && checkpoint.holders == NULL && checkpoint.cards == NULL);
        return;
    }
    for (size_t i = 0; i < checkpoint.holder_count; i++) {
        const struct plimsoll_holder *holder = &checkpoint.holders[i];
        assert(holder->card[0] != '\0' && strstr(holder->card, "::") == NULL);
        assert(holder->pod.text[0] != '\0');
        assert(i == 0 || strcmp(holder[-1].card, holder->card) < 0 ||
               (strcmp(holder[-1].card, holder->card) == 0 &&
                strcmp(holder[-1].pod.text, holder->pod.text) < 0));
    }
    for (size_t i = 0; i < checkpoint.card_count; i++) {
        assert(checkpoint.cards[i].replicas > 0);
        assert(i == 0 || strcmp(checkpoint.cards[i - 1].card, checkpoint.cards[i].card) < 0);
    }
    plimsoll_checkpoint_clear(&checkpoint);
}

static void check_answer(struct plimsoll_span bytes)
{
    struct plimsoll_allocation allocation;
    struct plimsoll_error err;
    if (plimsoll_allocation_read(bytes, &allocation, &err) == 0) {
        bool any = allocation.env || allocation.nodes || allocation.mounts || allocation.cdi;
        assert(any ==
               (plimsoll_allocation_device_list(&allocation) != PLIMSOLL_DEVICE_LIST_UNKNOWN));
    }
}

static void check_cgroup(struct plimsoll_span bytes)
{
    struct plimsoll_uid pod;
    if (plimsoll_cgroup_pod(bytes, &pod)) {
        size_t size = strlen(pod.text);
        assert(size == 32 || size == 36);
        for (size_t i = 0; i < size; i++) {
            assert(isxdigit((unsigned char)pod.text[i]) || pod.text[i] == '-');
        }
    }
}

static void check_fdinfo(struct plimsoll_span bytes)
{
    static const char *const regions[] = {"vram", "gtt", NULL};
    struct plimsoll_fdinfo info;
    uint64_t amount;
    if (plimsoll_fdinfo_read(bytes, &info)) {
        assert(info.pci[0] != '\0' && (info.client_known || info.client == 0));
    }
    if (plimsoll_fdinfo_bytes(bytes, regions, &amount)) {
        assert(amount <= INT64_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plimsoll_span bytes = {.data = (const char *)data, .size = size};
    check_checkpoint(bytes);
    check_answer(bytes);
    check_cgroup(bytes);
    check_fdinfo(bytes);
    return 0;
}
