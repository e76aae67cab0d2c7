/* SPDX-License-Identifier: Apache-2.0 */
#include "openb.h"

#include <plimsoll/span.h>
#include <plimsoll/text.h>

#include <errno.h>
#include <string.h>

#define FILE_BYTES_MAX (64u * 1024 * 1024)
#define COLUMNS_MAX    16u

/* -- files ---------------------------------------------------------------------------------------
 */

static int read_file(const char *path, struct plimsoll_text *text, struct plimsoll_error *err)
{
    char chunk[65536];
    plimsoll_autofclose FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    }
    for (size_t size; (size = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        plimsoll_text_add(text, chunk, size);
    }
    return 0;
}

/* A row's fields; the trace quotes nothing. */
static size_t split(struct plimsoll_span line, struct plimsoll_span fields[COLUMNS_MAX])
{
    size_t count = 0;
    for (struct plimsoll_span rest = line;
         count < COLUMNS_MAX && plimsoll_span_cut(&rest, ',', &fields[count]);) {
        fields[count] = plimsoll_span_trim(fields[count]);
        count++;
    }
    return count;
}

/* Columns by name: the lists do not all have the same. COLUMNS_MAX: absent. */
static size_t column(const struct plimsoll_span *head, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (plimsoll_span_is(head[i], name)) {
            return i;
        }
    }
    return COLUMNS_MAX;
}

struct table {
    const char *path;
    struct plimsoll_text text;
    struct plimsoll_span rest, head[COLUMNS_MAX], fields[COLUMNS_MAX];
    size_t columns, count, row;
};

static int open_table(const char *path, struct table *table, struct plimsoll_error *err)
{
    struct plimsoll_span line;
    *table = (struct table){.path = path, .text = plimsoll_text_make(FILE_BYTES_MAX)};
    if (read_file(path, &table->text, err) < 0) {
        return -1;
    }
    table->rest = plimsoll_text_span(&table->text);
    if (!plimsoll_span_cut(&table->rest, '\n', &line)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: empty", path);
    }
    table->columns = split(line, table->head);
    return 0;
}

static bool next_row(struct table *table)
{
    struct plimsoll_span line;
    while (plimsoll_span_cut(&table->rest, '\n', &line)) {
        table->row++;
        if (plimsoll_span_trim(line).size > 0) {
            memset(table->fields, 0, sizeof table->fields);
            table->count = split(line, table->fields);
            return true;
        }
    }
    return false;
}

static int number(const struct table *table, const char *name, uint32_t *value,
                  struct plimsoll_error *err)
{
    size_t at = column(table->head, table->columns, name);
    unsigned long long read = 0;
    if (at >= table->count || !plimsoll_span_decimal(table->fields[at], &read) ||
        read > UINT32_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: row %zu: %s is no number",
                                  table->path, table->row, name);
    }
    *value = (uint32_t)read;
    return 0;
}

static struct plimsoll_span text_of(const struct table *table, const char *name)
{
    size_t at = column(table->head, table->columns, name);
    return at < table->count ? table->fields[at] : (struct plimsoll_span){0};
}

/* -- nodes ---------------------------------------------------------------------------------------
 */

static uint32_t model_of(struct openb_trace *trace, struct plimsoll_span name)
{
    for (size_t i = 0; i < trace->model_count; i++) {
        if (plimsoll_span_is(name, trace->models[i])) {
            return (uint32_t)i;
        }
    }
    if (trace->model_count == OPENB_MODELS_MAX - 1) {
        return OPENB_MODELS_MAX - 1;
    }
    snprintf(trace->models[trace->model_count], sizeof trace->models[0], "%.*s",
             PLIMSOLL_SPAN_ARG(name));
    return (uint32_t)trace->model_count++;
}

static int read_nodes(const char *path, struct openb_trace *trace, struct plimsoll_error *err)
{
    struct table table;
    size_t capacity = 0;
    int result = open_table(path, &table, err);
    while (result == 0 && next_row(&table)) {
        struct openb_node node = {0};
        if (trace->node_count == capacity) {
            capacity = 2 * capacity + 256;
            trace->nodes = plimsoll_realloc(trace->nodes, capacity, sizeof *trace->nodes);
        }
        node.model = model_of(trace, text_of(&table, "model"));
        if (number(&table, "cpu_milli", &node.cpu_milli, err) < 0 ||
            number(&table, "memory_mib", &node.memory_mib, err) < 0 ||
            number(&table, "gpu", &node.cards, err) < 0) {
            result = -1;
        } else if (node.cards > OPENB_CARDS_MAX) {
            result =
                plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: row %zu: more than %u cards",
                                   path, table.row, OPENB_CARDS_MAX);
        }
        trace->nodes[trace->node_count++] = node;
    }
    plimsoll_text_clear(&table.text);
    return result;
}

