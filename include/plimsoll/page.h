/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The status page: the document itself, and the JSON that it shows.
 *
 * Pure; everything appends to a text. Sizes are bytes. Members that say nothing (0, false, "") are
 * left out of the JSON, except those of a load line. One answer has one page of the nodes and one
 * of the waiting pods, so that its size does not grow with the cluster.
 */
#pragma once

#include <plimsoll/extender.h>
#include <plimsoll/text.h>

/** Nodes of one answer. */
#define PLIMSOLL_PAGE_NODES_MAX 24u
/** Waiting pods of one answer. */
#define PLIMSOLL_PAGE_WAITING_MAX 20u
/** Pods that are listed of one card, and of those that float on one node; of further ones the
 * number. */
#define PLIMSOLL_PAGE_PODS_MAX 32u
/** What is searched for. */
#define PLIMSOLL_PAGE_SEARCH_BYTES_MAX 253u

/** One document with its style and its script in it, made from src/view/page/. */
extern const unsigned char plimsoll_page_html[];
extern const size_t plimsoll_page_html_size;
/** Its Content-Security-Policy: nothing but that style and that script. */
extern const char plimsoll_page_policy[];

/* -- what is asked for ---------------------------------------------------------------------------
 */

enum plimsoll_page_only {
    PLIMSOLL_PAGE_ALL,
    PLIMSOLL_PAGE_OVER,    /* nodes with a card over its line */
    PLIMSOLL_PAGE_TROUBLE, /* … with a card that takes nothing new, a stale report or annotations
                              that cannot be read */
};

enum plimsoll_page_order {
    PLIMSOLL_PAGE_BY_NAME,
    PLIMSOLL_PAGE_BY_FREE, /* who has most free on one card first */
    PLIMSOLL_PAGE_BY_LOAD, /* whose fullest card is fullest first */
};

struct plimsoll_page_query {
    char search[PLIMSOLL_PAGE_SEARCH_BYTES_MAX + 1];
    enum plimsoll_page_only only;
    enum plimsoll_page_order order;
    size_t page, waiting_page; /* from 0 on; beyond the end: the last one */
};

/** The parameters of the query string. */
extern const char *const plimsoll_page_keys[]; /* NULL ends */
/** @return 0, or -1 with PLIMSOLL_ERR_INVALID: the parameter, its value, what would be right. */
int plimsoll_page_query_set(struct plimsoll_page_query *query, const char *key, const char *value,
                            struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** Is the node to be shown? Its name, a card's product or id, or a pod (`namespace/name`, or part
 * of either) has what is searched for. A node without cards is shown when something is wrong with
 * it.
 */
bool plimsoll_page_shows_node(const struct plimsoll_page_query *query,
                              const struct plimsoll_extender_node *node);
bool plimsoll_page_shows_pod(const struct plimsoll_page_query *query,
                             const struct plimsoll_pod *pod);
/** Nodes with higher ranks come first; of equal ones, by name. */
uint64_t plimsoll_page_rank(const struct plimsoll_page_query *query,
                            const struct plimsoll_extender_node *node);
/** The page to show of `count` things. */
size_t plimsoll_page_clamp(size_t page, size_t count, size_t size);

/* -- what is answered ----------------------------------------------------------------------------
 */

/** The cluster in numbers. Bytes as in a load line: booked + foreign + reserve + free + out =
 * total, unless cards stand over their lines. */
struct plimsoll_page_sums {
    size_t nodes, gpu_nodes, stale, unusable;
    size_t cards, out_of_service, over, measured;
    uint64_t total, line, booked, foreign, free;
    uint64_t reserve;                               /* beyond what is foreign anyway */
    uint64_t out;                                   /* free on cards that take nothing new */
    uint64_t used;                                  /* of the measured cards */
    uint64_t largest;                               /* free on one card … */
    char largest_node[PLIMSOLL_NAME_BYTES_MAX + 1]; /* … of this node */
};

void plimsoll_page_sum(struct plimsoll_page_sums *sums, const struct plimsoll_extender_node *node);
void plimsoll_page_write_sums(const struct plimsoll_page_sums *sums, struct plimsoll_text *out);
/** A node with its cards, and who is on them. */
void plimsoll_page_write_node(const struct plimsoll_extender_node *node, struct plimsoll_text *out);

/** Why a pod waits; borrowed for the call. */
struct plimsoll_page_waiting {
    const struct plimsoll_pod *pod;
    bool asked;            /* a scheduler has asked this server, and no node took the pod */
    int64_t since_unix_ms; /* of the first refusal; 0: not known */
    size_t nodes;          /* that were asked about, or that have cards */
    size_t reasons[PLIMSOLL_REFUSED + 1];         /* of them, by enum plimsoll_reason */
    const struct plimsoll_extender_node *closest; /* with its load; NULL: none, or one takes it */
    struct plimsoll_verdict verdict;              /* on that one */
    const char *fits;                             /* a node that takes it by now, or NULL */
};

void plimsoll_page_write_waiting(const struct plimsoll_page_waiting *waiting,
                                 struct plimsoll_text *out);
