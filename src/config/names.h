/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Kubernetes' rules for names, as checks: NULL when it is good, else what would be right (static).
 */
#pragma once

/** RFC 1123 subdomain: RuntimeClass, PriorityClass, scheduler. */
const char *plimsoll_names_subdomain(const char *name);
/** RFC 1123 label of at most 63 characters: a profile's name. */
const char *plimsoll_names_label(const char *name);
/** `name` or `prefix/name`: keys of labels, annotations and taints. */
const char *plimsoll_names_qualified(const char *key);
/** At most 63 characters, may be empty. */
const char *plimsoll_names_label_value(const char *value);
/** An extended resource, exact or with one trailing `*`. */
const char *plimsoll_names_resource(const char *name);
/** An environment variable. */
const char *plimsoll_names_env(const char *name);
