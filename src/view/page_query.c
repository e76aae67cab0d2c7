/* SPDX-License-Identifier: Apache-2.0 */
/* What the status page is asked for: which nodes and pods, in which order. */
#include <plimsoll/page.h>

#include <string.h>

const char *const plimsoll_page_keys[] = {"search", "only", "order", "page", "waiting", NULL};

/* -- parameters ----------------------------------------------------------------------------------
 */

static int set_search(struct plimsoll_page_query *query, const char *value,
                      struct plimsoll_error *err)
{
    size_t size = strlen(value);
    if (size > PLIMSOLL_PAGE_SEARCH_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "search: %zu bytes; no name is longer than %u", size,
                                  PLIMSOLL_PAGE_SEARCH_BYTES_MAX);
    }
    memcpy(query->search, value, size + 1);
    return 0;
}

static int set_word(const char *key, const char *value, const char *const words[], int *out,
                    struct plimsoll_error *err)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(value, words[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                              "%s: \"%.40s\"; right would be %s, %s or %s", key, value, words[0],
                              words[1], words[2]);
}

static int set_number(const char *key, const char *value, size_t *out, struct plimsoll_error *err)
{
    unsigned long long number;
    if (!plimsoll_span_decimal(plimsoll_span_of(value), &number)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "%s: \"%.40s\" is no number; the first page is 0", key, value);
    }
    *out = (size_t)number;
    return 0;
}

int plimsoll_page_query_set(struct plimsoll_page_query *query, const char *key, const char *value,
                            struct plimsoll_error *err)
{
    static const char *const only[] = {"all", "over", "trouble", NULL};
    static const char *const order[] = {"name", "free", "load", NULL};
    int word = 0, result = 0;
    if (strcmp(key, "search") == 0) {
        result = set_search(query, value, err);
    } else if (strcmp(key, "only") == 0) {
        result = set_word(key, value, only, &word, err);
        query->only = result == 0 ? (enum plimsoll_page_only)word : query->only;
    } else if (strcmp(key, "order") == 0) {
        result = set_word(key, value, order, &word, err);
        query->order = result == 0 ? (enum plimsoll_page_order)word : query->order;
    } else if (strcmp(key, "page") == 0) {
        result = set_number(key, value, &query->page, err);
    } else if (strcmp(key, "waiting") == 0) {
        result = set_number(key, value, &query->waiting_page, err);
    } else {
        result =
            plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                               "%.40s: the parameters are search, only, order, page, waiting", key);
    }
    return result;
}

size_t plimsoll_page_clamp(size_t page, size_t count, size_t size)
{
    size_t last = count > 0 ? (count - 1) / size : 0;
    return page < last ? page : last;
}

/* -- search --------------------------------------------------------------------------------------
 */

static bool has(const char *text, const char *part)
{
    return strcasestr(text, part) != NULL;
}

bool plimsoll_page_shows_pod(const struct plimsoll_page_query *query,
                             const struct plimsoll_pod *pod)
{
    const char *slash = strchr(query->search, '/');
    if (slash == NULL) {
        return has(pod->name, query->search) || has(pod->namespace_, query->search);
    }
    size_t home = strlen(pod->namespace_), left = (size_t)(slash - query->search);
    return left <= home && strncasecmp(pod->namespace_ + home - left, query->search, left) == 0 &&
           strncasecmp(pod->name, slash + 1, strlen(slash + 1)) == 0;
}

static bool is_found(const struct plimsoll_page_query *query,
                     const struct plimsoll_extender_node *node)
{
    const struct plimsoll_node *it = node->view.node;
    if (query->search[0] == '\0' || has(it->name, query->search)) {
        return true;
    }
    for (uint32_t i = 0; i < it->card_count; i++) {
        if (has(it->cards[i].product, query->search) || has(it->cards[i].id, query->search)) {
            return true;
        }
    }
    for (size_t i = 0; i < node->view.pod_count; i++) {
        if (plimsoll_page_shows_pod(query, node->view.pods[i])) {
            return true;
        }
    }
    return false;
}

static bool is_in_trouble(const struct plimsoll_extender_node *node)
{
    bool trouble = node->view.stale || node->view.node->unusable != NULL;
    for (uint32_t i = 0; i < node->load->card_count; i++) {
        uint8_t state = node->load->cards[i].state;
        trouble |= state != PLIMSOLL_CARD_OK && state != PLIMSOLL_CARD_MIG;
    }
    return trouble;
}

bool plimsoll_page_shows_node(const struct plimsoll_page_query *query,
                              const struct plimsoll_extender_node *node)
{
    const struct plimsoll_node *it = node->view.node;
    if (it->card_count == 0 && it->unusable == NULL) {
        return false;
    }
    bool wanted =
        query->only == PLIMSOLL_PAGE_ALL ||
        (query->only == PLIMSOLL_PAGE_OVER && plimsoll_placement_over_line(it, node->load) != 0) ||
        (query->only == PLIMSOLL_PAGE_TROUBLE && is_in_trouble(node));
    return wanted && is_found(query, node);
}

/* -- order ---------------------------------------------------------------------------------------
 */

static uint64_t load_in_millionths(const struct plimsoll_load *load)
{
    uint64_t kept = load->reserve > load->foreign ? load->reserve : load->foreign;
    double loaded =
        load->total > 0 ? ((double)load->booked + (double)kept) / (double)load->total : 0;
    return loaded < 1000 ? (uint64_t)(loaded * 1e6) : UINT64_C(1000000000);
}

uint64_t plimsoll_page_rank(const struct plimsoll_page_query *query,
                            const struct plimsoll_extender_node *node)
{
    uint64_t best = 0;
    for (uint32_t i = 0; query->order != PLIMSOLL_PAGE_BY_NAME && i < node->load->card_count; i++) {
        const struct plimsoll_load *load = &node->load->cards[i];
        uint64_t rank = 0;
        if (query->order == PLIMSOLL_PAGE_BY_LOAD) {
            rank = load_in_millionths(load);
        } else if (load->state == PLIMSOLL_CARD_OK) {
            rank = load->free;
        }
        best = rank > best ? rank : best;
    }
    return best;
}
