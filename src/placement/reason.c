/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/placement.h>

#include <plimsoll/quantity.h>

static const char *const labels[PLIMSOLL_REFUSED + 1] = {
    [PLIMSOLL_FITS] = "fits",
    [PLIMSOLL_NO_NODE] = "unknown_node",
    [PLIMSOLL_NO_CARD] = "no_card",
    [PLIMSOLL_UNUSABLE] = "unusable_node",
    [PLIMSOLL_MEMORY_UNKNOWN] = "memory_unknown",
    [PLIMSOLL_NO_VRAM] = "insufficient_vram",
    [PLIMSOLL_OVER_LINE] = "over_line",
    [PLIMSOLL_OVER_MPS_SHARE] = "over_mps_share",
    [PLIMSOLL_NO_HEALTHY_CARD] = "no_healthy_card",
    [PLIMSOLL_CORDONED] = "cordoned",
    [PLIMSOLL_TOO_FEW_CARDS] = "too_few_cards",
    [PLIMSOLL_NO_TOPOLOGY] = "no_topology",
    [PLIMSOLL_NO_ENV] = "no_env",
    [PLIMSOLL_ENV_CONFLICT] = "env_conflict",
    [PLIMSOLL_NO_INSTANCE] = "no_instance",
    [PLIMSOLL_SPLIT] = "split",
    [PLIMSOLL_REFUSED] = "refused",
};

static const char *const sentences[PLIMSOLL_REFUSED + 1] = {
    [PLIMSOLL_FITS] = "fits",
    [PLIMSOLL_NO_NODE] = "not yet known to Plimsoll",
    [PLIMSOLL_UNUSABLE] = "the node's GPU annotations cannot be read",
    [PLIMSOLL_MEMORY_UNKNOWN] = "card memory unknown",
    [PLIMSOLL_NO_VRAM] = "insufficient free VRAM",
    [PLIMSOLL_OVER_LINE] = "VRAM request larger than any card there can give",
    [PLIMSOLL_OVER_MPS_SHARE] = "VRAM request larger than MPS allows one client",
    [PLIMSOLL_NO_HEALTHY_CARD] = "no healthy card",
    [PLIMSOLL_CORDONED] = "card cordoned",
    [PLIMSOLL_TOO_FEW_CARDS] = "too few cards",
    [PLIMSOLL_NO_TOPOLOGY] = "too few free cards together",
    [PLIMSOLL_NO_ENV] = "the runtime there does not honour NVIDIA_VISIBLE_DEVICES",
    [PLIMSOLL_ENV_CONFLICT] =
        "NVIDIA_VISIBLE_DEVICES from Plimsoll needs one card or plimsoll.dev/pin: env",
    [PLIMSOLL_NO_INSTANCE] = "no MIG instance of that profile",
    [PLIMSOLL_SPLIT] = "cards are split into MIG instances",
    [PLIMSOLL_REFUSED] = "the pod's GPU request cannot be read",
};

/* What was asked for, as it was written: the same for every node. */
static void add_want(const struct plimsoll_demand *demand, struct plimsoll_text *out)
{
    if (demand->request == PLIMSOLL_REQUEST_BYTES) {
        char quantity[PLIMSOLL_QUANTITY_SIZE];
        plimsoll_text_add_format(out, " (want %s)",
                                 plimsoll_quantity_format(demand->vram, quantity));
    } else if (demand->request == PLIMSOLL_REQUEST_PERCENT) {
        plimsoll_text_add_format(out, " (want %u", demand->percent_milli / 1000);
        if (demand->percent_milli % 1000 != 0) {
            plimsoll_text_add_format(out, ".%03u", demand->percent_milli % 1000);
        }
        /* No percent sign: kube-scheduler takes the text for a format when it writes the event. */
        plimsoll_text_add_string(out, " percent)");
    } else {
        plimsoll_text_add_string(out, " (want the default)");
    }
}

void plimsoll_reason_write(enum plimsoll_reason reason, const struct plimsoll_demand *demand,
                           struct plimsoll_text *out)
{
    if (reason == PLIMSOLL_NO_CARD) {
        bool named = demand->vendor != PLIMSOLL_VENDOR_NONE;
        plimsoll_text_add_format(out, "no %s card",
                                 named ? plimsoll_vendor_text(demand->vendor) : "GPU");
        return;
    }
    plimsoll_text_add_string(out, sentences[reason]);
    if (reason == PLIMSOLL_NO_VRAM || reason == PLIMSOLL_OVER_LINE ||
        reason == PLIMSOLL_OVER_MPS_SHARE) {
        add_want(demand, out);
    } else if (reason == PLIMSOLL_TOO_FEW_CARDS || reason == PLIMSOLL_NO_TOPOLOGY) {
        plimsoll_text_add_format(out, " (want %u", demand->cards > 0 ? demand->cards : 1);
        if (reason == PLIMSOLL_NO_TOPOLOGY) {
            plimsoll_text_add_string(out, demand->topology == PLIMSOLL_TOPOLOGY_NVLINK
                                              ? " joined by NVLink"
                                              : " on one NUMA node");
        }
        plimsoll_text_add_char(out, ')');
    } else if (reason == PLIMSOLL_NO_INSTANCE && demand->mig_profile[0] != '\0') {
        plimsoll_text_add_format(out, " (%s)", demand->mig_profile);
    }
}

const char *plimsoll_reason_label(enum plimsoll_reason reason)
{
    return labels[reason];
}

const char *plimsoll_guarantee_text(enum plimsoll_guarantee guarantee)
{
    static const char *const texts[] = {
        [PLIMSOLL_GUARANTEE_NONE] = "none",
        [PLIMSOLL_GUARANTEE_EXACT] = "exact",
        [PLIMSOLL_GUARANTEE_PINNED] = "pinned",
        [PLIMSOLL_GUARANTEE_CONSERVATIVE] = "conservative",
        [PLIMSOLL_GUARANTEE_COUNTED] = "counted",
    };
    return texts[guarantee];
}
