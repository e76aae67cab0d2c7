/* SPDX-License-Identifier: Apache-2.0 */
#include "fit.h"
#include "want.h"

/* Devices that fit so far, and the verdict of the closest that does not. */
struct tally {
    uint64_t devices; /* there at all */
    uint64_t fitting;
    uint64_t leftover, want; /* of the tightest */
    bool unaccounted;
    struct plimsoll_verdict closest;
};

static void add_fitting(struct tally *tally, uint64_t devices, uint64_t want, uint64_t leftover)
{
    if (tally->fitting == 0 || leftover < tally->leftover) {
        tally->leftover = leftover;
        tally->want = want;
    }
    tally->fitting = plus(tally->fitting, devices);
}

/* Resource names cannot hold the `+` of a profile (`1g.10gb+me`). */
static bool same_profile(const char *profile, const char *wanted)
{
    for (; *profile != '\0' && *wanted != '\0'; profile++, wanted++) {
        char a = *profile == '+' ? '.' : *profile, b = *wanted == '+' ? '.' : *wanted;
        if (a != b) {
            return false;
        }
    }
    return *profile == *wanted;
}

/* Exclusive: a pod that wrote no request asks for the device, whatever its size. */
static uint64_t want_of(const struct plimsoll_demand *demand, uint64_t total)
{
    if (demand->request == PLIMSOLL_REQUEST_BYTES) {
        return demand->vram;
    }
    return demand->request == PLIMSOLL_REQUEST_PERCENT ? share_of(total, demand->percent_milli) : 0;
}

static void look_at_instance(const struct plimsoll_mig *instance, bool healthy, bool cordoned,
                             const struct plimsoll_demand *demand, struct tally *tally)
{
    bool unknown = instance->vram == 0;
    uint64_t want = want_of(demand, instance->vram);
    tally->devices++;
    if (unknown && demand->request != PLIMSOLL_REQUEST_DEFAULT) {
        plimsoll_fit_closest(&tally->closest, PLIMSOLL_MEMORY_UNKNOWN, want, 0);
    } else if (want > instance->vram) {
        plimsoll_fit_closest(&tally->closest, PLIMSOLL_OVER_LINE, want, want - instance->vram);
    } else if (!healthy) {
        plimsoll_fit_closest(&tally->closest, PLIMSOLL_NO_HEALTHY_CARD, want, 0);
    } else if (cordoned) {
        plimsoll_fit_closest(&tally->closest, PLIMSOLL_CORDONED, want, 0);
    } else {
        tally->unaccounted |= unknown;
        add_fitting(tally, 1, want, instance->vram - want);
    }
}

static void look_at_instances(const struct plimsoll_card *card,
                              const struct plimsoll_demand *demand, struct tally *tally)
{
    bool healthy = !card->disagrees && (card->health[0] == '\0' || strcmp(card->health, "ok") == 0);
    for (uint32_t i = 0; i < card->mig_count; i++) {
        const struct plimsoll_mig *instance = &card->mig[i];
        if (!demand->mig || demand->mig_profile[0] == '\0' ||
            same_profile(instance->profile, demand->mig_profile)) {
            look_at_instance(instance, healthy, card->cordoned, demand, tally);
        }
    }
}

static void look_at_card(const struct plimsoll_load *card, const struct plimsoll_demand *demand,
                         struct tally *tally)
{
    uint32_t devices = card->replicas > card->taken ? card->replicas - card->taken : 0;
    uint64_t want = want_of(demand, card->total);
    tally->devices += card->replicas;
    if (devices == 0) {
        return;
    }
    bool unknown = card->total == 0 && card->state != PLIMSOLL_CARD_OK;
    if (unknown && demand->request != PLIMSOLL_REQUEST_DEFAULT) {
        plimsoll_fit_closest(&tally->closest, PLIMSOLL_MEMORY_UNKNOWN, want, 0);
    } else if (want > card->line) {
        plimsoll_fit_closest(&tally->closest, PLIMSOLL_OVER_LINE, want, want - card->line);
    } else if (card->state == PLIMSOLL_CARD_UNHEALTHY || card->state == PLIMSOLL_CARD_DISAGREES) {
        plimsoll_fit_closest(&tally->closest, PLIMSOLL_NO_HEALTHY_CARD, want, 0);
    } else if (card->state == PLIMSOLL_CARD_CORDONED) {
        plimsoll_fit_closest(&tally->closest, PLIMSOLL_CORDONED, want, 0);
    } else if (want > card->free) {
        plimsoll_fit_closest(&tally->closest, PLIMSOLL_NO_VRAM, want, want - card->free);
    } else {
        tally->unaccounted |= unknown;
        add_fitting(tally, devices, want, card->free - want);
    }
}

/* Instances that nobody lists: the plugin's own count is all there is. */
static void look_at_resources(const struct plimsoll_node *node,
                              const struct plimsoll_demand *demand, struct tally *tally)
{
    for (uint32_t i = 0; i < node->resource_count; i++) {
        const struct plimsoll_node_resource *resource = &node->resources[i];
        if (!resource->mig || resource->allocatable == 0 ||
            strcmp(resource->name, demand->resource) != 0) {
            continue;
        }
        tally->devices = plus(tally->devices, resource->allocatable);
        if (demand->request != PLIMSOLL_REQUEST_DEFAULT) {
            plimsoll_fit_closest(&tally->closest, PLIMSOLL_MEMORY_UNKNOWN, want_of(demand, 0), 0);
            continue;
        }
        tally->unaccounted = true;
        add_fitting(tally, resource->allocatable, 0, 0);
    }
}

static struct plimsoll_fit conclude(const struct tally *tally, const struct plimsoll_demand *demand,
                                    enum plimsoll_reason none)
{
    uint64_t devices = demand->cards > 0 ? demand->cards : 1;
    struct plimsoll_fit fit = {.leftover = tally->leftover};
    if (tally->fitting >= devices) {
        fit.verdict = (struct plimsoll_verdict){.guarantee = PLIMSOLL_GUARANTEE_COUNTED,
                                                .want = tally->want,
                                                .unaccounted = tally->unaccounted};
    } else if (tally->devices == 0) {
        fit.verdict.reason = none;
    } else if (tally->devices < devices || tally->closest.reason == PLIMSOLL_FITS) {
        fit.verdict.reason = PLIMSOLL_TOO_FEW_CARDS;
    } else {
        fit.verdict = tally->closest;
    }
    return fit;
}

struct plimsoll_fit plimsoll_fit_counted(const struct plimsoll_node *node,
                                         const struct plimsoll_node_load *load,
                                         const struct plimsoll_demand *demand)
{
    struct tally tally = {0};
    bool instances = demand->vendor == PLIMSOLL_VENDOR_NVIDIA;
    bool any_card = false;
    for (uint32_t i = 0; i < load->card_count; i++) {
        if (load->cards[i].vendor != demand->vendor) {
            continue;
        }
        any_card = true;
        if (instances) {
            look_at_instances(&node->cards[i], demand, &tally);
        } else {
            look_at_card(&load->cards[i], demand, &tally);
        }
    }
    if (instances && tally.devices == 0) {
        look_at_resources(node, demand, &tally);
    }
    return conclude(&tally, demand,
                    instances && any_card ? PLIMSOLL_NO_INSTANCE : PLIMSOLL_NO_CARD);
}
