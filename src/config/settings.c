/* SPDX-License-Identifier: Apache-2.0 */
#include "loading.h"
#include "names.h"

#include <plimsoll/pod.h>
#include <plimsoll/quantity.h>

static int read_address(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    const char *text;
    unsigned long long port;
    if (plimsoll_at_scalar(at, &text, err) < 0) {
        return -1;
    }
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || colon - text > PLIMSOLL_NAME_BYTES_MAX ||
        !plimsoll_span_decimal(plimsoll_span_of(colon + 1), &port) || port > 65535 ||
        (memchr(text, ':', (size_t)(colon - text)) != NULL && colon[-1] != ']')) {
        return plimsoll_at_fail(
            at, err, "\"%.64s\" must be ADDR:PORT, like 0.0.0.0:8443 or [::]:8443", text);
    }
    return plimsoll_at_string(at, out, err);
}

static int read_file_name(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    const char *text;
    if (plimsoll_at_text(at, &text, err) < 0) {
        return -1;
    }
    if (*text == '\0') {
        return plimsoll_at_fail(at, err, "is empty; name a file or leave the key out");
    }
    return plimsoll_at_string(at, out, err);
}

static int read_object_name(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    const char *text;
    if (plimsoll_at_text(at, &text, err) < 0) {
        return -1;
    }
    if (plimsoll_names_subdomain(text) != NULL) {
        return plimsoll_at_fail(at, err, "\"%.64s\" %s", text, plimsoll_names_subdomain(text));
    }
    return plimsoll_at_string(at, out, err);
}

static int read_log_format(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const char *const words[] = {"json", "text", NULL};
    size_t index;
    return plimsoll_at_word(at, words, &index, err) < 0 ? -1 : plimsoll_at_string(at, out, err);
}

static int read_log_level(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const char *const words[] = {"debug", "info", "warn", "error", NULL};
    size_t index;
    return plimsoll_at_word(at, words, &index, err) < 0 ? -1 : plimsoll_at_string(at, out, err);
}

bool plimsoll_settings_percent(const char *text, uint32_t *percent_milli)
{
    size_t size = strlen(text);
    if (size < 2 || text[size - 1] != '%') {
        return false;
    }
    struct plimsoll_span rest = {.data = text, .size = size - 1}, whole, part = {0};
    plimsoll_span_cut(&rest, '.', &whole);
    unsigned long long units, thousandths = 0;
    bool fraction = rest.data != NULL;
    if (!plimsoll_span_decimal(whole, &units) || units > 100) {
        return false;
    }
    part = rest;
    if (fraction && (part.size > 3 || !plimsoll_span_decimal(part, &thousandths))) {
        return false;
    }
    for (size_t digits = part.size; fraction && digits < 3; digits++) {
        thousandths *= 10;
    }
    unsigned long long milli = units * 1000 + thousandths;
    if (milli == 0 || milli > 100000) {
        return false;
    }
    *percent_milli = (uint32_t)milli;
    return true;
}

static int read_reserve(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    struct plimsoll_placement_settings *settings = out;
    const char *text;
    uint64_t bytes = 0;
    uint32_t percent_milli = 0;
    struct plimsoll_error why;
    if (plimsoll_at_scalar(at, &text, err) < 0) {
        return -1;
    }
    if (strchr(text, '%') != NULL) {
        if (!plimsoll_settings_percent(text, &percent_milli) || percent_milli == 100000) {
            return plimsoll_at_fail(
                at, err,
                "\"%.64s\" must be above 0%% and below 100%%, at most three decimals, like 5%%",
                text);
        }
    } else if (plimsoll_quantity_parse(plimsoll_span_of(text), &bytes, &why) < 0) {
        return plimsoll_at_fail(at, err, "%s; write bytes like 512Mi, or a percentage like 5%%",
                                why.message);
    }
    settings->reserve_bytes = bytes;
    settings->reserve_percent_milli = percent_milli;
    return 0;
}

static int read_default_request(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    struct plimsoll_placement_settings *settings = out;
    const char *text;
    uint64_t bytes = 0;
    struct plimsoll_error why;
    if (plimsoll_at_scalar(at, &text, err) < 0) {
        return -1;
    }
    if (strcmp(text, "share") == 0) {
        settings->default_request = PLIMSOLL_DEFAULT_SHARE;
    } else if (strcmp(text, "whole") == 0) {
        settings->default_request = PLIMSOLL_DEFAULT_WHOLE;
    } else if (plimsoll_quantity_parse(plimsoll_span_of(text), &bytes, &why) < 0) {
        return plimsoll_at_fail(at, err, "%s; write share, whole or a quantity like 4Gi",
                                why.message);
    } else if (bytes < PLIMSOLL_VRAM_MIN) {
        return plimsoll_at_fail(at, err, "\"%s\" is below 1Mi; did you mean %sGi?", text, text);
    } else {
        settings->default_request = PLIMSOLL_DEFAULT_BYTES;
    }
    settings->default_bytes = bytes;
    return 0;
}

