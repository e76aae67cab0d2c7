/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/kube.h>

#include <plimsoll/json_cursor.h>
#include <plimsoll/json_stream.h>

#include <errno.h>

static const char *const items_path[] = {"items"};

struct kind_name {
    const char *object, *list;
};

static const struct kind_name kind_names[PLIMSOLL_KIND_COUNT] = {
    [PLIMSOLL_KIND_NODES] = {"Node", "NodeList"},
    [PLIMSOLL_KIND_PODS] = {"Pod", "PodList"},
    [PLIMSOLL_KIND_RUNTIME_CLASSES] = {"RuntimeClass", "RuntimeClassList"},
};

/* A dump on its way in: the list in progress, and where its value ends. */
struct dump {
    plimsoll_kube_object_fn take;
    void *context;
    struct plimsoll_json_stream *stream; /* NULL between two lists */
    enum plimsoll_kind list_kind;        /* COUNT: each item says its own */
    size_t lists, items;
    unsigned depth;
    bool in_string, escaped;
};

static enum plimsoll_kind kind_of(struct plimsoll_span name, bool list)
{
    for (int kind = 0; kind < PLIMSOLL_KIND_COUNT; kind++) {
        if (plimsoll_span_is(name, list ? kind_names[kind].list : kind_names[kind].object)) {
            return (enum plimsoll_kind)kind;
        }
    }
    return PLIMSOLL_KIND_COUNT;
}

/* The `kind` that an item says, empty when none. */
static int read_kind(struct plimsoll_span item, struct plimsoll_span *kind,
                     struct plimsoll_error *err)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(item);
    struct plimsoll_span key;
    *kind = (struct plimsoll_span){0};
    if (plimsoll_json_cursor_object(&cursor)) {
        while (plimsoll_json_cursor_member(&cursor, &key)) {
            if (plimsoll_span_is(key, "kind")) {
                plimsoll_json_cursor_string(&cursor, kind);
            } else {
                plimsoll_json_cursor_skip(&cursor, NULL);
            }
        }
    }
    return cursor.failed ? plimsoll_json_cursor_error(&cursor, err) : 0;
}

static int take_item(void *context, struct plimsoll_span value, struct plimsoll_error *err)
{
    struct dump *dump = context;
    struct plimsoll_span name;
    int result = read_kind(value, &name, err);
    if (result == 0) {
        enum plimsoll_kind kind = name.size > 0 ? kind_of(name, false) : dump->list_kind;
        if (name.size == 0 && kind == PLIMSOLL_KIND_COUNT) {
            result = plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                        "no kind; it should be Node, "
                                        "Pod or RuntimeClass");
        } else if (kind != PLIMSOLL_KIND_COUNT) {
            result = dump->take(dump->context, kind, value, err);
        }
    }
    if (result < 0) {
        return plimsoll_error_wrap(err, "list %zu, items[%zu]", dump->lists, dump->items);
    }
    dump->items++;
    return 0;
}

static int take_member(void *context, unsigned depth, struct plimsoll_span key,
                       struct plimsoll_span value, struct plimsoll_error *err)
{
    struct dump *dump = context;
    if (depth == 0 && plimsoll_span_is(key, "kind") && value.size > 2) {
        dump->list_kind =
            kind_of((struct plimsoll_span){.data = value.data + 1, .size = value.size - 2}, true);
    }
    if (depth == 0 && plimsoll_span_is(key, "items") && !plimsoll_span_is(value, "null")) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "list %zu: items is no array",
                                  dump->lists);
    }
    return 0;
}

static void open_list(struct dump *dump)
{
    struct plimsoll_json_stream_handler handler = {
        .context = dump, .element = take_item, .member = take_member};
    dump->stream = plimsoll_json_stream_new(items_path, 1, &handler, PLIMSOLL_OBJECT_BYTES_MAX);
    dump->list_kind = PLIMSOLL_KIND_COUNT;
    dump->lists++;
    dump->items = 0;
}

/* Finds where the outermost value ends, which the stream would take for a fault.
 * @return how many bytes belong to it. */
