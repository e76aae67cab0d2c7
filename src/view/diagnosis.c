/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/diagnosis.h>

#include "columns.h"
#include "document.h"

#define CHECK_COLUMNS 16u
/* The mark and a blank. */
#define MARK_COLUMNS 2u

static const struct {
    const char *unicode, *ascii, *colour, *text;
} states[] = {
    [PLIMSOLL_FINDING_OK] = {"✓", "+", GREEN, "ok"},
    [PLIMSOLL_FINDING_WARNING] = {"!", "!", YELLOW, "warning"},
    [PLIMSOLL_FINDING_PROBLEM] = {"✗", "x", RED, "problem"},
};

static void add_finding(const struct plimsoll_finding *finding,
                        const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    const unsigned indent = MARK_COLUMNS + CHECK_COLUMNS;
    plimsoll_column_coloured(out, options, states[finding->state].colour,
                             options->unicode ? states[finding->state].unicode
                                              : states[finding->state].ascii);
    plimsoll_text_add_char(out, ' ');
    plimsoll_column_add(out, options, finding->check, CHECK_COLUMNS);
    plimsoll_column_wrap(out, options, finding->says, indent, indent);
    if (finding->todo != NULL) {
        plimsoll_text_add_format(out, "%*s", (int)indent, "");
        plimsoll_column_wrap(out, options, finding->todo, indent, indent);
    }
}

void plimsoll_view_diagnosis(const struct plimsoll_finding *findings, size_t count,
                             const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    size_t counts[PLIMSOLL_FINDING_PROBLEM + 1] = {0};
    for (size_t i = 0; i < count; i++) {
        add_finding(&findings[i], options, out);
        counts[findings[i].state]++;
    }
    size_t problems = counts[PLIMSOLL_FINDING_PROBLEM], warnings = counts[PLIMSOLL_FINDING_WARNING];
    if (problems + warnings == 0) {
        plimsoll_text_add_string(out, "\nAll is well.\n");
    } else {
        plimsoll_text_add_format(out, "\n%zu problem%s, %zu warning%s.\n", problems,
                                 problems == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
    }
}

void plimsoll_view_diagnosis_json(const struct plimsoll_finding *findings, size_t count,
                                  int64_t now_unix_ms, struct plimsoll_text *out)
{
    json_t *document = plimsoll_document_make("Diagnosis", now_unix_ms), *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *it = json_object();
        json_object_set_new(it, "check", json_string(findings[i].check));
        json_object_set_new(it, "state", json_string(states[findings[i].state].text));
        json_object_set_new(it, "says", plimsoll_document_string(findings[i].says));
        json_object_set_new(it, "todo",
                            findings[i].todo != NULL ? json_string(findings[i].todo) : json_null());
        json_array_append_new(list, it);
    }
    json_object_set_new(document, "findings", list);
    plimsoll_document_end(document, out);
}