static int read_policy(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const char *const words[] = {"pack", "spread", NULL};
    struct plimsoll_placement_settings *settings = out;
    size_t index;
    if (plimsoll_at_word(at, words, &index, err) < 0) {
        return -1;
    }
    settings->policy = index == 0 ? PLIMSOLL_POLICY_PACK : PLIMSOLL_POLICY_SPREAD;
    return 0;
}

/* `1h30m`, `90s`: whole numbers, each with its unit. */
static bool parse_duration(const char *text, int64_t *ms)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'h', 3600000}, {'m', 60000}, {'s', 1000}};
    int64_t sum = 0;
    if (*text == '\0') {
        return false;
    }
    while (*text != '\0') {
        size_t digits = strspn(text, "0123456789"), unit = 0;
        unsigned long long number;
        while (unit < 3 && units[unit].unit != text[digits]) {
            unit++;
        }
        if (digits > 9 || unit == 3 ||
            !plimsoll_span_decimal((struct plimsoll_span){.data = text, .size = digits}, &number)) {
            return false;
        }
        sum += (int64_t)number * units[unit].ms;
        text += digits + 1;
    }
    *ms = sum;
    return true;
}

static int read_max_report_age(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    enum { MIN_MS = 1000, MAX_MS = 7 * 24 * 3600 * 1000 };
    const char *text;
    int64_t ms;
    if (plimsoll_at_scalar(at, &text, err) < 0) {
        return -1;
    }
    if (strlen(text) > 32 || !parse_duration(text, &ms) || ms < MIN_MS || ms > MAX_MS) {
        return plimsoll_at_fail(at, err, "\"%.32s\" must be a duration from 1s to 168h, like 10m",
                                text);
    }
    *(int64_t *)out = ms;
    return 0;
}

int plimsoll_settings_scheduler(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    const char *text;
    if (plimsoll_at_text(at, &text, err) < 0) {
        return -1;
    }
    if (*text != '\0' && plimsoll_names_subdomain(text) != NULL) {
        return plimsoll_at_fail(at, err, "\"%.64s\" %s", text, plimsoll_names_subdomain(text));
    }
    return plimsoll_at_string(at, out, err);
}

static int read_resource_list(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    if (plimsoll_at_sequence(at, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < at->node->count; i++) {
        struct plimsoll_at child = plimsoll_at_child(at, i);
        const char *text;
        if (plimsoll_at_text(&child, &text, err) < 0) {
            return -1;
        }
        if (plimsoll_names_resource(text) != NULL) {
            return plimsoll_at_fail(&child, err, "\"%.64s\" %s", text,
                                    plimsoll_names_resource(text));
        }
    }
    return plimsoll_at_strings(at, out, err);
}

static int read_resources(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    struct plimsoll_field fields[PLIMSOLL_FAMILIES];
    for (size_t family = 0; family < PLIMSOLL_FAMILIES; family++) {
        fields[family] =
            (struct plimsoll_field){plimsoll_family_name((enum plimsoll_family)family),
                                    family * sizeof(struct plimsoll_strings), read_resource_list};
    }
    return plimsoll_at_fields(at, fields, PLIMSOLL_FAMILIES, out, err);
}

int plimsoll_settings_read(const struct plimsoll_at *root, struct plimsoll_loading *loading,
                           struct plimsoll_error *err)
{
#define CONFIG(member)  offsetof(struct plimsoll_loading, config.member)
#define LOADING(member) offsetof(struct plimsoll_loading, member)
    static const struct plimsoll_field fields[] = {
        {"listen", CONFIG(listen), read_address},
        {"tls-cert", CONFIG(tls_cert), read_file_name},
        {"tls-key", CONFIG(tls_key), read_file_name},
        {"client-ca", CONFIG(client_ca), read_file_name},
        {"tls-secret", CONFIG(tls_secret), read_object_name},
        {"webhook", CONFIG(webhook), read_object_name},
        {"service", CONFIG(service), read_object_name},
        {"ca-configmap", CONFIG(ca_configmap), read_object_name},
        {"tls-dns", CONFIG(tls_dns), plimsoll_at_strings},
        {"extender-listen", CONFIG(extender_listen), read_address},
        {"metrics-listen", CONFIG(metrics_listen), read_address},
        {"cluster-state", CONFIG(cluster_state), read_file_name},
        {"kubeconfig", CONFIG(kubeconfig), read_file_name},
        {"log-format", CONFIG(log_format), read_log_format},
        {"log-level", CONFIG(log_level), read_log_level},
        {"reserve", CONFIG(placement), read_reserve},
        {"defaultRequest", CONFIG(placement), read_default_request},
        {"policy", CONFIG(placement), read_policy},
        {"maxReportAge", CONFIG(max_report_age_ms), read_max_report_age},
        {"markerLimit", CONFIG(marker_limit), plimsoll_at_boolean},
        {"nodeCapacity", CONFIG(node_capacity), plimsoll_at_boolean},
        {"schedulerName", LOADING(scheduler_name), plimsoll_settings_scheduler},
        {"resources", LOADING(resources), read_resources},
        {"profiles", 0, plimsoll_at_ignore},
    };
#undef CONFIG
#undef LOADING
    return plimsoll_at_fields(root, fields, sizeof fields / sizeof *fields, loading, err);
}
