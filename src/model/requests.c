/* SPDX-License-Identifier: Apache-2.0 */
/* Processor and memory that containers request. They only rank nodes: what cannot be read is 0. */
#include "requests.h"

#include <plimsoll/quantity.h>

/* As the API server writes most of them: `4`, `1500m`. @return false when it is another form */
static bool read_plain_milli(struct plimsoll_span text, uint64_t *milli)
{
    size_t digits = 0;
    uint64_t value = 0;
    for (; digits < text.size && digits < 12; digits++) {
        unsigned digit = (unsigned char)text.data[digits] - '0';
        if (digit > 9) {
            break;
        }
        value = value * 10 + digit;
    }
    bool scaled = digits + 1 == text.size && text.data[digits] == 'm';
    *milli = scaled ? value : value * 1000;
    return digits > 0 && (scaled || digits == text.size);
}

uint64_t plimsoll_model_read_milli(struct plimsoll_span text)
{
    uint64_t milli, whole;
    char thousandfold[64];
    struct plimsoll_error unused;
    if (read_plain_milli(text, &milli)) {
        return milli;
    }
    /* 0.5 is 500m: the point moves by an exponent, where there is no suffix yet. */
    int size = snprintf(thousandfold, sizeof thousandfold, "%.*se3", PLIMSOLL_SPAN_ARG(text));
    if (size > 0 && (size_t)size < sizeof thousandfold &&
        plimsoll_quantity_parse(plimsoll_span_of(thousandfold), &milli, &unused) == 0) {
        return milli;
    }
    return plimsoll_quantity_parse(text, &whole, &unused) == 0 && whole < UINT64_MAX / 1000
               ? whole * 1000
               : 0;
}

uint64_t plimsoll_model_read_memory(struct plimsoll_span text)
{
    uint64_t bytes;
    struct plimsoll_error unused;
    return plimsoll_quantity_parse(text, &bytes, &unused) == 0 ? bytes : 0;
}

struct plimsoll_span plimsoll_model_unquote(struct plimsoll_span raw)
{
    return raw.size >= 2 && raw.data[0] == '"'
               ? (struct plimsoll_span){.data = raw.data + 1, .size = raw.size - 2}
               : raw;
}

void plimsoll_model_request_take(struct plimsoll_span key, struct plimsoll_span text,
                                 struct plimsoll_requests *requests)
{
    /* Where there are blanks in the JSON, as kubectl writes it, the value still has its quotes. */
    text = plimsoll_model_unquote(text);
    if (plimsoll_span_is(key, "cpu")) {
        requests->cpu_milli = plimsoll_model_read_milli(text);
    } else if (plimsoll_span_is(key, "memory")) {
        requests->memory = plimsoll_model_read_memory(text);
    }
}

struct plimsoll_requests plimsoll_model_requests_read(struct plimsoll_span list)
{
    struct plimsoll_requests requests = {0};
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(list);
    struct plimsoll_span key, text;
    if (list.size > 0 && plimsoll_json_cursor_object(&cursor)) {
        while (plimsoll_json_cursor_entry(&cursor, &key, &text)) {
            if (text.data == NULL && !plimsoll_json_cursor_skip(&cursor, &text)) {
                break;
            }
            plimsoll_model_request_take(key, text, &requests);
        }
    }
    return requests;
}

void plimsoll_model_requests_add(struct plimsoll_model_requests *sum, bool init, bool sidecar,
                                 const struct plimsoll_requests *requests)
{
    plimsoll_model_effective_add(&sum->cpu, init, sidecar, requests->cpu_milli);
    plimsoll_model_effective_add(&sum->memory, init, sidecar, requests->memory);
}

static uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

struct plimsoll_requests plimsoll_model_requests_total(const struct plimsoll_model_requests *sum,
                                                       const struct plimsoll_requests *overhead)
{
    return (struct plimsoll_requests){
        .cpu_milli = add(plimsoll_model_effective_total(&sum->cpu), overhead->cpu_milli),
        .memory = add(plimsoll_model_effective_total(&sum->memory), overhead->memory),
    };
}
