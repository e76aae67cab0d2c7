/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/placement.h>

/* Bounds of the extender's scores: contract of kube-scheduler. */
#define STEP_MAX  10
#define STEPS_MAX (STEP_MAX + 1)

/* Puts `score` among the distinct ones, smallest first. @return false when there is no room. */
static bool note_distinct(double *distinct, size_t *count, double score)
{
    size_t at = 0;
    while (at < *count && distinct[at] < score) {
        at++;
    }
    if (at < *count && distinct[at] <= score) {
        return true;
    }
    if (*count == STEPS_MAX) {
        return false;
    }
    memmove(&distinct[at + 1], &distinct[at], (*count - at) * sizeof *distinct);
    distinct[at] = score;
    (*count)++;
    return true;
}

/* The step of a score in [least, most] that is not the best. */
static int scale(double score, double least, double most)
{
    int step = (int)((score - least) / (most - least) * STEP_MAX);
    return step < 0 ? 0 : step >= STEP_MAX ? STEP_MAX - 1 : step;
}

/* A step of its own for each of the few: scaled, but below the next better and above all worse. */
static void assign_steps(const double *distinct, size_t count, int *steps)
{
    steps[count - 1] = STEP_MAX;
    for (size_t i = count - 1; i-- > 0;) {
        int step = scale(distinct[i], distinct[0], distinct[count - 1]);
        step = step < steps[i + 1] ? step : steps[i + 1] - 1;
        steps[i] = step > (int)i ? step : (int)i;
    }
}

void plimsoll_placement_quantise(const double *scores, size_t count, int *out)
{
    double distinct[STEPS_MAX] = {0};
    int steps[STEPS_MAX] = {0};
    size_t distinct_count = 0;
    bool few = true;
    double least = 0, most = 0;
    for (size_t i = 0; i < count; i++) {
        least = i == 0 || scores[i] < least ? scores[i] : least;
        most = i == 0 || scores[i] > most ? scores[i] : most;
        few = few && note_distinct(distinct, &distinct_count, scores[i]);
    }
    if (few && distinct_count > 0) {
        assign_steps(distinct, distinct_count, steps);
    }
    for (size_t i = 0; i < count; i++) {
        if (!few) {
            out[i] = scores[i] >= most ? STEP_MAX : scale(scores[i], least, most);
            continue;
        }
        size_t at = 0;
        while (at + 1 < distinct_count && distinct[at] < scores[i]) {
            at++;
        }
        out[i] = steps[at];
    }
}
