/* SPDX-License-Identifier: Apache-2.0 */
/* A Pod of any bytes: what is read keeps the promises of pod.h and demand.h. */
#include <plimsoll/pod.h>

#include "../support/spaced.h"

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

static void compare_claims(const struct plimsoll_claim *a, const struct plimsoll_claim *b)
{
    plimsoll_autotext first = plimsoll_text_make(1 << 20), second = plimsoll_text_make(1 << 20);
    plimsoll_claim_write(a, &first);
    plimsoll_claim_write(b, &second);
    assert(plimsoll_span_equal(plimsoll_text_span(&first), plimsoll_text_span(&second)));
}

static void compare(const struct plimsoll_pod *a, const struct plimsoll_pod *b)
{
    assert(strcmp(a->uid.text, b->uid.text) == 0 && strcmp(a->namespace_, b->namespace_) == 0);
    assert(strcmp(a->name, b->name) == 0 && strcmp(a->node, b->node) == 0);
    assert(strcmp(a->nominated, b->nominated) == 0 && a->priority == b->priority);
    assert(a->finished == b->finished && a->terminating == b->terminating);
    assert(a->mirror == b->mirror && a->agent == b->agent && a->ready == b->ready);
    assert(a->demand.gpu == b->demand.gpu && a->demand.vendor == b->demand.vendor);
    assert(a->demand.every_card == b->demand.every_card);
    assert(a->demand.env_ours == b->demand.env_ours && a->demand.cards == b->demand.cards);
    assert(a->demand.request == b->demand.request && a->demand.vram == b->demand.vram);
    assert(a->demand.percent_milli == b->demand.percent_milli);
    assert(a->demand.containers == b->demand.containers);
    assert(a->demand.init_containers == b->demand.init_containers);
    assert(strcmp(a->demand.resource, b->demand.resource) == 0);
    assert(a->demand.requests.cpu_milli == b->demand.requests.cpu_milli);
    assert(a->demand.requests.memory == b->demand.requests.memory);
    assert((a->refusal == NULL) == (b->refusal == NULL));
    assert((a->claim_ignored == NULL) == (b->claim_ignored == NULL));
    compare_claims(&a->claim, &b->claim);
}

/* @param pod  NULL: the object was refused */
static void check_spaced(struct plimsoll_span object, const struct plimsoll_resources *resources,
                         const struct plimsoll_pod *pod)
{
    plimsoll_autotext text = plimsoll_text_make(object.size * 3 + 1);
    struct plimsoll_pod again = {.priority = 0};
    struct plimsoll_error err;
    if (!spaced_write(object, &text)) {
        return;
    }
    int result = plimsoll_pod_read(plimsoll_text_span(&text), resources, &again, &err);
    assert((result == 0) == (pod != NULL));
    if (result == 0) {
        compare(pod, &again);
        plimsoll_pod_clear(&again);
    }
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
        check_spaced(object, &resources, NULL);
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
    check_spaced(object, &resources, &pod);
    plimsoll_pod_clear(&pod);
    return 0;
}
