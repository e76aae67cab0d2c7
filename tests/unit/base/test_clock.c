/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/clock.h>

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t parsed(const char *text)
{
    struct plimsoll_error err = {0};
    int64_t ms = 0;
    if (plimsoll_time_parse(plimsoll_span_of(text), &ms, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return ms;
}

static void rfc_3339_times_are_read(void **state)
{
    (void)state;
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parsed("2026-11-22T05:10:00Z"), 1795324200000);
    assert_int_equal(parsed("2026-11-22T05:10:00.123456Z"), 1795324200123);
    assert_int_equal(parsed("2026-11-22T06:40:00+01:30"), 1795324200000);
    assert_int_equal(parsed("2026-11-21T23:10:00-06:00"), 1795324200000);
    assert_int_equal(parsed("2024-02-29t00:00:00z"), 1709164800000);
}

/* The first and the last day of every month there is. */
static void days_are_those_of_the_library(void **state)
{
    (void)state;
    for (int month = 0; month < 9999 * 12; month++) {
        struct tm first = {.tm_year = month / 12 + 1 - 1900, .tm_mon = month % 12, .tm_mday = 1};
        struct tm last = {.tm_year = first.tm_year,
                          .tm_mon = first.tm_mon + 1,
                          .tm_mday = 0,
                          .tm_hour = 23,
                          .tm_min = 59,
                          .tm_sec = 60};
        char text[64];
        snprintf(text, sizeof text, "%04d-%02d-01T00:00:00Z", month / 12 + 1, month % 12 + 1);
        assert_int_equal(parsed(text), timegm(&first) * 1000);
        int64_t end = timegm(&last);
        struct tm day;
        time_t before = end - 1;
        gmtime_r(&before, &day);
        snprintf(text, sizeof text, "%04d-%02d-%02dT23:59:60Z", month / 12 + 1, month % 12 + 1,
                 day.tm_mday);
        assert_int_equal(parsed(text), end * 1000);
    }
}

static void what_is_no_time_is_refused_with_an_example(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-22",
        "2026-11-22T05:10:00",
        "2026-11-22 05:10:00Z",
        "2026-13-22T05:10:00Z",
        "2026-02-29T05:10:00Z",
        "2026-11-22T24:10:00Z",
        "2026-11-22T05:10:00.Z",
        "2026-11-22T05:10:00Zx",
        "2026-11-22T05:10:00+1:00",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct plimsoll_error err = {0};
        int64_t ms = 77;
        assert_int_equal(plimsoll_time_parse(plimsoll_span_of(bad[i]), &ms, &err), -1);
        assert_non_null(strstr(err.message, "2026-11-22T05:10:00Z"));
        assert_int_equal(ms, 77);
    }
    const struct plimsoll_span nul = {.data = "2026-11-22T05:10\00000Z", .size = 20};
    struct plimsoll_error err = {0};
    int64_t ms;
    assert_int_equal(plimsoll_time_parse(nul, &ms, &err), -1);
}

static void times_are_written_as_kubernetes_reads_them(void **state)
{
    (void)state;
    char out[PLIMSOLL_TIME_SIZE];
    assert_string_equal(plimsoll_time_format(1795324200999, out), "2026-11-22T05:10:00Z");
    assert_string_equal(plimsoll_time_format_micro(1795324200999, out),
                        "2026-11-22T05:10:00.999000Z");
    assert_string_equal(plimsoll_time_format_micro(-1, out), "1969-12-31T23:59:59.999000Z");
}

/* The machine has slept for an hour since it was started. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    now->tv_sec += clock == CLOCK_BOOTTIME ? 3600 : 0;
    return result;
}

static void the_monotonic_clock_goes_on_while_the_machine_sleeps(void **state)
{
    (void)state;
    struct timespec awake;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &awake), 0);
    assert_true(plimsoll_clock_monotonic_ms() - (int64_t)awake.tv_sec * 1000 >= 3600000);
}

static void the_monotonic_clock_does_not_go_back(void **state)
{
    (void)state;
    int64_t before = plimsoll_clock_monotonic_ms();
    assert_true(plimsoll_clock_monotonic_ms() >= before);
    assert_true(plimsoll_clock_unix_ms() > 1795324200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3339_times_are_read),
        cmocka_unit_test(days_are_those_of_the_library),
        cmocka_unit_test(what_is_no_time_is_refused_with_an_example),
        cmocka_unit_test(times_are_written_as_kubernetes_reads_them),
        cmocka_unit_test(the_monotonic_clock_does_not_go_back),
        cmocka_unit_test(the_monotonic_clock_goes_on_while_the_machine_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