static size_t measure(struct dump *dump, struct plimsoll_span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        char c = bytes.data[i];
        if (dump->in_string) {
            dump->in_string = c != '"' || dump->escaped;
            dump->escaped = c == '\\' && !dump->escaped;
        } else if (c == '"') {
            dump->in_string = true;
        } else if (c == '{' || c == '[') {
            dump->depth++;
        } else if ((c == '}' || c == ']') && dump->depth > 0 && --dump->depth == 0) {
            return i + 1;
        }
    }
    return bytes.size;
}

static int close_list(struct dump *dump, struct plimsoll_error *err)
{
    int result = plimsoll_json_stream_finish(dump->stream, err);
    plimsoll_json_stream_free(&dump->stream);
    return result;
}

static int take_bytes(struct dump *dump, struct plimsoll_span bytes, struct plimsoll_error *err)
{
    while (bytes.size > 0) {
        if (dump->stream == NULL) {
            if (strchr(" \t\r\n", bytes.data[0]) != NULL && bytes.data[0] != '\0') {
                bytes.data++;
                bytes.size--;
                continue;
            }
            open_list(dump);
        }
        size_t size = measure(dump, bytes);
        struct plimsoll_span part = {.data = bytes.data, .size = size};
        if (plimsoll_json_stream_feed(dump->stream, part, err) < 0 ||
            (dump->depth == 0 && close_list(dump, err) < 0)) {
            return -1;
        }
        bytes.data += size;
        bytes.size -= size;
    }
    return 0;
}

static int read_dump(FILE *file, struct dump *dump, struct plimsoll_error *err)
{
    static const size_t chunk_size = 64u * 1024;
    plimsoll_autofree char *chunk = plimsoll_alloc(chunk_size, 1);
    for (size_t size; (size = fread(chunk, 1, chunk_size, file)) > 0;) {
        if (take_bytes(dump, (struct plimsoll_span){.data = chunk, .size = size}, err) < 0) {
            return -1;
        }
    }
    if (ferror(file)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s", strerror(errno));
    }
    if (dump->stream != NULL) {
        return close_list(dump, err);
    }
    if (dump->lists == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "empty; it should be what `kubectl get nodes,pods -A -o json` "
                                  "prints");
    }
    return 0;
}

int plimsoll_kube_read_state(const char *path, plimsoll_kube_object_fn take, void *context,
                             struct plimsoll_error *err)
{
    plimsoll_autofclose FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    }
    struct dump dump = {.take = take, .context = context};
    int result = read_dump(file, &dump, err);
    plimsoll_json_stream_free(&dump.stream);
    return result < 0 ? plimsoll_error_wrap(err, "%s", path) : 0;
}

/* -- into a picture ------------------------------------------------------------------------------
 */

struct loading {
    struct plimsoll_cluster *cluster;
    bool runtime_classes;
};

static int load_object(void *context, enum plimsoll_kind kind, struct plimsoll_span object,
                       struct plimsoll_error *err)
{
    struct loading *loading = context;
    loading->runtime_classes |= kind == PLIMSOLL_KIND_RUNTIME_CLASSES;
    return plimsoll_cluster_set(loading->cluster, kind, object, err);
}

static void end_lists(const struct loading *loading)
{
    plimsoll_cluster_list_end(loading->cluster, PLIMSOLL_KIND_NODES);
    plimsoll_cluster_list_end(loading->cluster, PLIMSOLL_KIND_PODS);
    if (loading->runtime_classes) {
        plimsoll_cluster_list_end(loading->cluster, PLIMSOLL_KIND_RUNTIME_CLASSES);
    } else {
        plimsoll_cluster_skip(loading->cluster, PLIMSOLL_KIND_RUNTIME_CLASSES);
    }
}

int plimsoll_kube_load_state(const char *path, struct plimsoll_cluster *cluster,
                             struct plimsoll_error *err)
{
    struct loading loading = {.cluster = cluster};
    for (int kind = 0; kind < PLIMSOLL_KIND_COUNT; kind++) {
        plimsoll_cluster_list_begin(cluster, (enum plimsoll_kind)kind);
    }
    if (plimsoll_kube_read_state(path, load_object, &loading, err) < 0) {
        return -1;
    }
    end_lists(&loading);
    return 0;
}
