/* SPDX-License-Identifier: Apache-2.0 */
#include "report_card.h"

static int compare_uids(const void *a, const void *b)
{
    return strcmp(((const struct plimsoll_uid *)a)->text, ((const struct plimsoll_uid *)b)->text);
}

static int compare_pods(const void *a, const void *b)
{
    return compare_uids(&((const struct plimsoll_pod_bytes *)a)->pod,
                        &((const struct plimsoll_pod_bytes *)b)->pod);
}

/* Adds up what stands next to each other under one uid. @return how many are left */
static uint32_t merge(struct plimsoll_pod_bytes *pods, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept > 0 && compare_pods(&pods[kept - 1], &pods[i]) == 0) {
            pods[kept - 1].bytes += pods[i].bytes;
        } else {
            pods[kept++] = pods[i];
        }
    }
    return kept;
}

/* A card is attributed only as a whole: one process of a pod whose bytes nobody knows, or one that
 * may be a pod's, would make the rest look like the host's. */
static void add_pods(const struct plimsoll_device *device, struct plimsoll_report_card *card)
{
    struct plimsoll_pod_bytes *pods =
        plimsoll_alloc(device->process_count > 0 ? device->process_count : 1, sizeof *pods);
    uint32_t count = 0;
    bool known = true;
    for (uint32_t i = 0; i < device->process_count; i++) {
        const struct plimsoll_device_process *process = &device->processes[i];
        known = known && !process->missing;
        if (process->pod.text[0] != '\0') {
            known = known && process->bytes != PLIMSOLL_BYTES_UNKNOWN;
            pods[count++] = (struct plimsoll_pod_bytes){process->pod, process->bytes};
        }
    }
    qsort(pods, count, sizeof *pods, compare_pods);
    count = merge(pods, count);
    if (known && count <= PLIMSOLL_REPORT_PODS_MAX) {
        card->attributed = true;
        card->pods = PLIMSOLL_TAKE(pods);
        card->pod_count = count;
    }
    free(pods);
}

bool plimsoll_report_is_card(const struct plimsoll_device *device, const char *id)
{
    return strcmp(device->id, id) == 0 ||
           (device->plugin_id[0] != '\0' && strcmp(device->plugin_id, id) == 0);
}

/* The card, or a part of it. */
static bool is_of(const struct plimsoll_device *device, const char *id)
{
    bool is = plimsoll_report_is_card(device, id);
    for (uint32_t i = 0; i < device->mig_count && !is; i++) {
        is = strcmp(device->mig[i].id, id) == 0;
    }
    return is;
}

static void add_holders(const struct plimsoll_device *device,
                        const struct plimsoll_checkpoint *checkpoint,
                        struct plimsoll_report_card *card)
{
    struct plimsoll_uid *holders = plimsoll_alloc(
        checkpoint->holder_count > 0 ? checkpoint->holder_count : 1, sizeof *holders);
    uint32_t count = 0, kept = 0;
    for (size_t i = 0; i < checkpoint->holder_count; i++) {
        if (is_of(device, checkpoint->holders[i].card)) {
            holders[count++] = checkpoint->holders[i].pod;
        }
    }
    /* A pod may hold several instances of one card. */
    qsort(holders, count, sizeof *holders, compare_uids);
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || compare_uids(&holders[kept - 1], &holders[i]) != 0) {
            holders[kept++] = holders[i];
        }
    }
    if (kept <= PLIMSOLL_REPORT_PODS_MAX) {
        card->holders_known = true;
        card->holders = PLIMSOLL_TAKE(holders);
        card->holder_count = kept;
    }
    free(holders);
}

void plimsoll_report_cards_make(const struct plimsoll_look *look,
                                struct plimsoll_report_cards *cards)
{
    const struct plimsoll_measurement *measurement = look->measurement;
    uint32_t count = measurement->device_count < PLIMSOLL_CARDS_MAX ? measurement->device_count
                                                                    : PLIMSOLL_CARDS_MAX;
    *cards = (struct plimsoll_report_cards){
        .list = plimsoll_alloc(count > 0 ? count : 1, sizeof *cards->list), .count = count};
    for (uint32_t i = 0; i < count; i++) {
        const struct plimsoll_device *device = &measurement->devices[i];
        struct plimsoll_report_card *card = &cards->list[i];
        memcpy(card->id, device->id, sizeof card->id);
        card->used_known = device->used != PLIMSOLL_BYTES_UNKNOWN;
        card->used = card->used_known ? device->used : device->total;
        if (look->attribution && device->processes_known && card->used_known) {
            add_pods(device, card);
        }
        if (look->checkpoint != NULL) {
            add_holders(device, look->checkpoint, card);
        }
    }
}

void plimsoll_report_cards_clear(struct plimsoll_report_cards *cards)
{
    for (uint32_t i = 0; i < cards->count; i++) {
        free(cards->list[i].pods);
        free(cards->list[i].holders);
    }
    free(cards->list);
    *cards = (struct plimsoll_report_cards){0};
}

const struct plimsoll_report_card *
plimsoll_report_cards_find(const struct plimsoll_report_cards *cards, const char *id)
{
    for (uint32_t i = 0; i < cards->count; i++) {
        if (strcmp(cards->list[i].id, id) == 0) {
            return &cards->list[i];
        }
    }
    return NULL;
}
