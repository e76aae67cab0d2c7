/* SPDX-License-Identifier: Apache-2.0 */
#include "requests.h"

#define VISIBLE_DEVICES "NVIDIA_VISIBLE_DEVICES"

static void read_resources(struct plimsoll_json_cursor *cursor,
                           struct plimsoll_model_container *container)
{
    struct plimsoll_span key;
    container->limits = container->requests = (struct plimsoll_span){0};
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        struct plimsoll_span *wanted = plimsoll_span_is(key, "limits")     ? &container->limits
                                       : plimsoll_span_is(key, "requests") ? &container->requests
                                                                           : NULL;
        plimsoll_json_cursor_skip(cursor, wanted);
    }
}

static void read_security(struct plimsoll_json_cursor *cursor,
                          struct plimsoll_model_container *container)
{
    struct plimsoll_span key;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "privileged")) {
            plimsoll_json_cursor_bool(cursor, &container->privileged);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
}

static bool is_field_ref_ours(struct plimsoll_json_cursor *cursor)
{
    struct plimsoll_span key, path = {0};
    if (!plimsoll_json_cursor_object(cursor)) {
        return false;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "fieldPath")) {
            plimsoll_json_cursor_string(cursor, &path);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
    if (path.size == 0 || memchr(path.data, '\\', path.size) == NULL) {
        return plimsoll_visible_is_ours(path);
    }
    plimsoll_autotext text = plimsoll_text_make(256);
    plimsoll_json_unescape(path, &text);
    return plimsoll_visible_is_ours(plimsoll_text_span(&text));
}

static bool is_source_ours(struct plimsoll_json_cursor *cursor)
{
    struct plimsoll_span key;
    bool ours = false;
    if (!plimsoll_json_cursor_object(cursor)) {
        return false;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "fieldRef")) {
            ours = is_field_ref_ours(cursor);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
    return ours;
}

/* One variable; of several with the name the last counts, as in the runtime. */
static void read_variable(struct plimsoll_json_cursor *cursor,
                          struct plimsoll_model_container *container)
{
    struct plimsoll_span key, plain, name = {0};
    struct plimsoll_model_value value = {.present = true};
    bool sourced = false, ours = false;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_entry(cursor, &key, &plain)) {
        if (plimsoll_span_is(key, "name")) {
            plimsoll_model_entry_string(cursor, plain, &name);
        } else if (plimsoll_span_is(key, "value")) {
            plimsoll_model_entry_value(cursor, plain, &value);
        } else if (plimsoll_span_is(key, "valueFrom")) {
            plimsoll_json_cursor_again(cursor, plain);
            sourced = plimsoll_json_cursor_type(cursor) == PLIMSOLL_JSON_OBJECT;
            ours = is_source_ours(cursor);
        } else {
            plimsoll_model_entry_skip(cursor, plain);
        }
    }
    if (plimsoll_span_is(name, VISIBLE_DEVICES)) {
        container->visible = sourced ? (struct plimsoll_model_value){0} : value;
        container->visible_ours = ours;
    }
}

/* Names stand as they are; where the one that is wanted does not, nothing else is of interest. */
static void read_env(struct plimsoll_json_cursor *cursor,
                     struct plimsoll_model_container *container)
{
    if (!plimsoll_json_cursor_array(cursor) ||
        memmem(container->env.data, container->env.size, VISIBLE_DEVICES,
               sizeof VISIBLE_DEVICES - 1) == NULL) {
        return;
    }
    while (plimsoll_json_cursor_element(cursor)) {
        read_variable(cursor, container);
    }
}

bool plimsoll_model_container_read_env(struct plimsoll_model_container *container)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(container->env);
    if (container->env.size > 0) {
        read_env(&cursor, container);
    }
    return !cursor.failed;
}

static void read_container(struct plimsoll_json_cursor *cursor,
                           struct plimsoll_model_container *container)
{
    struct plimsoll_span key, policy;
    *container = (struct plimsoll_model_container){0};
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "name")) {
            plimsoll_json_cursor_string(cursor, &container->name);
        } else if (plimsoll_span_is(key, "resources")) {
            read_resources(cursor, container);
        } else if (plimsoll_span_is(key, "env")) {
            plimsoll_json_cursor_skip(cursor, &container->env);
        } else if (plimsoll_span_is(key, "securityContext")) {
            read_security(cursor, container);
        } else if (plimsoll_span_is(key, "restartPolicy")) {
            if (plimsoll_json_cursor_string(cursor, &policy)) {
                container->sidecar = plimsoll_span_is(policy, "Always");
            }
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
}

struct plimsoll_model_containers plimsoll_model_containers_make(struct plimsoll_span containers,
                                                                struct plimsoll_span init)
{
    return (struct plimsoll_model_containers){.cursor = plimsoll_json_cursor_make(containers),
                                              .init_list = init};
}