/* -- pods ----------------------------------------------------------------------------------------
 */

static uint64_t models_of(struct openb_trace *trace, struct plimsoll_span spec)
{
    uint64_t models = 0;
    struct plimsoll_span name;
    if (spec.size == 0) {
        return UINT64_MAX;
    }
    while (plimsoll_span_cut(&spec, '|', &name)) {
        models |= UINT64_C(1) << model_of(trace, name);
    }
    return models;
}

static uint32_t class_of(struct openb_trace *trace, const struct openb_class *pod)
{
    for (size_t i = 0; i < trace->class_count; i++) {
        const struct openb_class *it = &trace->classes[i];
        if (it->cpu_milli == pod->cpu_milli && it->memory_mib == pod->memory_mib &&
            it->cards == pod->cards && it->milli == pod->milli && it->models == pod->models) {
            trace->classes[i].count++;
            return (uint32_t)i;
        }
    }
    trace->classes =
        plimsoll_realloc(trace->classes, trace->class_count + 1, sizeof *trace->classes);
    trace->classes[trace->class_count] = *pod;
    trace->classes[trace->class_count].count = 1;
    return (uint32_t)trace->class_count++;
}

static int read_pods(const char *path, struct openb_trace *trace, struct plimsoll_error *err)
{
    struct table table;
    size_t capacity = 0;
    int result = open_table(path, &table, err);
    while (result == 0 && next_row(&table)) {
        struct openb_class pod = {0};
        if (number(&table, "cpu_milli", &pod.cpu_milli, err) < 0 ||
            number(&table, "memory_mib", &pod.memory_mib, err) < 0 ||
            number(&table, "num_gpu", &pod.cards, err) < 0 ||
            number(&table, "gpu_milli", &pod.milli, err) < 0) {
            result = -1;
            break;
        }
        pod.milli = pod.cards == 0 ? 0 : pod.milli;
        pod.models = pod.cards == 0 ? UINT64_MAX : models_of(trace, text_of(&table, "gpu_spec"));
        if (trace->pod_count == capacity) {
            capacity = 2 * capacity + 1024;
            trace->pods = plimsoll_realloc(trace->pods, capacity, sizeof *trace->pods);
        }
        trace->pods[trace->pod_count++] = class_of(trace, &pod);
    }
    plimsoll_text_clear(&table.text);
    return result;
}

int openb_trace_read(const char *directory, const char *workload, struct openb_trace *trace,
                     struct plimsoll_error *err)
{
    char nodes[4096], pods[4096];
    snprintf(nodes, sizeof nodes, "%s/openb_node_list_gpu_node.csv", directory);
    snprintf(pods, sizeof pods, "%s/openb_pod_list_%s.csv", directory, workload);
    *trace = (struct openb_trace){0};
    if (read_nodes(nodes, trace, err) < 0 || read_pods(pods, trace, err) < 0) {
        openb_trace_clear(trace);
        return -1;
    }
    return 0;
}

void openb_trace_clear(struct openb_trace *trace)
{
    free(trace->nodes);
    free(trace->classes);
    free(trace->pods);
    *trace = (struct openb_trace){0};
}

/* -- drawing -------------------------------------------------------------------------------------
 */

/* splitmix64 */
uint64_t openb_next(struct openb_random *random)
{
    uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

size_t openb_pick(struct openb_random *random, size_t count)
{
    return (size_t)(openb_next(random) % count);
}

static void shuffle(uint32_t *list, size_t count, struct openb_random *random)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = openb_pick(random, i);
        uint32_t kept = list[i - 1];
        list[i - 1] = list[other];
        list[other] = kept;
    }
}

/* The whole list in another order, and again, until that asks for 130 % of all cards; then shuffled
 * once more. */
uint32_t *openb_draw(const struct openb_trace *trace, struct openb_random *random, size_t *count)
{
    uint64_t all = 0, asked = 0;
    uint32_t *drawn = NULL;
    size_t size = 0;
    for (size_t i = 0; i < trace->node_count; i++) {
        all += (uint64_t)trace->nodes[i].cards * OPENB_WHOLE;
    }
    for (*count = 0; asked * 10 < all * 13; (*count)++) {
        if (*count == size) {
            drawn = plimsoll_realloc(drawn, size + trace->pod_count, sizeof *drawn);
            memcpy(drawn + size, trace->pods, trace->pod_count * sizeof *drawn);
            shuffle(drawn + size, trace->pod_count, random);
            size += trace->pod_count;
        }
        asked += openb_demand(&trace->classes[drawn[*count]]);
    }
    shuffle(drawn, *count, random);
    return drawn;
}
