/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler sends the same nodes with every pod, and few of them have changed. A node is known
 * again by a digest of the bytes that its reader looked at: the same bytes read as the same node.
 *
 * The digest is GMAC under a key and a nonce that nobody else learns, and it never leaves this
 * file. Its part that depends on the bytes is a polynomial at a secret point, so two objects that
 * somebody made up agree with a probability of at most their length in blocks over 2^128.
 */
#include "node_cache.h"

#include <pthread.h>

#define BUCKETS 8192u
/* Of buckets, to make room for one node. */
#define LOOKS_MAX 64u
/* Calls after which a node that was in none of them makes room for others. */
#define CALLS_KEPT 4u

struct entry {
    struct entry *next;    /* of the bucket */
    unsigned long long id; /* hash of the name as it stands in the object */
    uint64_t seen;         /* the call that last had the node */
    size_t size;           /* bytes of the object that were read … */
    unsigned char digest[PLIMSOLL_NODE_DIGEST_SIZE]; /* … and their digest */
    size_t bytes;                                    /* that it takes here */
    struct plimsoll_node node;
};

struct plimsoll_node_cache {
    EVP_CIPHER_CTX *keyed; /* lookups start from a copy */
    pthread_mutex_t lock;  /* guards what follows */
    struct entry *buckets[BUCKETS];
    size_t hand; /* where the next look for room is */
    size_t bytes;
    uint64_t calls;
};

static const unsigned char nonce[12];

