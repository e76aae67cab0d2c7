/* SPDX-License-Identifier: Apache-2.0 */
/** Every ceiling on what a peer can make long or deep, with its reason. Each has a test that
 * reaches it. */
#pragma once

/* An API object is at most etcd's request (1.5 MiB) and the API server's body (3 MiB). */
#define PLIMSOLL_OBJECT_BYTES_MAX (3u * 1024 * 1024)
/* An AdmissionReview holds one pod, its managedFields and the envelope. */
#define PLIMSOLL_REVIEW_BYTES_MAX (4u * 1024 * 1024)
/* 5000 nodes of 15.6 KB are 78 MB; four times that. Streamed, not kept. */
#define PLIMSOLL_FILTER_BYTES_MAX (320u * 1024 * 1024)
/* names and one pod: 5000 names of 253 bytes are 1.3 MB. */
#define PLIMSOLL_BIND_BYTES_MAX (64u * 1024)
/* 500 candidates of a cluster of 5000 nodes with eight whole pods of 8 KB each. */
#define PLIMSOLL_PREEMPT_BYTES_MAX (32u * 1024 * 1024)
/* 500 candidates with every pod that a kubelet takes. */
#define PLIMSOLL_PREEMPT_VICTIMS_MAX 65536
/* Kubernetes objects nest below 30; deeper is hostile. */
#define PLIMSOLL_JSON_DEPTH_MAX 64
/* A document read whole: a token takes at least two bytes of it. */
#define PLIMSOLL_JSON_TOKENS_MAX (2u * 1024 * 1024)
/* Kubernetes' own total for all annotations of an object. */
#define PLIMSOLL_ANNOTATION_BYTES_MAX (256u * 1024)
/* Cards of one node; a bit each in a uint64_t. */
#define PLIMSOLL_CARDS_MAX 64
/* GPU containers of one pod that each need their own device list. */
#define PLIMSOLL_GPU_CONTAINERS_MAX 16
/* Node names of one extender call; the largest supported cluster is 5000. */
#define PLIMSOLL_NODE_NAMES_MAX 65536
/* A DNS subdomain: node, pod and namespace names, RFC 1123. */
#define PLIMSOLL_NAME_BYTES_MAX 253
/* Profiles of a configuration. */
#define PLIMSOLL_PROFILES_MAX 64
/* Distinct label pairs that the profiles' node selectors name; a bit each in a uint64_t. */
#define PLIMSOLL_SELECTORS_MAX 64
/* The configuration file. */
#define PLIMSOLL_CONFIG_BYTES_MAX (1u * 1024 * 1024)