bool plimsoll_model_containers_next(struct plimsoll_model_containers *all,
                                    struct plimsoll_model_container *container)
{
    for (;;) {
        bool entered = all->begun;
        if (!all->begun && plimsoll_json_cursor_type(&all->cursor) != PLIMSOLL_JSON_MISSING) {
            entered = plimsoll_json_cursor_array(&all->cursor);
        }
        if (entered && plimsoll_json_cursor_element(&all->cursor)) {
            all->index = all->begun ? all->index + 1 : 0;
            all->begun = true;
            read_container(&all->cursor, container);
            return !all->cursor.failed;
        }
        if (all->cursor.failed || all->init) {
            return false;
        }
        all->init = true;
        all->begun = false;
        all->cursor = plimsoll_json_cursor_make(all->init_list);
    }
}

/* Passes over limits or requests. @return false when a resource has a domain */
static bool pass_quantities(struct plimsoll_json_cursor *cursor, struct plimsoll_requests *found)
{
    struct plimsoll_span key, plain;
    if (plimsoll_json_cursor_object(cursor)) {
        while (plimsoll_json_cursor_entry(cursor, &key, &plain)) {
            if (plain.data == NULL && !plimsoll_json_cursor_skip(cursor, &plain)) {
                return false;
            }
            if (key.size > 0 && memchr(key.data, '/', key.size) != NULL) {
                return false;
            }
            plimsoll_model_request_take(key, plain, found);
        }
    }
    return !cursor->failed;
}

static bool pass_resources(struct plimsoll_json_cursor *cursor, struct plimsoll_requests *requests)
{
    struct plimsoll_requests limits;
    struct plimsoll_span key;
    bool none = true;
    if (!plimsoll_json_cursor_object(cursor)) {
        return !cursor->failed;
    }
    while (none && plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "limits")) {
            none = pass_quantities(cursor, &limits);
        } else if (plimsoll_span_is(key, "requests")) {
            none = pass_quantities(cursor, requests);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
    return none && !cursor->failed;
}

/* As read_container, without keeping anything. @return false when something is unusual */
static bool pass_container(struct plimsoll_json_cursor *cursor, bool init,
                           struct plimsoll_model_requests *sum)
{
    struct plimsoll_model_container ignored = {.privileged = false};
    struct plimsoll_requests requests = {0};
    struct plimsoll_span key, plain;
    bool usual = true;
    if (!plimsoll_json_cursor_object(cursor)) {
        return !cursor->failed;
    }
    while (usual && plimsoll_json_cursor_entry(cursor, &key, &plain)) {
        if (plimsoll_span_is(key, "resources")) {
            plimsoll_json_cursor_again(cursor, plain);
            usual = pass_resources(cursor, &requests);
        } else if (plimsoll_span_is(key, "securityContext")) {
            plimsoll_json_cursor_again(cursor, plain);
            read_security(cursor, &ignored);
        } else if (plimsoll_span_is(key, "name")) {
            plimsoll_model_entry_string(cursor, plain, &plain);
        } else if (plimsoll_span_is(key, "restartPolicy")) {
            ignored.sidecar = plimsoll_model_entry_string(cursor, plain, &plain) &&
                              plimsoll_span_is(plain, "Always");
        } else {
            plimsoll_model_entry_skip(cursor, plain);
        }
    }
    plimsoll_model_requests_add(sum, init, ignored.sidecar, &requests);
    return usual && !cursor->failed;
}

bool plimsoll_model_containers_pass(struct plimsoll_json_cursor *cursor, bool init,
                                    struct plimsoll_span *list,
                                    struct plimsoll_model_requests *requests)
{
    bool usual = plimsoll_json_cursor_type(cursor) == PLIMSOLL_JSON_ARRAY;
    const char *begin = cursor->at;
    if (!usual || !plimsoll_json_cursor_array(cursor)) {
        return false;
    }
    while (usual && plimsoll_json_cursor_element(cursor)) {
        usual = pass_container(cursor, init, requests);
    }
    if (!usual || cursor->failed) {
        return false;
    }
    *list = (struct plimsoll_span){.data = begin, .size = (size_t)(cursor->at - begin)};
    return true;
}

static struct plimsoll_model_quantity find_quantity(struct plimsoll_span list,
                                                    struct plimsoll_span resource)
{
    struct plimsoll_model_quantity found = {.present = false};
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(list);
    struct plimsoll_span key, raw;
    if (list.size == 0 || !plimsoll_json_cursor_object(&cursor)) {
        return found;
    }
    while (plimsoll_json_cursor_member(&cursor, &key)) {
        if (plimsoll_json_cursor_skip(&cursor, &raw) && plimsoll_span_equal(key, resource)) {
            found = (struct plimsoll_model_quantity){.present = true,
                                                     .text = plimsoll_model_unquote(raw)};
        }
    }
    return found;
}

struct plimsoll_model_quantity
plimsoll_model_container_quantity(const struct plimsoll_model_container *container,
                                  struct plimsoll_span resource)
{
    struct plimsoll_model_quantity limit = find_quantity(container->limits, resource);
    return limit.present ? limit : find_quantity(container->requests, resource);
}