struct plimsoll_node_cache *
plimsoll_node_cache_new(const unsigned char key[static PLIMSOLL_NODE_CACHE_KEY_SIZE])
{
    EVP_CIPHER_CTX *keyed = EVP_CIPHER_CTX_new();
    if (keyed == NULL || EVP_EncryptInit_ex(keyed, EVP_aes_128_gcm(), NULL, key, nonce) != 1) {
        EVP_CIPHER_CTX_free(keyed);
        return NULL;
    }
    struct plimsoll_node_cache *cache = plimsoll_alloc(1, sizeof *cache);
    cache->keyed = keyed;
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

/* Takes the entry out of its list. */
static void drop(struct plimsoll_node_cache *cache, struct entry **at)
{
    struct entry *entry = *at;
    *at = entry->next;
    cache->bytes -= entry->bytes;
    plimsoll_node_clear(&entry->node);
    free(entry);
}

void plimsoll_node_cache_free(struct plimsoll_node_cache **handle)
{
    struct plimsoll_node_cache *cache = PLIMSOLL_TAKE(*handle);
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        while (cache->buckets[i] != NULL) {
            drop(cache, &cache->buckets[i]);
        }
    }
    EVP_CIPHER_CTX_free(cache->keyed);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

size_t plimsoll_node_cache_bytes(struct plimsoll_node_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    size_t bytes = cache->bytes;
    pthread_mutex_unlock(&cache->lock);
    return bytes;
}

void plimsoll_node_lookup_begin(struct plimsoll_node_lookup *lookup,
                                struct plimsoll_node_cache *cache)
{
    *lookup = (struct plimsoll_node_lookup){.cache = cache, .context = EVP_CIPHER_CTX_new()};
    if (lookup->context != NULL && EVP_CIPHER_CTX_copy(lookup->context, cache->keyed) != 1) {
        EVP_CIPHER_CTX_free(PLIMSOLL_TAKE(lookup->context));
    }
    pthread_mutex_lock(&cache->lock);
    cache->calls++;
    pthread_mutex_unlock(&cache->lock);
}

void plimsoll_node_lookup_end(struct plimsoll_node_lookup *lookup)
{
    EVP_CIPHER_CTX_free(lookup->context);
    *lookup = (struct plimsoll_node_lookup){.cache = NULL};
}

/* Of the first `size` bytes. @return false when the library cannot */
static bool digest(struct plimsoll_node_lookup *lookup, struct plimsoll_span object, size_t size)
{
    unsigned char none[1];
    int written;
    if (lookup->size == size) {
        return true;
    }
    lookup->size = 0;
    if (lookup->context == NULL ||
        EVP_EncryptInit_ex(lookup->context, NULL, NULL, NULL, nonce) != 1 ||
        EVP_EncryptUpdate(lookup->context, NULL, &written, (const unsigned char *)object.data,
                          (int)size) != 1 ||
        EVP_EncryptFinal_ex(lookup->context, none, &written) != 1 ||
        EVP_CIPHER_CTX_ctrl(lookup->context, EVP_CTRL_AEAD_GET_TAG, PLIMSOLL_NODE_DIGEST_SIZE,
                            lookup->digest) != 1) {
        return false;
    }
    lookup->size = size;
    return true;
}

static struct entry **find(struct plimsoll_node_cache *cache, unsigned long long id)
{
    struct entry **at = &cache->buckets[id % BUCKETS];
    while (*at != NULL && (*at)->id != id) {
        at = &(*at)->next;
    }
    return at;
}

const struct plimsoll_node *plimsoll_node_lookup_find(struct plimsoll_node_lookup *lookup,
                                                      struct plimsoll_span name,
                                                      struct plimsoll_span object)
{
    struct plimsoll_node_cache *cache = lookup->cache;
    lookup->size = 0;
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = *find(cache, plimsoll_span_hash(name));
    if (entry != NULL && entry->size <= object.size && digest(lookup, object, entry->size) &&
        memcmp(entry->digest, lookup->digest, sizeof entry->digest) == 0) {
        entry->seen = cache->calls;
        return &entry->node;
    }
    pthread_mutex_unlock(&cache->lock);
    return NULL;
}

void plimsoll_node_lookup_release(struct plimsoll_node_lookup *lookup)
{
    pthread_mutex_unlock(&lookup->cache->lock);
}

/* Frees what the reader had room for. */
static void shrink(struct plimsoll_node *node)
{
    if (node->card_count > 0) {
        node->cards = plimsoll_realloc(node->cards, node->card_count, sizeof *node->cards);
    }
}

static size_t count_bytes(const struct plimsoll_node *node)
{
    size_t bytes = sizeof(struct entry) + strlen(node->name) +
                   node->card_count * sizeof *node->cards +
                   node->resource_count * sizeof *node->resources;
    for (uint32_t i = 0; i < node->card_count; i++) {
        const struct plimsoll_card *card = &node->cards[i];
        bytes += card->pod_count * sizeof *card->pods + card->holder_count * sizeof *card->holders +
                 card->mig_count * sizeof *card->mig;
    }
    return bytes + (node->unusable != NULL ? strlen(node->unusable) : 0);
}

/* A few buckets at a time: where all nodes are asked about again and again, those that are known
 * stay so, however many more there are. */
static bool make_room(struct plimsoll_node_cache *cache, size_t bytes)
{
    for (unsigned looks = 0; cache->bytes + bytes > PLIMSOLL_NODE_CACHE_BYTES_MAX; looks++) {
        if (looks == LOOKS_MAX) {
            return false;
        }
        struct entry **at = &cache->buckets[cache->hand++ % BUCKETS];
        while (*at != NULL) {
            if ((*at)->seen + CALLS_KEPT < cache->calls) {
                drop(cache, at);
            } else {
                at = &(*at)->next;
            }
        }
    }
    return true;
}

/* @return false: it has no room */
static bool insert(struct plimsoll_node_cache *cache, struct entry *entry)
{
    struct entry **known = find(cache, entry->id);
    if (*known != NULL) {
        drop(cache, known);
    }
    if (!make_room(cache, entry->bytes)) {
        return false;
    }
    struct entry **first = &cache->buckets[entry->id % BUCKETS];
    entry->next = *first;
    entry->seen = cache->calls;
    *first = entry;
    cache->bytes += entry->bytes;
    return true;
}

void plimsoll_node_lookup_keep(struct plimsoll_node_lookup *lookup, struct plimsoll_span name,
                               struct plimsoll_span object, struct plimsoll_node *node)
{
    struct plimsoll_node_cache *cache = lookup->cache;
    bool kept = false;
    if (digest(lookup, object, node->read_bytes)) {
        shrink(node);
        struct entry *entry = plimsoll_alloc(1, sizeof *entry);
        *entry = (struct entry){.id = plimsoll_span_hash(name),
                                .size = node->read_bytes,
                                .bytes = count_bytes(node),
                                .node = *node};
        memcpy(entry->digest, lookup->digest, sizeof entry->digest);
        pthread_mutex_lock(&cache->lock);
        kept = insert(cache, entry);
        pthread_mutex_unlock(&cache->lock);
        if (!kept) {
            free(entry);
        }
    }
    if (kept) {
        *node = (struct plimsoll_node){0};
    } else {
        plimsoll_node_clear(node);
    }
}
