/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/attribution.h>

#include "files.h"

/* The kubelet names a pod's group `pod` + uid below one of these; `..` stands for one of them where
 * the reader lives in a control group namespace of its own. */
static const char *const parents[] = {"kubepods", "besteffort", "burstable", ".."};

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A UUID, whose dashes systemd's names have as `_`, or the hash that is a static pod's uid. */
static bool take_uid(struct plimsoll_span text, struct plimsoll_uid *pod)
{
    struct plimsoll_uid uid = {0};
    bool uuid = text.size == 36;
    if (!uuid && text.size != 32) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        bool dash = uuid && (i == 8 || i == 13 || i == 18 || i == 23);
        char c = text.data[i];
        if (dash ? c != '-' && c != '_' : !is_hex(c)) {
            return false;
        }
        uid.text[i] = dash ? '-' : c;
    }
    *pod = uid;
    return true;
}

static struct plimsoll_span rest_of(struct plimsoll_span text, size_t from)
{
    return (struct plimsoll_span){.data = text.data + from, .size = text.size - from};
}

static bool is_parent(struct plimsoll_span name)
{
    for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
        if (plimsoll_span_is(name, parents[i])) {
            return true;
        }
    }
    return false;
}

/* cgroupfs driver: /kubepods/burstable/podUID/CONTAINER */
static bool plain_name(struct plimsoll_span parent, struct plimsoll_span name,
                       struct plimsoll_uid *pod)
{
    return is_parent(parent) && plimsoll_span_starts(name, "pod") &&
           take_uid(rest_of(name, 3), pod);
}

static bool ends_as_kubepods(struct plimsoll_span text)
{
    static const char word[] = "kubepods";
    size_t size = sizeof word - 1;
    return text.size >= size && memcmp(text.data + text.size - size, word, size) == 0 &&
           (text.size == size || text.data[text.size - size - 1] == '-');
}

static struct plimsoll_span without_class(struct plimsoll_span text)
{
    static const char *const classes[] = {"-besteffort", "-burstable"};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        size_t size = strlen(classes[i]);
        if (text.size > size && memcmp(text.data + text.size - size, classes[i], size) == 0) {
            return (struct plimsoll_span){.data = text.data, .size = text.size - size};
        }
    }
    return text;
}

/* systemd driver: a slice named after all its parents, `kubepods-burstable-podUID.slice`, in kind
 * with one more before. Where kubelet and runtime disagree about the driver, the runtime makes one
 * group of it all: `kubepods-podUID.slice:cri-containerd:CONTAINER`. */
static bool slice_name(struct plimsoll_span name, struct plimsoll_uid *pod)
{
    static const size_t sizes[] = {36, 32};
    static const char pod_word[] = "-pod", slice[] = ".slice";
    struct plimsoll_span head;
    (void)plimsoll_span_cut(&name, ':', &head);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t tail = sizeof pod_word - 1 + sizes[i] + sizeof slice - 1;
        if (head.size <= tail) {
            continue;
        }
        struct plimsoll_span front = {.data = head.data, .size = head.size - tail};
        const char *at = head.data + front.size;
        struct plimsoll_span uid = {.data = at + sizeof pod_word - 1, .size = sizes[i]};
        if (memcmp(at, pod_word, sizeof pod_word - 1) == 0 &&
            memcmp(uid.data + uid.size, slice, sizeof slice - 1) == 0 &&
            ends_as_kubepods(without_class(front))) {
            return take_uid(uid, pod);
        }
    }
    return false;
}

/* The outermost pod: what runs in a cluster inside a container is that container's to this node. */
static bool path_pod(struct plimsoll_span path, struct plimsoll_uid *pod)
{
    struct plimsoll_span parent = {0}, name;
    while (plimsoll_span_cut(&path, '/', &name)) {
        if (plain_name(parent, name, pod) || slice_name(name, pod)) {
            return true;
        }
        parent = name;
    }
    return false;
}

bool plimsoll_cgroup_pod(struct plimsoll_span cgroup, struct plimsoll_uid *pod)
{
    struct plimsoll_span line, hierarchy, controllers;
    if (cgroup.size > PLIMSOLL_CGROUP_BYTES_MAX) {
        return false;
    }
    /* `HIERARCHY:CONTROLLERS:PATH`; v2 has one line, v1 one for each hierarchy, and not every one
     * of them is the kubelet's. */
    while (plimsoll_span_cut(&cgroup, '\n', &line)) {
        if (plimsoll_span_cut(&line, ':', &hierarchy) &&
            plimsoll_span_cut(&line, ':', &controllers) && path_pod(line, pod)) {
            return true;
        }
    }
    return false;
}

enum plimsoll_trilean plimsoll_attribution_pod(const char *root, int32_t pid,
                                               struct plimsoll_uid *pod)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_CGROUP_BYTES_MAX);
    struct plimsoll_error err;
    if (pid <= 0 || !plimsoll_device_path(path, "%s/proc/%d/cgroup", root, (int)pid)) {
        return PLIMSOLL_UNKNOWN;
    }
    if (plimsoll_device_file(path, &text, NULL, &err) < 0) {
        return err.kind == PLIMSOLL_ERR_TOO_LARGE ? PLIMSOLL_NO : PLIMSOLL_UNKNOWN;
    }
    return plimsoll_cgroup_pod(plimsoll_text_span(&text), pod) ? PLIMSOLL_YES : PLIMSOLL_NO;
}
