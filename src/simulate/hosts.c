/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <plimsoll/quantity.h>

#include <string.h>

static void read_labels(struct plimsoll_json labels, struct plimsoll_host *host)
{
    size_t count = plimsoll_json_count(labels);
    struct plimsoll_json key = plimsoll_json_first(labels);
    host->labels = plimsoll_alloc(count + 1, sizeof *host->labels);
    for (size_t i = 0; i < count; i++, key = plimsoll_json_next(key)) {
        char *name = plimsoll_json_dup(key), *value = plimsoll_json_dup(plimsoll_json_value(key));
        if (name != NULL && value != NULL) {
            host->labels[host->label_count++] = (struct plimsoll_pair){name, value};
        } else {
            free(name);
            free(value);
        }
    }
}

static char *member_of(struct plimsoll_json object, const char *key)
{
    char *copy = plimsoll_json_dup(plimsoll_json_get(object, key));
    return copy != NULL ? copy : plimsoll_copy("", 0);
}

static void read_taints(struct plimsoll_json taints, struct plimsoll_host *host)
{
    size_t count = plimsoll_json_count(taints);
    struct plimsoll_json it = plimsoll_json_first(taints);
    host->taints = plimsoll_alloc(count + 1, sizeof *host->taints);
    for (; host->taint_count < count; it = plimsoll_json_next(it)) {
        host->taints[host->taint_count++] =
            (struct plimsoll_taint){.key = member_of(it, "key"),
                                    .value = member_of(it, "value"),
                                    .effect = member_of(it, "effect")};
    }
}

/* Written as a string, or as a number. */
static uint64_t read_pods_max(struct plimsoll_json allocatable)
{
    uint64_t pods;
    struct plimsoll_error unused;
    struct plimsoll_span text = plimsoll_json_raw(plimsoll_json_get(allocatable, "pods"));
    return plimsoll_quantity_parse(text, &pods, &unused) == 0 ? pods : UINT64_MAX;
}

int plimsoll_host_read(struct plimsoll_span object, const struct plimsoll_node *node,
                       struct plimsoll_host *host, struct plimsoll_error *err)
{
    plimsoll_autojson *document = NULL;
    if (plimsoll_json_parse(object, &document, err) < 0) {
        return plimsoll_error_wrap(err, "node %s", node->name);
    }
    struct plimsoll_json root = plimsoll_json_root(document);
    struct plimsoll_json spec = plimsoll_json_get(root, "spec");
    struct plimsoll_json status = plimsoll_json_get(root, "status");
    struct plimsoll_host read = {.name = plimsoll_copy(node->name, strlen(node->name)),
                                 .allocatable = node->allocatable};
    read_labels(plimsoll_json_get(plimsoll_json_get(root, "metadata"), "labels"), &read);
    read_taints(plimsoll_json_get(spec, "taints"), &read);
    (void)plimsoll_json_bool(plimsoll_json_get(spec, "unschedulable"), &read.unschedulable);
    read.pods_max = read_pods_max(plimsoll_json_get(status, "allocatable"));
    *host = read;
    return 0;
}

void plimsoll_host_clear(struct plimsoll_host *host)
{
    for (size_t i = 0; i < host->label_count; i++) {
        free(host->labels[i].key);
        free(host->labels[i].value);
    }
    for (size_t i = 0; i < host->taint_count; i++) {
        free(host->taints[i].key);
        free(host->taints[i].value);
        free(host->taints[i].effect);
    }
    free(host->labels);
    free(host->taints);
    free(host->name);
    *host = (struct plimsoll_host){0};
}
