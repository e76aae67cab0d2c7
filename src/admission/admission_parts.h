/* SPDX-License-Identifier: Apache-2.0 */
/** One review on its way: what is known of the pod, and the patch and warnings so far. */
#pragma once

#include <plimsoll/admission.h>
#include <plimsoll/json.h>
#include <plimsoll/pod.h>

/* Warnings of one answer; 120 characters each stay far below the API server's 4096 in all. */
#define PLIMSOLL_WARNINGS_MAX 16
/* Longer ones get cut by clients. */
#define PLIMSOLL_WARNING_CHARACTERS_MAX 120

struct plimsoll_mutation {
    const struct plimsoll_config *config;
    const struct plimsoll_facts *facts;
    struct plimsoll_json annotations, labels, spec; /* of the pod */
    struct plimsoll_span namespace_;
    struct plimsoll_demand demand;
    bool inject;                            /* uses cards without asking for one */
    const struct plimsoll_profile *profile; /* chosen; NULL for pods that are not ours */
    bool class_added;                       /* the runtime class is ours */
    bool limit_added;                       /* so is a limit of plimsoll.dev/vram */
    uint32_t devices_read; /* bit N: an env reads plimsoll.dev/visible-devices.N (0: no suffix) */
    struct plimsoll_text patch;            /* owned: operations with commas between them */
    char *warnings[PLIMSOLL_WARNINGS_MAX]; /* owned */
    size_t warning_count;
};

/* ---- decide.c: the whole pod ---- */

/** @return 0, or -1 with PLIMSOLL_ERR_DENIED: the pod is refused, or another kind: no answer. */
int plimsoll_mutation_decide(struct plimsoll_mutation *mutation, struct plimsoll_span object,
                             struct plimsoll_error *err);

/* ---- choose.c: which profile ---- */

int plimsoll_mutation_choose(struct plimsoll_mutation *mutation, struct plimsoll_error *err);
/** Denied unless the name that the pod gives, if any, is a known profile. */
int plimsoll_mutation_named(const struct plimsoll_mutation *mutation,
                            const struct plimsoll_profile **named, struct plimsoll_error *err);

/* ---- what is added ---- */

void plimsoll_mutation_runtime_class(struct plimsoll_mutation *mutation);
void plimsoll_mutation_node_selector(struct plimsoll_mutation *mutation);
void plimsoll_mutation_tolerations(struct plimsoll_mutation *mutation);
void plimsoll_mutation_node_affinity(struct plimsoll_mutation *mutation);
void plimsoll_mutation_scheduler(struct plimsoll_mutation *mutation);
void plimsoll_mutation_priority(struct plimsoll_mutation *mutation);
void plimsoll_mutation_env(struct plimsoll_mutation *mutation);
/** The request as a limit, where nodes advertise VRAM; then the marker, where nothing else calls
 * the extender. */
void plimsoll_mutation_limit(struct plimsoll_mutation *mutation);
void plimsoll_mutation_marker(struct plimsoll_mutation *mutation);
/** Notes what visible-devices the env of the containers reads, for annotations. */
void plimsoll_mutation_note_env(struct plimsoll_mutation *mutation);
/** Reserved ones go or become void; then those of the profile, if there is one, and ours come. */
void plimsoll_mutation_annotations(struct plimsoll_mutation *mutation);

/* ---- what is only said ---- */

void plimsoll_mutation_warn_conflicts(struct plimsoll_mutation *mutation);
void plimsoll_mutation_warn_unaccounted(struct plimsoll_mutation *mutation);
/** At most PLIMSOLL_WARNINGS_MAX, cut and without control characters; repeated ones are dropped. */
void plimsoll_mutation_warn(struct plimsoll_mutation *mutation, const char *format, ...)
    PLIMSOLL_PRINTF(2, 3);

/* ---- containers.c ---- */

/** A walk over spec.containers, then spec.initContainers. */
struct plimsoll_container {
    struct plimsoll_json json; /* missing before the first */
    bool init;
    size_t index;   /* in its list */
    bool gpu;       /* uses cards */
    unsigned order; /* of a GPU container: the N of visible-devices.N */
    unsigned seen;  /* GPU containers before this one and itself */
};

bool plimsoll_container_next(const struct plimsoll_mutation *mutation,
                             struct plimsoll_container *container);
/** How it gets NVIDIA_VISIBLE_DEVICES; `path` is our fieldPath when OURS, else missing. */
enum plimsoll_visible plimsoll_container_visible(const struct plimsoll_container *container,
                                                 struct plimsoll_json *path);
bool plimsoll_container_privileged(const struct plimsoll_container *container);
/** The name for messages, cut. */
const char *plimsoll_container_name(const struct plimsoll_container *container, char out[64]);
/** `/spec/containers/0` and so on, with `tail` of at most 20 bytes. */
const char *plimsoll_container_path(const struct plimsoll_container *container, const char *tail,
                                    char out[64]);

/* ---- small things ---- */

/** True when the value is there and not null. */
bool plimsoll_mutation_has(struct plimsoll_json value);
/** True for a string of at least one byte. */
bool plimsoll_mutation_has_text(struct plimsoll_json value);
/** True where every known node of the vendor has one card, and there is one. */
bool plimsoll_mutation_single_cards(const struct plimsoll_mutation *mutation,
                                    enum plimsoll_vendor vendor);

/* ---- patch.c: operations, written as they come ---- */

/** One operation `add` or `replace` of a string, or `remove` (string NULL). `path` is escaped. */
void plimsoll_patch_operation(struct plimsoll_mutation *mutation, const char *op, const char *path,
                              const char *string);
/** The same on the member `key` (not escaped) of the object at `path`. */
void plimsoll_patch_on_member(struct plimsoll_mutation *mutation, const char *op, const char *path,
                              const char *key, const char *string);

/** Additions to an object or array, which is created by the first one where it is not there. */
struct plimsoll_addition {
    struct plimsoll_text *patch;
    const char *path; /* escaped; must outlive the additions */
    bool there, array;
    size_t count;
};

struct plimsoll_addition plimsoll_addition_to_object(struct plimsoll_mutation *mutation,
                                                     const char *path, struct plimsoll_json there);
struct plimsoll_addition plimsoll_addition_to_array(struct plimsoll_mutation *mutation,
                                                    const char *path, struct plimsoll_json there);
/** Begins one: the caller writes its JSON value to what it gets. `key` NULL in an array. */
struct plimsoll_text *plimsoll_addition_next(struct plimsoll_addition *addition, const char *key);
void plimsoll_addition_string(struct plimsoll_addition *addition, const char *key,
                              const char *string);
/** After the last: nothing was written if there was none. */
void plimsoll_addition_end(struct plimsoll_addition *addition);
