/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/log.h>

#include <plimsoll/clock.h>
#include <plimsoll/text.h>

/* One line holds one event; a longer one is cut by leaving out what does not fit. */
#define LINE_BYTES_MAX 8192

static enum plimsoll_log_level least_level = PLIMSOLL_LOG_INFO;
static bool as_json = true;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void plimsoll_log_setup(enum plimsoll_log_level least, bool json)
{
    least_level = least;
    as_json = json;
}

static void add_value_json(struct plimsoll_text *line, const struct plimsoll_log_field *field)
{
    if (field->text.data != NULL) {
        plimsoll_text_add_json(line, field->text);
    } else {
        plimsoll_text_add_format(line, "%lld", (long long)field->number);
    }
}

static bool is_bare(struct plimsoll_span value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7F) {
            return false;
        }
    }
    return value.size > 0;
}

static void add_value_text(struct plimsoll_text *line, const struct plimsoll_log_field *field)
{
    if (field->text.data != NULL && is_bare(field->text)) {
        plimsoll_text_add_span(line, field->text);
    } else {
        add_value_json(line, field);
    }
}

static void add_fields(struct plimsoll_text *line, const struct plimsoll_log_field *fields,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (as_json) {
            plimsoll_text_add_string(line, ",");
            plimsoll_text_add_json(line, plimsoll_span_of(fields[i].key));
            plimsoll_text_add_string(line, ":");
            add_value_json(line, &fields[i]);
        } else {
            plimsoll_text_add_string(line, " ");
            plimsoll_text_add_string(line, fields[i].key);
            plimsoll_text_add_string(line, "=");
            add_value_text(line, &fields[i]);
        }
    }
}

static void write_line(struct plimsoll_text *line, enum plimsoll_log_level level,
                       const char *message, const struct plimsoll_log_field *fields,
                       size_t field_count)
{
    char when[PLIMSOLL_TIME_SIZE];
    plimsoll_time_format_micro(plimsoll_clock_unix_ms(), when);
    if (as_json) {
        plimsoll_text_add_format(line, "{\"ts\":\"%s\",\"level\":\"%s\",\"msg\":", when,
                                 level_names[level]);
        plimsoll_text_add_json(line, plimsoll_span_of(message));
    } else {
        plimsoll_text_add_format(line, "%s %-5s %s", when, level_names[level], message);
    }
    add_fields(line, fields, field_count);
    plimsoll_text_add_string(line, as_json ? "}\n" : "\n");
}

void plimsoll_log_fields(enum plimsoll_log_level level, const char *message,
                         const struct plimsoll_log_field *fields, size_t field_count)
{
    if (level < least_level) {
        return;
    }
    plimsoll_autotext line = plimsoll_text_make(LINE_BYTES_MAX);
    write_line(&line, level, message, fields, field_count);
    if (line.overflowed) {
        plimsoll_text_reset(&line);
        write_line(&line, level, message, &PLIMSOLL_STR("fields", "too long to log"), 1);
    }
    /* One write per line: lines of several threads do not mix. */
    (void)!write(STDERR_FILENO, line.data, line.size);
}
