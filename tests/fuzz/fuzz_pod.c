/* SPDX-License-Identifier: Apache-2.0 */
/* A Pod of any bytes: what is read keeps the promises of pod.h and demand.h. */
#include <plimsoll/pod.h>

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_demand(const struct plimsoll_demand *demand)
{
    assert(demand->vendor != PLIMSOLL_VENDOR_NONE);
    assert(demand->cards >= 1 && demand->cards <= PLIMSOLL_CARDS_MAX);
    assert(demand->container_count <= PLIMSOLL_GPU_CONTAINERS_MAX);
    assert(demand->container_count == __builtin_popcountll(demand->containers) +
                                          __builtin_popcountll(demand->init_containers));
    assert(demand->plugin == (demand->resource[0] != '\0'));
    assert(demand->request != PLIMSOLL_REQUEST_PERCENT ||
           (demand->percent_milli >= 1 && demand->percent_milli <= 100000));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct plimsoll_resource list[] = {
        {"nvidia.com/gpu", PLIMSOLL_VENDOR_NVIDIA, false},
        {"nvidia.com/mig-*", PLIMSOLL_VENDOR_NVIDIA, true},
        {"amd.com/gpu", PLIMSOLL_VENDOR_AMD, false},
        {"gpu.intel.com/*", PLIMSOLL_VENDOR_INTEL, false},
    };
    static const struct plimsoll_resources resources = {.list = list, .count = 4};
    struct plimsoll_span object = {.data = (const char *)data, .size = size};
    struct plimsoll_pod pod = {0};
    struct plimsoll_error err = {0};
    if (plimsoll_pod_read(object, &resources, &pod, &err) != 0) {
        assert(err.kind == PLIMSOLL_ERR_INVALID && pod.name == NULL);
        return 0;
    }
    assert(pod.name != NULL && pod.namespace_ != NULL && pod.node != NULL && pod.nominated != NULL);
    assert(pod.refusal == NULL || pod.demand.gpu);
    assert(!plimsoll_pod_claimed(&pod) || pod.demand.gpu);
    if (pod.demand.gpu && pod.refusal == NULL && !plimsoll_pod_claimed(&pod)) {
        assert(pod.demand.request != PLIMSOLL_REQUEST_BYTES ||
               pod.demand.vram >= PLIMSOLL_VRAM_MIN);
        check_demand(&pod.demand);
    }
    plimsoll_pod_clear(&pod);
    return 0;
}
