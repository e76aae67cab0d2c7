/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/attribution.h>

#include "allocation.h"
#include "files.h"

#include <openssl/evp.h>

#include <plimsoll/json.h>

#define DIGITS "0123456789"

/* What is read of the file, grown as it goes. */
struct reading {
    const struct plimsoll_resources *resources;
    struct plimsoll_checkpoint *out;
    size_t holder_capacity;
    size_t card_capacity;
    struct plimsoll_error *err;
};

/* Fields and how they nest are all that tells a version: the file has no number. */
static int fail_format(struct plimsoll_json at, const char *what, struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                              "byte %zu: %s; known is the kubelet's form with PodDeviceEntries and "
                              "RegisteredDevices in Data, and a Checksum",
                              plimsoll_json_offset(at), what);
}

static int only_fields(struct plimsoll_json object, const char *const *names, const char *what,
                       struct plimsoll_error *err)
{
    if (plimsoll_json_type(object) != PLIMSOLL_JSON_OBJECT) {
        return fail_format(object, what, err);
    }
    for (struct plimsoll_json key = plimsoll_json_first(object);
         plimsoll_json_type(key) != PLIMSOLL_JSON_MISSING; key = plimsoll_json_next(key)) {
        size_t i = 0;
        while (names[i] != NULL && !plimsoll_json_is(key, names[i])) {
            i++;
        }
        if (names[i] == NULL) {
            return fail_format(key, "a field that no known version has", err);
        }
    }
    return 0;
}

static void *grow(void *list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return list;
    }
    *capacity = *capacity > 0 ? *capacity * 2 : 16;
    return plimsoll_realloc(list, *capacity, size);
}

/* `GPU-…::3` is a replica of `GPU-…`, and Intel's `card0-3` of `card0`. */
static size_t size_without_replica(const struct plimsoll_text *id, enum plimsoll_vendor vendor)
{
    const char *replica = strstr(id->data, "::");
    if (vendor == PLIMSOLL_VENDOR_INTEL) {
        const char *dash = strrchr(id->data, '-');
        bool number = dash != NULL && dash[1] != '\0' && dash[1 + strspn(dash + 1, DIGITS)] == '\0';
        replica = number ? dash : NULL;
    }
    return replica != NULL ? (size_t)(replica - id->data) : id->size;
}

static int read_card(struct plimsoll_json value, enum plimsoll_vendor vendor,
                     char card[PLIMSOLL_CARD_ID_SIZE], struct plimsoll_error *err)
{
    plimsoll_autotext id = plimsoll_text_make(PLIMSOLL_CARD_ID_SIZE + 16);
    if (!plimsoll_json_string(value, &id)) {
        return fail_format(value, "a device id that is no string", err);
    }
    static const char what[] = "a device id that is empty or too long to be a card's";
    if (id.data == NULL || id.overflowed || memchr(id.data, '\0', id.size) != NULL) {
        return fail_format(value, what, err);
    }
    size_t size = size_without_replica(&id, vendor);
    if (size == 0 || size >= PLIMSOLL_CARD_ID_SIZE) {
        return fail_format(value, what, err);
    }
    memset(card, 0, PLIMSOLL_CARD_ID_SIZE);
    memcpy(card, id.data, size);
    return 0;
}

static int read_uid(struct plimsoll_json value, struct plimsoll_uid *pod,
                    struct plimsoll_error *err)
{
    plimsoll_autotext uid = plimsoll_text_make(PLIMSOLL_UID_SIZE - 1);
    if (!plimsoll_json_string(value, &uid) || uid.overflowed || uid.size == 0 ||
        memchr(uid.data, '\0', uid.size) != NULL) {
        return fail_format(value, "a PodUID that is no uid", err);
    }
    *pod = (struct plimsoll_uid){0};
    memcpy(pod->text, uid.data, uid.size);
    return 0;
}

static int add_holders(struct reading *reading, struct plimsoll_json ids,
                       enum plimsoll_vendor vendor, const struct plimsoll_uid *pod)
{
    struct plimsoll_checkpoint *out = reading->out;
    for (struct plimsoll_json id = plimsoll_json_first(ids);
         plimsoll_json_type(id) != PLIMSOLL_JSON_MISSING; id = plimsoll_json_next(id)) {
        struct plimsoll_holder holder = {.pod = *pod};
        if (read_card(id, vendor, holder.card, reading->err) < 0) {
            return -1;
        }
        out->holders =
            grow(out->holders, out->holder_count, &reading->holder_capacity, sizeof *out->holders);
        out->holders[out->holder_count++] = holder;
    }
    return 0;
}

