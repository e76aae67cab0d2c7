/* SPDX-License-Identifier: Apache-2.0 */
/** What preempt and filter tell each other about a pod. Private to extender. */
#pragma once

#include <plimsoll/extender.h>

/** @return true when filter refused the pod where it is nominated, since this was last asked. */
bool plimsoll_nominees_take_refusal(struct plimsoll_nominees *nominees,
                                    const struct plimsoll_uid *pod);
/** The last answer for the pod: hashes of all victims on all its candidates; copied. */
void plimsoll_nominees_set_victims(struct plimsoll_nominees *nominees,
                                   const struct plimsoll_uid *pod, const uint64_t *victims,
                                   size_t count);
/** Was `victim` in that answer? */
bool plimsoll_nominees_has_victim(struct plimsoll_nominees *nominees,
                                  const struct plimsoll_uid *pod,
                                  const struct plimsoll_uid *victim);

static inline uint64_t plimsoll_nominees_hash(const struct plimsoll_uid *victim)
{
    return plimsoll_span_hash(plimsoll_span_of(victim->text));
}
