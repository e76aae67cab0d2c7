/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/metrics.h>

#include <math.h>
#include <stdarg.h>

void plimsoll_metrics_head(struct plimsoll_text *out, const char *name, const char *type,
                           const char *help)
{
    plimsoll_text_add_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_label_value(struct plimsoll_text *out, const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\n') {
            plimsoll_text_add_string(out, "\\n");
            continue;
        }
        if (*c == '"' || *c == '\\') {
            plimsoll_text_add_char(out, '\\');
        }
        plimsoll_text_add_char(out, *c);
    }
}

static void add_name_and_labels(struct plimsoll_text *out, const char *name, va_list labels)
{
    plimsoll_text_add_string(out, name);
    char separator = '{';
    for (const char *key; (key = va_arg(labels, const char *)) != NULL; separator = ',') {
        const char *value = va_arg(labels, const char *);
        plimsoll_text_add_char(out, separator);
        plimsoll_text_add_string(out, key);
        plimsoll_text_add_string(out, "=\"");
        add_label_value(out, value);
        plimsoll_text_add_char(out, '"');
    }
    plimsoll_text_add_string(out, separator == ',' ? "} " : " ");
}

void plimsoll_metrics_uint(struct plimsoll_text *out, const char *name, uint64_t value, ...)
{
    va_list labels;
    va_start(labels, value);
    add_name_and_labels(out, name, labels);
    va_end(labels);
    plimsoll_text_add_uint(out, value);
    plimsoll_text_add_char(out, '\n');
}

static const char *special(double value)
{
    if (isnan(value)) {
        return "NaN";
    }
    return value > 0 ? "+Inf" : "-Inf";
}

void plimsoll_metrics_double(struct plimsoll_text *out, const char *name, double value, ...)
{
    va_list labels;
    va_start(labels, value);
    add_name_and_labels(out, name, labels);
    va_end(labels);
    if (isfinite(value)) {
        plimsoll_text_add_format(out, "%.15g\n", value);
    } else {
        plimsoll_text_add_format(out, "%s\n", special(value));
    }
}
