/* SPDX-License-Identifier: Apache-2.0 */
/** What is known of models and of ways to keep weights. */
#pragma once

#include <plimsoll/span.h>

#include <stdint.h>

/** How the keys and values of a model stand in the way of the simple formula. */
enum plimsoll_attention {
    PLIMSOLL_ATTENTION_FULL,
    PLIMSOLL_ATTENTION_SLIDING, /* some blocks keep a window only: the formula is an upper bound */
};

struct plimsoll_model {
    const char
        *family;       /* in small letters, without hyphens; the first of a family is its default */
    const char *size;  /* `70b`, as tags have it */
    const char *name;  /* for people */
    uint32_t params_m; /* millions */
    uint16_t layers, kv_heads, head_dim;
    enum plimsoll_attention attention;
    const char *quant; /* NULL: Q4_K_M, as Ollama's tags without one */
};

/** A model of speech or images: what was seen in use. */
struct plimsoll_seen_model {
    const char *family, *size; /* size NULL: any */
    const char *name;
    uint32_t from_mib, to_mib;
    const char *where; /* a sentence */
};

struct plimsoll_quant {
    const char *name;    /* in small letters */
    const char *shown;   /* for people */
    uint32_t bits_milli; /* per weight, scales and the mix of a K quantisation in it */
};

/** @param size  Empty: the family's default. @return NULL when it is not known. */
const struct plimsoll_model *plimsoll_model_find(struct plimsoll_span family,
                                                 struct plimsoll_span size);
const struct plimsoll_seen_model *plimsoll_seen_model_find(struct plimsoll_span family,
                                                           struct plimsoll_span size);
const struct plimsoll_quant *plimsoll_quant_find(struct plimsoll_span name);
/** Bytes of a number in the cache, in ten thousandths; 0 when the name is not known. @param shown
 * Set when it is. */
uint32_t plimsoll_kv_type_find(struct plimsoll_span name, const char **shown);
/** The names that quant_find knows, for a sentence. Static. */
const char *plimsoll_quant_names(void);
