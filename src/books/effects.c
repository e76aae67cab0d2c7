/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <string.h>

struct plimsoll_books_effect *plimsoll_effects_add(struct plimsoll_books_effects *effects,
                                                   enum plimsoll_books_effect_kind kind)
{
    effects->list = plimsoll_realloc(effects->list, effects->count + 1, sizeof *effects->list);
    struct plimsoll_books_effect *effect = &effects->list[effects->count++];
    *effect = (struct plimsoll_books_effect){.kind = kind};
    return effect;
}

void plimsoll_effects_answer(struct plimsoll_books_effects *effects, uint64_t ticket,
                             const char *message)
{
    struct plimsoll_books_effect *effect = plimsoll_effects_add(effects, PLIMSOLL_BOOKS_ANSWER);
    effect->ticket = ticket;
    effect->message = plimsoll_copy(message, strlen(message));
}

void plimsoll_books_effects_clear(struct plimsoll_books_effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        struct plimsoll_books_effect *effect = &effects->list[i];
        plimsoll_claim_clear(&effect->claim);
        free(effect->lease);
        free(effect->names);
        free(effect->message);
        for (size_t j = 0; j < PLIMSOLL_GPU_CONTAINERS_MAX; j++) {
            free(effect->visible[j]);
        }
    }
    free(effects->list);
    *effects = (struct plimsoll_books_effects){0};
}
