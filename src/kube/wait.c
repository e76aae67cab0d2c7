/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/api.h>

#define WAIT_MS_MIN        1000
#define DOUBLINGS_MAX      5
#define WAIT_MS_MAX        30000
#define RETRY_AFTER_MS_MAX 60000

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t plimsoll_api_jitter_ms(int64_t ms, uint32_t random)
{
    int64_t half = ms / 2;
    return half + (ms - half) * (int64_t)random / UINT32_MAX;
}

int64_t plimsoll_api_wait_ms(unsigned failures, int64_t retry_after_ms, uint32_t random)
{
    int64_t doublings = least(failures, DOUBLINGS_MAX);
    int64_t wait =
        plimsoll_api_jitter_ms(least((int64_t)WAIT_MS_MIN << doublings, WAIT_MS_MAX), random);
    if (retry_after_ms <= 0) {
        return wait;
    }
    int64_t asked =
        least(retry_after_ms, RETRY_AFTER_MS_MAX) + plimsoll_api_jitter_ms(WAIT_MS_MIN, random);
    return wait > asked ? wait : asked;
}
