/* SPDX-License-Identifier: Apache-2.0 */
#include "fdinfo.h"

static bool next(struct plimsoll_span *rest, struct plimsoll_span *key, struct plimsoll_span *value)
{
    struct plimsoll_span line;
    while (plimsoll_span_cut(rest, '\n', &line)) {
        if (plimsoll_span_starts(line, "drm-") && plimsoll_span_cut(&line, ':', key) &&
            line.data != NULL) {
            *value = plimsoll_span_trim(line);
            return true;
        }
    }
    return false;
}

bool plimsoll_fdinfo_read(struct plimsoll_span text, struct plimsoll_fdinfo *out)
{
    struct plimsoll_fdinfo read = {0};
    struct plimsoll_span key, value;
    while (next(&text, &key, &value)) {
        unsigned long long number;
        if (plimsoll_span_is(key, "drm-pdev") && value.size < sizeof read.pci) {
            memcpy(read.pci, value.data, value.size);
            read.pci[value.size] = '\0';
        } else if (plimsoll_span_is(key, "drm-client-id") &&
                   plimsoll_span_decimal(value, &number)) {
            read.client = number;
            read.client_known = true;
        }
    }
    if (read.pci[0] == '\0') {
        return false;
    }
    *out = read;
    return true;
}

static bool is_region(struct plimsoll_span name, const char *const *regions)
{
    while (name.size > 0 && name.data[name.size - 1] >= '0' && name.data[name.size - 1] <= '9') {
        name.size--;
    }
    while (*regions != NULL && !plimsoll_span_is(name, *regions)) {
        regions++;
    }
    return *regions != NULL;
}

/* `524288 KiB`; without a unit bytes. */
static bool take_amount(struct plimsoll_span value, uint64_t *bytes)
{
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {{"", 0}, {"B", 0}, {"KiB", 10}, {"kB", 10}, {"MiB", 20}, {"GiB", 30}};
    struct plimsoll_span number;
    unsigned long long amount;
    (void)plimsoll_span_cut(&value, ' ', &number);
    if (!plimsoll_span_decimal(number, &amount)) {
        return false;
    }
    value = plimsoll_span_trim(value);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (plimsoll_span_is(value, units[i].name)) {
            *bytes = amount << units[i].shift;
            return *bytes >> units[i].shift == amount && *bytes <= INT64_MAX;
        }
    }
    return false;
}

bool plimsoll_fdinfo_bytes(struct plimsoll_span text, const char *const *regions, uint64_t *bytes)
{
    static const char *const kinds[] = {"drm-resident-", "drm-memory-", "drm-total-"};
    uint64_t sums[3] = {0};
    bool seen[3] = {false};
    struct plimsoll_span key, value;
    while (next(&text, &key, &value)) {
        for (size_t i = 0; i < 3; i++) {
            size_t size = strlen(kinds[i]);
            uint64_t amount;
            if (plimsoll_span_starts(key, kinds[i]) &&
                is_region((struct plimsoll_span){key.data + size, key.size - size}, regions) &&
                take_amount(value, &amount)) {
                sums[i] = amount > INT64_MAX - sums[i] ? INT64_MAX : sums[i] + amount;
                seen[i] = true;
            }
        }
    }
    for (size_t i = 0; i < 3; i++) {
        if (seen[i]) {
            *bytes = sums[i];
            return true;
        }
    }
    return false;
}