/* A list until Kubernetes 1.19, since then lists by NUMA node (`-1`: none). */
static int read_device_ids(struct reading *reading, struct plimsoll_json ids,
                           enum plimsoll_vendor vendor, const struct plimsoll_uid *pod)
{
    static const char what[] = "DeviceIDs that are neither a list nor lists by NUMA node";
    if (plimsoll_json_type(ids) == PLIMSOLL_JSON_NULL) {
        return 0;
    }
    if (plimsoll_json_type(ids) == PLIMSOLL_JSON_ARRAY) {
        return add_holders(reading, ids, vendor, pod);
    }
    if (plimsoll_json_type(ids) != PLIMSOLL_JSON_OBJECT) {
        return fail_format(ids, what, reading->err);
    }
    for (struct plimsoll_json key = plimsoll_json_first(ids);
         plimsoll_json_type(key) != PLIMSOLL_JSON_MISSING; key = plimsoll_json_next(key)) {
        struct plimsoll_json list = plimsoll_json_value(key);
        enum plimsoll_json_type type = plimsoll_json_type(list);
        if (type != PLIMSOLL_JSON_ARRAY && type != PLIMSOLL_JSON_NULL) {
            return fail_format(list, what, reading->err);
        }
        if (add_holders(reading, list, vendor, pod) < 0) {
            return -1;
        }
    }
    return 0;
}

static int decode_base64(struct plimsoll_json value, unsigned char **bytes, size_t *size)
{
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_CHECKPOINT_BYTES_MAX);
    if (!plimsoll_json_string(value, &text) || text.size % 4 != 0) {
        return -1;
    }
    plimsoll_autofree unsigned char *decoded = plimsoll_alloc(text.size / 4 * 3 + 1, 1);
    int count = text.size == 0
                    ? 0
                    : EVP_DecodeBlock(decoded, (const unsigned char *)text.data, (int)text.size);
    /* Padding comes out as zeros, and white space around would be passed over. */
    if (count < 0 || (size_t)count != text.size / 4 * 3) {
        return -1;
    }
    size_t padding = 0;
    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=') {
        padding++;
    }
    *size = (size_t)count - padding;
    *bytes = PLIMSOLL_TAKE(decoded);
    return 0;
}

/* Answers of several ways were given by a plugin before and after it was set up anew: nothing can
 * be said of the next. */
static enum plimsoll_device_list join(enum plimsoll_device_list a, enum plimsoll_device_list b)
{
    if (a == b || b == PLIMSOLL_DEVICE_LIST_UNKNOWN) {
        return a;
    }
    return a == PLIMSOLL_DEVICE_LIST_UNKNOWN ? b : PLIMSOLL_DEVICE_LIST_ENV_NODES;
}

static int read_answer(struct reading *reading, struct plimsoll_json value)
{
    plimsoll_autofree unsigned char *bytes = NULL;
    size_t size = 0;
    struct plimsoll_allocation allocation;
    if (plimsoll_json_type(value) == PLIMSOLL_JSON_NULL) {
        return 0;
    }
    if (decode_base64(value, &bytes, &size) < 0) {
        return fail_format(value, "an AllocResp that is no base64", reading->err);
    }
    if (plimsoll_allocation_read((struct plimsoll_span){.data = (const char *)bytes, .size = size},
                                 &allocation, reading->err) < 0) {
        return plimsoll_error_wrap(reading->err, "byte %zu: AllocResp",
                                   plimsoll_json_offset(value));
    }
    reading->out->device_list =
        join(reading->out->device_list, plimsoll_allocation_device_list(&allocation));
    return 0;
}

static const struct plimsoll_resource *find_resource(const struct reading *reading,
                                                     struct plimsoll_json name)
{
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_NAME_BYTES_MAX * 2);
    if (!plimsoll_json_string(name, &text)) {
        return NULL;
    }
    return plimsoll_resources_find(reading->resources, plimsoll_text_span(&text));
}

