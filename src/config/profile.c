/* SPDX-License-Identifier: Apache-2.0 */
#include "loading.h"
#include "names.h"
#include "scheduling.h"

#include <plimsoll/pod.h>
#include <plimsoll/quantity.h>

static const struct {
    const char *name;
    enum plimsoll_vendor vendor;
    bool mig;
} families[PLIMSOLL_FAMILIES] = {
    [PLIMSOLL_FAMILY_NVIDIA] = {"nvidia", PLIMSOLL_VENDOR_NVIDIA, false},
    [PLIMSOLL_FAMILY_NVIDIA_MIG] = {"nvidia-mig", PLIMSOLL_VENDOR_NVIDIA, true},
    [PLIMSOLL_FAMILY_AMD] = {"amd", PLIMSOLL_VENDOR_AMD, false},
    [PLIMSOLL_FAMILY_INTEL] = {"intel", PLIMSOLL_VENDOR_INTEL, false},
};

const char *plimsoll_family_name(enum plimsoll_family family)
{
    return families[family].name;
}

enum plimsoll_family plimsoll_family_of(const struct plimsoll_profile *profile)
{
    size_t family = 0;
    while (family + 1 < PLIMSOLL_FAMILIES &&
           (families[family].vendor != profile->vendor || families[family].mig != profile->mig)) {
        family++;
    }
    return (enum plimsoll_family)family;
}

/* ---- single settings ---- */

static int read_name_checked(const struct plimsoll_at *at, void *out,
                             const char *(*check)(const char *), struct plimsoll_error *err)
{
    const char *text;
    if (plimsoll_at_text(at, &text, err) < 0) {
        return -1;
    }
    if (*text == '\0') { /* takes away what the profile extends */
        char **string = out;
        free(*string);
        *string = NULL;
        return 0;
    }
    if (check(text) != NULL) {
        return plimsoll_at_fail(at, err, "\"%.64s\" %s", text, check(text));
    }
    return plimsoll_at_string(at, out, err);
}

static int read_class_name(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    return read_name_checked(at, out, plimsoll_names_subdomain, err);
}

static int read_require(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const char *const words[] = {"auto", "require", "never", NULL};
    size_t index;
    if (plimsoll_at_word(at, words, &index, err) < 0) {
        return -1;
    }
    *(enum plimsoll_require *)out = (enum plimsoll_require)index;
    return 0;
}

static int read_visible_devices(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const char *const words[] = {"auto", "all", "assigned", "none", NULL};
    size_t index;
    if (plimsoll_at_word(at, words, &index, err) < 0) {
        return -1;
    }
    *(enum plimsoll_visible_devices *)out = (enum plimsoll_visible_devices)index;
    return 0;
}

static int read_labels(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    return plimsoll_at_pairs(at, plimsoll_names_qualified, plimsoll_names_label_value, out, err);
}

static const char *check_env_name(const char *name)
{
    if (strcmp(name, "NVIDIA_VISIBLE_DEVICES") == 0) {
        return "is set by visibleDevices: auto, all, assigned or none";
    }
    return plimsoll_names_env(name);
}

static int read_env(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    return plimsoll_at_pairs(at, check_env_name, NULL, out, err);
}

/* Ours that change the demand have settings of their own, and the reserved ones are Plimsoll's to
 * write. */
static const char *check_annotation(const char *key)
{
    if (strcmp(key, PLIMSOLL_ANNOTATION_VRAM) == 0) {
        return "is set by vram";
    }
    if (strncmp(key, "plimsoll.dev/", 13) == 0 && strcmp(key, PLIMSOLL_ANNOTATION_POLICY) != 0 &&
        strcmp(key, PLIMSOLL_ANNOTATION_TOPOLOGY) != 0) {
        return "cannot be set by a profile; of plimsoll.dev only policy and gpu-topology can";
    }
    return plimsoll_names_qualified(key);
}

static int check_own_annotation(const struct plimsoll_at *at, const char *key,
                                const char *const *words, struct plimsoll_error *err)
{
    for (size_t i = 0; i < at->node->count; i++) {
        struct plimsoll_at child = plimsoll_at_child(at, i);
        size_t index;
        if (strcmp(child.node->key, key) == 0) {
            return plimsoll_at_word(&child, words, &index, err);
        }
    }
    return 0;
}

