/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/health.h>

#define HEALTH_BYTES_MAX (64u * 1024)

static void *begin(void *context, struct plimsoll_http_exchange *exchange,
                   struct plimsoll_error *err)
{
    (void)exchange, (void)err;
    return context;
}

static int body(void *state, struct plimsoll_span bytes, struct plimsoll_error *err)
{
    (void)state, (void)bytes, (void)err;
    return 0;
}

/* @return whether it passed; its line is appended. */
static bool run(const struct plimsoll_health_check *check, struct plimsoll_text *lines)
{
    struct plimsoll_error err = {.kind = PLIMSOLL_ERR_NONE};
    if (check->check(check->context, &err) == 0) {
        plimsoll_text_add_format(lines, "[+]%s ok\n", check->name);
        return true;
    }
    plimsoll_text_add_format(lines, "[-]%s failed: %s\n", check->name, err.message);
    return false;
}

static int finish(void *state, struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)err;
    const struct plimsoll_health *health = state;
    plimsoll_autotext text = plimsoll_text_make(HEALTH_BYTES_MAX);
    bool passed = true;
    for (size_t i = 0; i < health->check_count; i++) {
        passed = run(&health->checks[i], &text) && passed;
    }
    if (passed && plimsoll_http_query(exchange, "verbose") == NULL) {
        plimsoll_text_reset(&text);
        plimsoll_text_add_string(&text, "ok\n");
    } else {
        plimsoll_text_add_format(&text, "%s check %s\n", health->name,
                                 passed ? "passed" : "failed");
    }
    plimsoll_http_answer(exchange, passed ? 200 : 503, "text/plain; charset=utf-8", &text);
    return 0;
}

static void end(void *state)
{
    (void)state;
}

const struct plimsoll_http_handler plimsoll_health_handler = {
    .begin = begin, .body = body, .finish = finish, .end = end};