static int read_entry(struct reading *reading, struct plimsoll_json entry)
{
    static const char *const names[] = {"PodUID",    "ContainerName", "ResourceName",
                                        "DeviceIDs", "AllocResp",     NULL};
    struct plimsoll_uid pod;
    if (only_fields(entry, names, "an entry of PodDeviceEntries that is no object", reading->err) <
        0) {
        return -1;
    }
    struct plimsoll_json name = plimsoll_json_get(entry, "ResourceName");
    if (plimsoll_json_type(name) != PLIMSOLL_JSON_STRING) {
        return fail_format(entry, "an entry without a ResourceName", reading->err);
    }
    const struct plimsoll_resource *resource = find_resource(reading, name);
    if (resource == NULL) {
        return 0;
    }
    struct plimsoll_json uid = plimsoll_json_get(entry, "PodUID"),
                         ids = plimsoll_json_get(entry, "DeviceIDs"),
                         answer = plimsoll_json_get(entry, "AllocResp");
    if (plimsoll_json_type(uid) != PLIMSOLL_JSON_STRING ||
        plimsoll_json_type(ids) == PLIMSOLL_JSON_MISSING ||
        plimsoll_json_type(answer) == PLIMSOLL_JSON_MISSING) {
        return fail_format(entry, "an entry without PodUID, DeviceIDs or AllocResp", reading->err);
    }
    if (read_uid(uid, &pod, reading->err) < 0 ||
        read_device_ids(reading, ids, resource->vendor, &pod) < 0) {
        return -1;
    }
    return resource->vendor == PLIMSOLL_VENDOR_NVIDIA ? read_answer(reading, answer) : 0;
}

