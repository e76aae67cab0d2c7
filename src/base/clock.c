/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/clock.h>

#include <stdbool.h>
#include <time.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* CLOCK_MONOTONIC stands still while the machine sleeps, and a Lease runs out meanwhile. */
int64_t plimsoll_clock_monotonic_ms(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

int64_t plimsoll_clock_unix_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

/* `size` digits in [least, most] off the front of `text`. */
static bool take_number(struct plimsoll_span *text, size_t size, int least, int most, int *value)
{
    unsigned long long number;
    if (text->size < size ||
        !plimsoll_span_decimal((struct plimsoll_span){.data = text->data, .size = size}, &number) ||
        (int)number < least || (int)number > most) {
        return false;
    }
    *value = (int)number;
    text->data += size;
    text->size -= size;
    return true;
}

static bool take_char(struct plimsoll_span *text, const char *wanted)
{
    for (; text->size > 0 && *wanted != '\0'; wanted++) {
        if (text->data[0] == *wanted) {
            text->data++;
            text->size--;
            return true;
        }
    }
    return false;
}

/* Milliseconds of `.123456`, cut; a missing fraction is 0. */
static bool take_fraction(struct plimsoll_span *text, int *ms)
{
    *ms = 0;
    if (!take_char(text, ".")) {
        return true;
    }
    int weight = 100;
    size_t digits = 0;
    for (; text->size > 0 && text->data[0] >= '0' && text->data[0] <= '9'; digits++) {
        *ms += (text->data[0] - '0') * weight;
        weight /= 10;
        text->data++;
        text->size--;
    }
    return digits > 0;
}

static bool take_offset(struct plimsoll_span *text, int *seconds)
{
    *seconds = 0;
    if (take_char(text, "Zz")) {
        return true;
    }
    bool west = text->size > 0 && text->data[0] == '-';
    int hours, minutes;
    if (!take_char(text, "+-") || !take_number(text, 2, 0, 23, &hours) || !take_char(text, ":") ||
        !take_number(text, 2, 0, 59, &minutes)) {
        return false;
    }
    *seconds = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* As timegm, without the lock and the tables of time zones that it goes through: every report has
 * its time. Years begin in March here, so that the leap day is the last. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int from_march = (month + 9) % 12;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * from_march + 2) / 5 + day - 719469;
}

int plimsoll_time_parse(struct plimsoll_span text, int64_t *unix_ms, struct plimsoll_error *err)
{
    struct plimsoll_span rest = text;
    int year, month, day, hour, minute, second, ms, offset;
    bool good = take_number(&rest, 4, 1, 9999, &year) && take_char(&rest, "-") &&
                take_number(&rest, 2, 1, 12, &month) && take_char(&rest, "-") &&
                take_number(&rest, 2, 1, days_in_month(year, month), &day) &&
                take_char(&rest, "Tt") && take_number(&rest, 2, 0, 23, &hour) &&
                take_char(&rest, ":") && take_number(&rest, 2, 0, 59, &minute) &&
                take_char(&rest, ":") && take_number(&rest, 2, 0, 60, &second) &&
                take_fraction(&rest, &ms) && take_offset(&rest, &offset) && rest.size == 0;
    if (!good) {
        int shown = text.size > 40 ? 40 : (int)text.size;
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_INVALID,
            "\"%.*s\" is no time; write RFC 3339 such as 2026-11-22T05:10:00Z", shown,
            shown > 0 ? text.data : "");
    }
    int64_t hours = days_since_1970(year, month, day) * 24 + hour;
    *unix_ms = ((hours * 60 + minute) * 60 + second - offset) * 1000 + ms;
    return 0;
}

static struct tm broken_down(int64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms >= 0 ? unix_ms / 1000 : -((-unix_ms + 999) / 1000));
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return tm;
}

const char *plimsoll_time_format(int64_t unix_ms, char out[PLIMSOLL_TIME_SIZE])
{
    struct tm tm = broken_down(unix_ms);
    (void)strftime(out, PLIMSOLL_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

const char *plimsoll_time_format_micro(int64_t unix_ms, char out[PLIMSOLL_TIME_SIZE])
{
    struct tm tm = broken_down(unix_ms);
    size_t size = strftime(out, PLIMSOLL_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t ms = ((unix_ms % 1000) + 1000) % 1000;
    snprintf(out + size, PLIMSOLL_TIME_SIZE - size, ".%03d000Z", (int)ms);
    return out;
}
