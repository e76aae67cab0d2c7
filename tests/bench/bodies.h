/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Bodies as a large cluster sends them: nodes of 15.6 KB with eight cards and fifty images, pods of
 * 6.5 KB, fields in the order in which Go writes them. Numbered names and uids have a fixed width.
 */
#pragma once

#include <plimsoll/placement.h>
#include <plimsoll/text.h>

#define BODIES_CARDS         8u
#define BODIES_PODS_PER_NODE 4u  /* of them with a GPU, one on each of the first cards */
#define BODIES_GPU_POD_OF    15u /* two of so many pods hold a GPU */
#define BODIES_NAME_SIZE     48u

extern const struct plimsoll_reading bodies_reading;
extern const struct plimsoll_placement_settings bodies_settings;

const char *bodies_node_name(size_t node, char out[BODIES_NAME_SIZE]);

/** @param busy  Every card is used up but for 2 GiB; else half of it is free. */
void bodies_write_node(struct plimsoll_text *out, size_t node, bool busy);
/** An unbound pod that asks for 12Gi of VRAM, 6.5 KB. */
void bodies_write_asking_pod(struct plimsoll_text *out);
/**
 * A running pod of `node`. `gpu`: it holds 12 GiB of card `pod` modulo BODIES_PODS_PER_NODE by its
 * claim; numbers of pods with and without a GPU are counted apart.
 */
void bodies_write_pod(struct plimsoll_text *out, size_t pod, size_t node, bool gpu);
/** Pod `index` of the whole cluster: two of BODIES_GPU_POD_OF hold a GPU. */
void bodies_write_any_pod(struct plimsoll_text *out, size_t index, size_t nodes);

/** ExtenderArgs with full Nodes. */
void bodies_write_filter_nodes(struct plimsoll_text *out, size_t nodes, bool busy);
/** ExtenderArgs with NodeNames. */
void bodies_write_filter_names(struct plimsoll_text *out, size_t nodes);
/** An AdmissionReview of a pod that asks for a card, 7 KB. */
void bodies_write_review(struct plimsoll_text *out);
