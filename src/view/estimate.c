/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/answers.h>

#include "columns.h"
#include "document.h"

#define LABEL_COLUMNS 14u
#define SIZE_COLUMNS  11u

static void add_row(struct plimsoll_text *out, const struct plimsoll_view_options *options,
                    const char *label, const char *value)
{
    plimsoll_autotext column = plimsoll_text_make(64);
    plimsoll_text_add_string(out, "  ");
    plimsoll_column_add(&column, options, label, LABEL_COLUMNS - 2);
    plimsoll_column_coloured(out, options, DIM, column.data);
    plimsoll_column_wrap(out, options, value, LABEL_COLUMNS, LABEL_COLUMNS + SIZE_COLUMNS);
}

/* `70.6 billion`, so that people see whether the model is the one they mean. */
static void add_params(uint64_t params, struct plimsoll_text *text)
{
    if (params >= 1000000000) {
        plimsoll_text_add_format(text, "%.1f billion", (double)params / 1e9);
    } else {
        plimsoll_text_add_format(text, "%.0f million", (double)params / 1e6);
    }
}

static void add_parts(const struct plimsoll_estimate *it,
                      const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    plimsoll_autotext text = plimsoll_text_make(512);
    plimsoll_text_add_format(&text, "%8s   ", bytes_of(it->weights).text);
    add_params(it->params, &text);
    plimsoll_text_add_format(&text, " in %s, %.3g bits each%s", it->quant, it->bits_milli / 1000.0,
                             it->quant_assumed ? " (assumed)" : "");
    add_row(out, options, "weights", text.data);
    plimsoll_text_reset(&text);
    if (it->cache_known) {
        const char *by = options->unicode ? "×" : "x";
        plimsoll_text_add_format(&text, "%8s   %llu tokens%s", bytes_of(it->cache).text,
                                 (unsigned long long)it->context,
                                 it->context_assumed ? " (assumed)" : "");
        if (it->parallel > 1) {
            plimsoll_text_add_format(&text, " %s %llu", by, (unsigned long long)it->parallel);
        }
        plimsoll_text_add_format(&text, " in %s, %llu layers %s %llu heads %s %llu", it->kv_type,
                                 (unsigned long long)it->layers, by,
                                 (unsigned long long)it->kv_heads, by,
                                 (unsigned long long)it->head_dim);
    } else {
        plimsoll_text_add_string(&text, "       ?   not known");
    }
    add_row(out, options, "cache", text.data);
    plimsoll_text_reset(&text);
    plimsoll_text_add_format(&text, "%8s   to %s: a CUDA context, and the allocator's slack",
                             bytes_of(it->from - it->weights - it->cache).text,
                             bytes_of(it->to - it->weights - it->cache).text);
    add_row(out, options, "around it", text.data);
}

void plimsoll_view_estimate(const struct plimsoll_estimate *estimate,
                            const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    plimsoll_autotext head = plimsoll_text_make(512);
    plimsoll_text_add_format(&head, "%s: %s%s to %s",
                             estimate->model[0] != '\0' ? estimate->model : "The model",
                             !estimate->seen && !estimate->cache_known ? "at least " : "",
                             bytes_of(estimate->from).text, bytes_of(estimate->to).text);
    plimsoll_column_coloured(out, options, BOLD, head.data);
    plimsoll_text_add_string(out, "\n\n");
    if (!estimate->seen) {
        add_parts(estimate, options, out);
        plimsoll_text_add_char(out, '\n');
    }
    plimsoll_text_reset(&head);
    plimsoll_text_add_format(&head, "plimsoll.dev/vram: %s%s", bytes_of(estimate->ask).text,
                             !estimate->seen && !estimate->cache_known ? " and its cache" : "");
    plimsoll_text_add_string(out, "  ");
    plimsoll_column_coloured(out, options, GREEN, head.data);
    plimsoll_text_add_string(out, "\n\n");
    for (size_t i = 0; i < estimate->unknown_count; i++) {
        plimsoll_text_add_string(out, "- ");
        plimsoll_column_wrap(out, options, estimate->unknowns[i], 2, 2);
    }
    plimsoll_column_wrap(out, options,
                         "- An estimate: measure it with kubectl plimsoll top once it runs.", 0, 2);
}

void plimsoll_view_estimate_json(const struct plimsoll_estimate *estimate,
                                 struct plimsoll_text *out)
{
    json_t *document = plimsoll_document_make("Estimate", 0), *unknowns = json_array();
    bool seen = estimate->seen;
    for (size_t i = 0; i < estimate->unknown_count; i++) {
        json_array_append_new(unknowns, plimsoll_document_string(estimate->unknowns[i]));
    }
    json_object_set_new(document, "model",
                        estimate->model[0] != '\0' ? plimsoll_document_string(estimate->model)
                                                   : json_null());
    json_object_set_new(document, "computed", json_boolean(!seen));
    json_object_set_new(document, "params", plimsoll_document_bytes(estimate->params));
    json_object_set_new(document, "quant",
                        seen ? json_null() : plimsoll_document_string(estimate->quant));
    json_object_set_new(document, "quantAssumed", json_boolean(estimate->quant_assumed));
    json_object_set_new(document, "bitsPerWeight", json_real(estimate->bits_milli / 1000.0));
    json_object_set_new(document, "context", plimsoll_document_bytes(estimate->context));
    json_object_set_new(document, "contextAssumed", json_boolean(estimate->context_assumed));
    json_object_set_new(document, "parallel", plimsoll_document_bytes(estimate->parallel));
    json_object_set_new(document, "weights",
                        seen ? json_null() : plimsoll_document_bytes(estimate->weights));
    json_object_set_new(document, "cache",
                        estimate->cache_known ? plimsoll_document_bytes(estimate->cache)
                                              : json_null());
    json_object_set_new(document, "from", plimsoll_document_bytes(estimate->from));
    json_object_set_new(document, "to", plimsoll_document_bytes(estimate->to));
    json_object_set_new(document, "ask", plimsoll_document_bytes(estimate->ask));
    json_object_set_new(document, "unknowns", unknowns);
    plimsoll_document_end(document, out);
}
