/* SPDX-License-Identifier: Apache-2.0 */
#include "nvml_reader.h"

#include <plimsoll/own.h>

#include <stdio.h>

uint64_t nvml_links_address(const struct nvml_pci *pci)
{
    return (uint64_t)pci->domain << 16 | (uint64_t)(pci->bus & 0xff) << 8 | (pci->device & 0xff);
}

static void add_peer(struct nvml_card *card, uint64_t address)
{
    uint32_t at = 0;
    while (at < card->peer_count && card->peers[at].address != address) {
        at++;
    }
    if (at == card->peer_count) {
        card->peers[card->peer_count++] = (struct nvml_peer){.address = address};
    }
    card->peers[at].lanes++;
}

/* Where a link that is up leads. Behind a switch the address is the switch's. */
static void follow(struct nvml_reader *reader, struct nvml_card *card, uint32_t link)
{
    const struct nvml_library *nvml = &reader->library;
    uint32_t type = NVML_LINK_TO_UNKNOWN;
    if (nvml->link_remote_type != NULL &&
        nvml_saw(reader, card, nvml->link_remote_type(card->handle, link, &type)) == NVML_SUCCESS &&
        type == NVML_LINK_TO_SWITCH) {
        card->switch_lanes++;
        return;
    }
    struct nvml_pci pci = {.domain = 0};
    if (nvml->link_remote == NULL ||
        nvml_saw(reader, card, nvml->link_remote(card->handle, link, &pci)) != NVML_SUCCESS) {
        card->links_known = false;
        return;
    }
    add_peer(card, nvml_links_address(&pci));
}

void nvml_links_ask(struct nvml_reader *reader, struct nvml_card *card)
{
    const struct nvml_library *nvml = &reader->library;
    card->peer_count = 0;
    card->switch_lanes = 0;
    card->links_down = false;
    card->links_known = nvml->link_state != NULL && card->address != NVML_ADDRESS_UNKNOWN;
    for (uint32_t link = 0; card->links_known && link < PLIMSOLL_NVML_LINKS_MAX; link++) {
        uint32_t up = 0;
        enum nvml_result result = nvml_saw(reader, card, nvml->link_state(card->handle, link, &up));
        if (result == NVML_NOT_SUPPORTED || result == NVML_INVALID_ARGUMENT) {
            break; /* no more links, as old and new libraries say it */
        }
        if (result != NVML_SUCCESS) {
            card->links_known = false;
        } else if (up != 0) {
            follow(reader, card, link);
        } else {
            card->links_down = true;
        }
    }
}

static uint32_t lanes_between(const struct nvml_card *from, const struct nvml_card *to)
{
    uint32_t lanes = from->switch_lanes < to->switch_lanes ? from->switch_lanes : to->switch_lanes;
    for (uint32_t i = 0; i < from->peer_count; i++) {
        lanes += from->peers[i].address == to->address ? from->peers[i].lanes : 0;
    }
    return lanes;
}

void nvml_links_write(const struct nvml_reader *reader, const struct nvml_card *card,
                      struct plimsoll_device *device)
{
    device->links_known = card->links_known;
    device->links = NULL;
    device->link_count = 0;
    for (uint32_t i = 0; i < reader->card_count && card->links_known; i++) {
        const struct nvml_card *to = &reader->cards[i];
        uint32_t lanes = to == card ? 0 : lanes_between(card, to);
        if (lanes == 0) {
            continue;
        }
        if (device->links == NULL) {
            device->links = plimsoll_alloc(reader->card_count, sizeof *device->links);
        }
        struct plimsoll_device_link *link = &device->links[device->link_count++];
        *link = (struct plimsoll_device_link){.nvlink = true, .lanes = lanes};
        memcpy(link->to, to->id, sizeof link->to);
    }
}