static int read_annotations(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const char *const policies[] = {"pack", "spread", NULL};
    static const char *const topologies[] = {"nvlink", "numa", "any", NULL};
    if (plimsoll_at_pairs(at, check_annotation, NULL, out, err) < 0) {
        return -1;
    }
    return check_own_annotation(at, PLIMSOLL_ANNOTATION_POLICY, policies, err) < 0
               ? -1
               : check_own_annotation(at, PLIMSOLL_ANNOTATION_TOPOLOGY, topologies, err);
}

static int read_vram(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    const char *text;
    uint64_t bytes;
    uint32_t percent_milli;
    struct plimsoll_error why;
    if (plimsoll_at_scalar(at, &text, err) < 0) {
        return -1;
    }
    if (strchr(text, '%') != NULL) {
        if (!plimsoll_settings_percent(text, &percent_milli)) {
            return plimsoll_at_fail(
                at, err, "\"%.64s\" must be above 0%% and at most 100%%, like 50%%", text);
        }
    } else if (plimsoll_quantity_parse(plimsoll_span_of(text), &bytes, &why) < 0) {
        return plimsoll_at_fail(at, err, "%s; write a quantity like 12Gi or a share like 50%%",
                                why.message);
    } else if (bytes < PLIMSOLL_VRAM_MIN) {
        return plimsoll_at_fail(at, err, "\"%s\" is below 1Mi; did you mean %sGi?", text, text);
    }
    char **vram = out;
    free(*vram);
    *vram = plimsoll_copy(text, strlen(text));
    return 0;
}

/* ---- match ---- */

