/* SPDX-License-Identifier: Apache-2.0 */
/* What is free at the end, by what keeps the pods of the workload off: each class of GPU pods looks
 * at each node, and counts as much as it asks of cards. */
#include "openb.h"

struct look {
    double free, partial, whole; /* of the node: all, on cards in use, on cards that are not */
};

static struct look look_at(const struct openb_site *site)
{
    struct look look = {0};
    for (uint32_t i = 0; i < site->cards; i++) {
        look.free += site->free[i];
        look.whole += site->free[i] == OPENB_WHOLE ? site->free[i] : 0;
    }
    look.partial = look.free - look.whole;
    return look;
}

/* What of the node's cards the class could never take: cards with too little left, or whole cards
 * that are too few. */
static void see_cards(const struct openb_site *site, const struct openb_class *class_,
                      const struct look *look, double weight, struct openb_loss *loss)
{
    double usable = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < site->cards; i++) {
        if (site->free[i] >= class_->milli) {
            usable += site->free[i];
            count++;
        }
    }
    if (count < class_->cards) {
        loss->partial += weight * look->partial;
        loss->whole += weight * look->whole;
    } else {
        loss->partial += weight * (look->free - usable);
        loss->usable += weight * usable;
    }
}

static void see(const struct openb_site *site, const struct openb_class *class_, double weight,
                struct openb_loss *loss)
{
    struct look look = look_at(site);
    if ((class_->models >> site->model & 1) == 0) {
        loss->model += weight * look.free;
    } else if (site->cpu_milli < class_->cpu_milli) {
        loss->cpu += weight * look.free;
    } else if (site->memory_mib < class_->memory_mib) {
        loss->memory += weight * look.free;
    } else {
        see_cards(site, class_, &look, weight, loss);
    }
}

struct openb_loss openb_loss_of(const struct openb_arena *arena)
{
    const struct openb_trace *trace = arena->trace;
    struct openb_loss loss = {0};
    double demand = 0, all = 0;
    for (size_t i = 0; i < trace->class_count; i++) {
        demand += (double)trace->classes[i].count * (double)openb_demand(&trace->classes[i]);
    }
    for (size_t n = 0; n < arena->count; n++) {
        all += (double)arena->sites[n].cards * OPENB_WHOLE / 100;
    }
    for (size_t i = 0; i < trace->class_count; i++) {
        const struct openb_class *class_ = &trace->classes[i];
        double weight = (double)class_->count * (double)openb_demand(class_) / demand / all;
        for (size_t n = 0; n < arena->count && weight > 0; n++) {
            see(&arena->sites[n], class_, weight, &loss);
        }
    }
    return loss;
}
