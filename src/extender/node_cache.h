/* SPDX-License-Identifier: Apache-2.0 */
/** Nodes of the full form as they were last read. Private to extender. */
#pragma once

#include <plimsoll/extender.h>

#include <openssl/evp.h>

#define PLIMSOLL_NODE_DIGEST_SIZE 16

/** What one call needs of the cache; of one thread. */
struct plimsoll_node_lookup {
    struct plimsoll_node_cache *cache;
    EVP_CIPHER_CTX *context;
    /* Of the last object looked up: its first `size` bytes; 0: none. */
    size_t size;
    unsigned char digest[PLIMSOLL_NODE_DIGEST_SIZE];
};

void plimsoll_node_lookup_begin(struct plimsoll_node_lookup *lookup,
                                struct plimsoll_node_cache *cache);
void plimsoll_node_lookup_end(struct plimsoll_node_lookup *lookup);

/**
 * What plimsoll_node_read would give of `object`, if it is known.
 * @param name  As it stands in the object, under which it was kept.
 * @return NULL, or the node, borrowed; then the cache is locked until plimsoll_node_lookup_release.
 */
const struct plimsoll_node *plimsoll_node_lookup_find(struct plimsoll_node_lookup *lookup,
                                                      struct plimsoll_span name,
                                                      struct plimsoll_span object);
void plimsoll_node_lookup_release(struct plimsoll_node_lookup *lookup);

/** After a find that gave NULL: keeps the node that was read, which it takes over, or clears it. */
void plimsoll_node_lookup_keep(struct plimsoll_node_lookup *lookup, struct plimsoll_span name,
                               struct plimsoll_span object, struct plimsoll_node *node);