static int read_match_resources(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    struct plimsoll_profile *profile = out;
    struct plimsoll_strings names = {0};
    bool vram_only = false;
    if (plimsoll_at_sequence(at, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < at->node->count; i++) {
        struct plimsoll_at child = plimsoll_at_child(at, i);
        const char *text;
        if (plimsoll_at_text(&child, &text, err) < 0) {
            goto failed;
        }
        if (strcmp(text, PLIMSOLL_RESOURCE_VRAM) == 0) {
            if (plimsoll_family_of(profile) != PLIMSOLL_FAMILY_NVIDIA) {
                plimsoll_at_fail(&child, err,
                                 "pods that ask for VRAM alone are NVIDIA's; "
                                 "extend nvidia");
                goto failed;
            }
            vram_only = true;
        } else if (plimsoll_names_resource(text) != NULL) {
            plimsoll_at_fail(&child, err, "\"%.64s\" %s", text, plimsoll_names_resource(text));
            goto failed;
        } else {
            plimsoll_strings_add(&names, text);
        }
    }
    plimsoll_strings_clear(&profile->resources);
    profile->resources = names;
    profile->vram_only = vram_only;
    return 0;
failed:
    plimsoll_strings_clear(&names);
    return -1;
}

static int read_match(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const struct plimsoll_field fields[] = {
        {"resources", 0, read_match_resources},
        {"namespaces", offsetof(struct plimsoll_profile, namespaces), plimsoll_at_strings},
        {"podLabels", offsetof(struct plimsoll_profile, pod_labels), read_labels},
        {"images", offsetof(struct plimsoll_profile, images), plimsoll_at_strings},
    };
    return plimsoll_at_fields(at, fields, sizeof fields / sizeof *fields, out, err);
}

/* ---- a profile ---- */

static int read_vendor(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const char *const words[] = {"nvidia", "amd", "intel", NULL};
    size_t index;
    if (plimsoll_at_word(at, words, &index, err) < 0) {
        return -1;
    }
    *(enum plimsoll_vendor *)out = (enum plimsoll_vendor)(PLIMSOLL_VENDOR_NVIDIA + (int)index);
    return 0;
}

#define PROFILE(member) offsetof(struct plimsoll_profile, member)
static const struct plimsoll_field profile_fields[] = {
    {"name", 0, plimsoll_at_ignore},
    {"extends", 0, plimsoll_at_ignore},
    {"match", 0, read_match},
    {"runtimeClassName", PROFILE(runtime_class), read_class_name},
    {"runtimeClassRequire", PROFILE(runtime_class_require), read_require},
    {"nodeSelector", PROFILE(node_selector), read_labels},
    {"nodeSelectorRequire", PROFILE(node_selector_require), read_require},
    {"nodeAffinity", PROFILE(node_affinity_json), plimsoll_scheduling_affinity},
    {"tolerations", PROFILE(tolerations_json), plimsoll_scheduling_tolerations},
    {"env", PROFILE(env), read_env},
    {"schedulerName", PROFILE(scheduler_name), plimsoll_settings_scheduler},
    {"priorityClassName", PROFILE(priority_class_name), read_class_name},
    {"annotations", PROFILE(annotations), read_annotations},
    {"vram", PROFILE(vram), read_vram},
    {"visibleDevices", PROFILE(visible_devices), read_visible_devices},
    {"leakGuard", PROFILE(leak_guard), plimsoll_at_boolean},
    {"vendor", PROFILE(vendor), read_vendor},
    {"mig", PROFILE(mig), plimsoll_at_boolean},
};
#undef PROFILE
#define FIELDS      (sizeof profile_fields / sizeof *profile_fields)
#define USER_FIELDS (FIELDS - 2) /* all but vendor and mig */

static const struct plimsoll_profile *find_profile(const struct plimsoll_loading *loading,
                                                   const char *name)
{
    for (size_t i = 0; i < loading->profile_count; i++) {
        if (strcmp(loading->profiles[i].name, name) == 0) {
            return &loading->profiles[i];
        }
    }
    return NULL;
}

static int find_text(const struct plimsoll_at *at, const char *key, const char *example,
                     struct plimsoll_at *child, const char **text, struct plimsoll_error *err)
{
    const struct plimsoll_yaml *node = plimsoll_yaml_get(at->node, key);
    if (node == NULL) {
        return plimsoll_at_fail(at, err, "needs %s, like %s: %s", key, key, example);
    }
    *child = plimsoll_at_child(at, (size_t)(node - at->node->children));
    return plimsoll_at_text(child, text, err);
}

static int read_profile_name(const struct plimsoll_at *at, const struct plimsoll_loading *loading,
                             const char **name, struct plimsoll_error *err)
{
    struct plimsoll_at child;
    if (find_text(at, "name", "vllm", &child, name, err) < 0) {
        return -1;
    }
    if (plimsoll_names_label(*name) != NULL) {
        return plimsoll_at_fail(&child, err, "\"%.64s\" %s", *name, plimsoll_names_label(*name));
    }
    if (find_profile(loading, *name) != NULL) {
        return plimsoll_at_fail(&child, err,
                                "there is a profile \"%s\" already; give this one "
                                "another name",
                                *name);
    }
    return 0;
}

static int find_base(const struct plimsoll_at *at, const struct plimsoll_loading *loading,
                     const struct plimsoll_profile **base, struct plimsoll_error *err)
{
    struct plimsoll_at child;
    const char *extends;
    if (find_text(at, "extends", "nvidia", &child, &extends, err) < 0) {
        return -1;
    }
    *base = find_profile(loading, extends);
    if (*base != NULL) {
        return 0;
    }
    plimsoll_autotext known = plimsoll_text_make(PLIMSOLL_ERROR_MESSAGE_SIZE);
    for (size_t i = 0; i < loading->profile_count; i++) {
        plimsoll_text_add_format(&known, "%s%s", i > 0 ? ", " : "", loading->profiles[i].name);
    }
    return plimsoll_at_fail(&child, err,
                            "unknown profile \"%.64s\"; a profile extends a shipped or "
                            "an earlier one: %s",
                            extends, known.data);
}

/* What a profile matches is its own: without `match` it is chosen by name only, else its resources
 * are those of its vendor unless it names some. */
static void reset_match(struct plimsoll_profile *profile, const struct plimsoll_loading *loading,
                        bool matches)
{
    enum plimsoll_family family = plimsoll_family_of(profile);
    plimsoll_strings_clear(&profile->resources);
    plimsoll_strings_clear(&profile->namespaces);
    plimsoll_strings_clear(&profile->images);
    plimsoll_pairs_clear(&profile->pod_labels);
    profile->vram_only = matches && family == PLIMSOLL_FAMILY_NVIDIA;
    if (matches) {
        plimsoll_strings_copy(&loading->resources[family], &profile->resources);
    }
}

static int read_shipped(const struct plimsoll_at *at, const struct plimsoll_loading *loading,
                        struct plimsoll_profile *profile, struct plimsoll_error *err)
{
    if (plimsoll_at_fields(at, profile_fields, FIELDS, profile, err) < 0) {
        return -1;
    }
    reset_match(profile, loading, true);
    const char *scheduler = loading->scheduler_name;
    profile->scheduler_name = plimsoll_copy(scheduler, strlen(scheduler));
    return 0;
}

/* A resource means one thing for all nodes and pods: another vendor's would be booked wrongly. */
static int check_resources(const struct plimsoll_at *at, const struct plimsoll_loading *loading,
                           const struct plimsoll_profile *profile, struct plimsoll_error *err)
{
    for (size_t i = 0; i < profile->resources.count; i++) {
        const char *name = profile->resources.list[i];
        for (size_t family = 0; family < PLIMSOLL_FAMILIES; family++) {
            if (family == (size_t)plimsoll_family_of(profile)) {
                continue;
            }
            for (size_t r = 0; r < loading->resources[family].count; r++) {
                if (plimsoll_span_glob(plimsoll_span_of(name),
                                       loading->resources[family].list[r])) {
                    return plimsoll_at_fail(at, err,
                                            "matches %s, a resource of %s; extend %s instead", name,
                                            families[family].name, families[family].name);
                }
            }
        }
    }
    return 0;
}

static int read_user(const struct plimsoll_at *at, const struct plimsoll_loading *loading,
                     struct plimsoll_profile *profile, struct plimsoll_error *err)
{
    const struct plimsoll_profile *base;
    if (find_base(at, loading, &base, err) < 0) {
        return -1;
    }
    plimsoll_profile_copy(base, profile);
    free(profile->name);
    profile->name = NULL;
    reset_match(profile, loading, plimsoll_yaml_get(at->node, "match") != NULL);
    /* `auto` is for a default that may not be true here; what a person writes is meant. */
    if (plimsoll_yaml_get(at->node, "nodeSelector") != NULL) {
        profile->node_selector_require = PLIMSOLL_REQUIRE_ALWAYS;
    }
    return plimsoll_at_fields(at, profile_fields, USER_FIELDS, profile, err) < 0
               ? -1
               : check_resources(at, loading, profile, err);
}

static int read_profile(const struct plimsoll_at *at, struct plimsoll_loading *loading,
                        bool shipped, struct plimsoll_error *err)
{
    const char *name;
    if (plimsoll_at_mapping(at, err) < 0 || read_profile_name(at, loading, &name, err) < 0) {
        return -1;
    }
    if (loading->profile_count == PLIMSOLL_PROFILES_MAX) {
        return plimsoll_at_fail(at, err, "more than %d profiles, the shipped ones included",
                                PLIMSOLL_PROFILES_MAX);
    }
    struct plimsoll_profile profile = {0};
    if ((shipped ? read_shipped : read_user)(at, loading, &profile, err) < 0) {
        plimsoll_profile_clear(&profile);
        return -1;
    }
    profile.name = plimsoll_copy(name, strlen(name));
    loading->profiles[loading->profile_count++] = profile;
    return 0;
}

int plimsoll_profiles_read(const struct plimsoll_at *root, struct plimsoll_loading *loading,
                           struct plimsoll_error *err)
{
    const struct plimsoll_yaml *node = plimsoll_yaml_get(root->node, "profiles");
    if (node == NULL) {
        return 0;
    }
    bool shipped = loading->shipped_count == 0;
    struct plimsoll_at at = plimsoll_at_child(root, (size_t)(node - root->node->children));
    if (plimsoll_at_sequence(&at, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < node->count; i++) {
        struct plimsoll_at child = plimsoll_at_child(&at, i);
        if (read_profile(&child, loading, shipped, err) < 0) {
            return -1;
        }
    }
    return 0;
}