static int read_entries(struct reading *reading, struct plimsoll_json entries)
{
    if (plimsoll_json_type(entries) == PLIMSOLL_JSON_NULL) {
        return 0;
    }
    if (plimsoll_json_type(entries) != PLIMSOLL_JSON_ARRAY) {
        return fail_format(entries, "PodDeviceEntries that are no list", reading->err);
    }
    for (struct plimsoll_json entry = plimsoll_json_first(entries);
         plimsoll_json_type(entry) != PLIMSOLL_JSON_MISSING; entry = plimsoll_json_next(entry)) {
        if (read_entry(reading, entry) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_registered(struct reading *reading, struct plimsoll_json ids,
                           enum plimsoll_vendor vendor)
{
    struct plimsoll_checkpoint *out = reading->out;
    if (plimsoll_json_type(ids) != PLIMSOLL_JSON_ARRAY &&
        plimsoll_json_type(ids) != PLIMSOLL_JSON_NULL) {
        return fail_format(ids, "RegisteredDevices of a resource that are no list", reading->err);
    }
    for (struct plimsoll_json id = plimsoll_json_first(ids);
         plimsoll_json_type(id) != PLIMSOLL_JSON_MISSING; id = plimsoll_json_next(id)) {
        struct plimsoll_registered_card card = {.replicas = 1};
        if (read_card(id, vendor, card.card, reading->err) < 0) {
            return -1;
        }
        out->cards = grow(out->cards, out->card_count, &reading->card_capacity, sizeof *out->cards);
        out->cards[out->card_count++] = card;
    }
    return 0;
}

static int read_resources(struct reading *reading, struct plimsoll_json resources)
{
    if (plimsoll_json_type(resources) == PLIMSOLL_JSON_NULL) {
        return 0;
    }
    if (plimsoll_json_type(resources) != PLIMSOLL_JSON_OBJECT) {
        return fail_format(resources, "RegisteredDevices that are no object", reading->err);
    }
    for (struct plimsoll_json key = plimsoll_json_first(resources);
         plimsoll_json_type(key) != PLIMSOLL_JSON_MISSING; key = plimsoll_json_next(key)) {
        const struct plimsoll_resource *resource = find_resource(reading, key);
        if (resource != NULL &&
            read_registered(reading, plimsoll_json_value(key), resource->vendor) < 0) {
            return -1;
        }
    }
    return 0;
}

static int compare_holders(const void *left, const void *right)
{
    const struct plimsoll_holder *a = left, *b = right;
    int order = strcmp(a->card, b->card);
    return order != 0 ? order : strcmp(a->pod.text, b->pod.text);
}

static int compare_cards(const void *left, const void *right)
{
    const struct plimsoll_registered_card *a = left, *b = right;
    return strcmp(a->card, b->card);
}

/* A pair of card and pod once, however many containers and replicas; replicas summed by card. */
static void tidy(struct plimsoll_checkpoint *out)
{
    size_t kept = 0;
    if (out->holder_count > 0) {
        qsort(out->holders, out->holder_count, sizeof *out->holders, compare_holders);
    }
    for (size_t i = 0; i < out->holder_count; i++) {
        if (kept == 0 || compare_holders(&out->holders[kept - 1], &out->holders[i]) != 0) {
            out->holders[kept++] = out->holders[i];
        }
    }
    out->holder_count = kept;
    kept = 0;
    if (out->card_count > 0) {
        qsort(out->cards, out->card_count, sizeof *out->cards, compare_cards);
    }
    for (size_t i = 0; i < out->card_count; i++) {
        if (kept > 0 && compare_cards(&out->cards[kept - 1], &out->cards[i]) == 0) {
            out->cards[kept - 1].replicas++;
        } else {
            out->cards[kept++] = out->cards[i];
        }
    }
    out->card_count = kept;
}

static int read_document(struct reading *reading, struct plimsoll_json root)
{
    static const char *const top[] = {"Data", "Checksum", NULL};
    static const char *const inner[] = {"PodDeviceEntries", "RegisteredDevices", NULL};
    if (only_fields(root, top, "no object", reading->err) < 0) {
        return -1;
    }
    struct plimsoll_json data = plimsoll_json_get(root, "Data");
    if (plimsoll_json_type(plimsoll_json_get(root, "Checksum")) != PLIMSOLL_JSON_NUMBER ||
        plimsoll_json_type(data) == PLIMSOLL_JSON_MISSING) {
        return fail_format(root, "no Data with a Checksum", reading->err);
    }
    if (only_fields(data, inner, "Data that is no object", reading->err) < 0) {
        return -1;
    }
    struct plimsoll_json entries = plimsoll_json_get(data, "PodDeviceEntries"),
                         resources = plimsoll_json_get(data, "RegisteredDevices");
    if (plimsoll_json_type(entries) == PLIMSOLL_JSON_MISSING ||
        plimsoll_json_type(resources) == PLIMSOLL_JSON_MISSING) {
        return fail_format(data, "Data without PodDeviceEntries or RegisteredDevices",
                           reading->err);
    }
    return read_entries(reading, entries) < 0 ? -1 : read_resources(reading, resources);
}

int plimsoll_checkpoint_parse(struct plimsoll_span bytes,
                              const struct plimsoll_resources *resources,
                              struct plimsoll_checkpoint *out, struct plimsoll_error *err)
{
    plimsoll_autojson *document = NULL;
    struct plimsoll_checkpoint read = {0};
    struct reading reading = {.resources = resources, .out = &read, .err = err};
    if (bytes.size > PLIMSOLL_CHECKPOINT_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                  "the device checkpoint has more than %u bytes",
                                  PLIMSOLL_CHECKPOINT_BYTES_MAX);
    }
    if (plimsoll_json_parse(bytes, &document, err) < 0) {
        return -1;
    }
    if (read_document(&reading, plimsoll_json_root(document)) < 0) {
        plimsoll_checkpoint_clear(&read);
        return -1;
    }
    tidy(&read);
    *out = read;
    return 0;
}

int plimsoll_checkpoint_read(const char *kubelet_root, const struct plimsoll_resources *resources,
                             struct plimsoll_checkpoint *out, struct plimsoll_error *err)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    plimsoll_autotext bytes = plimsoll_text_make(PLIMSOLL_CHECKPOINT_BYTES_MAX);
    struct plimsoll_file_stamp stamp = out->stamp;
    struct plimsoll_checkpoint read = {0};
    if (!plimsoll_device_path(path, "%s/device-plugins/kubelet_internal_checkpoint",
                              kubelet_root)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "the kubelet's root is too long");
    }
    int state = plimsoll_device_file(path, &bytes, &stamp, err);
    if (state <= 0) {
        return state;
    }
    if (plimsoll_checkpoint_parse(plimsoll_text_span(&bytes), resources, &read, err) < 0) {
        return plimsoll_error_wrap(err, "%s", path);
    }
    read.stamp = stamp;
    plimsoll_checkpoint_clear(out);
    *out = read;
    return 0;
}

void plimsoll_checkpoint_clear(struct plimsoll_checkpoint *checkpoint)
{
    free(checkpoint->holders);
    free(checkpoint->cards);
    *checkpoint = (struct plimsoll_checkpoint){0};
}
