/* SPDX-License-Identifier: Apache-2.0 */
#include "explanation.h"

#include <plimsoll/outlook.h>

#include "columns.h"
#include "on_card.h"

#define LABEL_COLUMNS 14u
/* Of a group that has more, the closest. */
#define GROUP_NODES_MAX 5u
#define EVENTS_MAX      5u
/* A node's line behind its name: what it has and what it lacks. */
#define SIZES_COLUMNS 22u
#define TEXT_BYTES    4096u

struct page {
    const struct plimsoll_view_explanation *it;
    const struct plimsoll_view_options *options;
    struct plimsoll_text *out;
};

static void add_heading(const struct page *page, const char *heading)
{
    plimsoll_text_add_char(page->out, '\n');
    plimsoll_column_coloured(page->out, page->options, BOLD, heading);
    plimsoll_text_add_char(page->out, '\n');
}

/* `  label         value`, the value as wide as there is room. */
static void add_row(const struct page *page, const char *label, const char *value)
{
    plimsoll_autotext column = plimsoll_text_make(64);
    plimsoll_text_add_string(page->out, "  ");
    plimsoll_column_add(&column, page->options, label, LABEL_COLUMNS - 2);
    plimsoll_column_coloured(page->out, page->options, DIM, column.data);
    plimsoll_column_wrap(page->out, page->options, value, LABEL_COLUMNS, LABEL_COLUMNS);
}

/* That there is room is good news of a pod that nobody has made yet, not of one that waits. */
static const char *colour_of(const struct plimsoll_view_explanation *it)
{
    switch (it->standing) {
    case PLIMSOLL_STANDING_NO_GPU:
    case PLIMSOLL_STANDING_FINISHED:
        return "";
    case PLIMSOLL_STANDING_BOUND:
        return GREEN;
    case PLIMSOLL_STANDING_REFUSED:
        return RED;
    case PLIMSOLL_STANDING_FITS:
        return it->question.scheduling == NULL ? GREEN : YELLOW;
    case PLIMSOLL_STANDING_GATED:
    case PLIMSOLL_STANDING_ELSEWHERE:
    case PLIMSOLL_STANDING_UNSEEN:
    case PLIMSOLL_STANDING_WAITS:
        break;
    }
    return YELLOW;
}

static void add_answer(const struct page *page)
{
    const struct plimsoll_pod *pod = page->it->question.pod;
    plimsoll_autotext name = plimsoll_text_make(2 * PLIMSOLL_NAME_BYTES_MAX + 3);
    plimsoll_autotext answer = plimsoll_text_make(TEXT_BYTES);
    if (page->it->question.scheduling != NULL) {
        plimsoll_text_add_format(&name, "%s/%s ", pod->namespace_, pod->name);
    } else {
        plimsoll_text_add_format(&name, "%s ", pod->name[0] != '\0' ? pod->name : "Such a pod");
    }
    plimsoll_explanation_headline(page->it, &answer);
    plimsoll_column_coloured(page->out, page->options, BOLD, name.data);
    if (page->options->colour) {
        plimsoll_text_add_string(page->out, colour_of(page->it));
    }
    plimsoll_column_wrap(page->out, page->options, answer.data, (unsigned)name.size, 2);
    if (page->options->colour) {
        plimsoll_text_add_string(page->out, "\033[0m");
    }
}

/* -- the facts -----------------------------------------------------------------------------------
 */

static void add_request(const struct page *page)
{
    const struct plimsoll_pod *pod = page->it->question.pod;
    plimsoll_autotext text = plimsoll_text_make(TEXT_BYTES);
    if (pod->refusal == NULL) {
        plimsoll_explanation_request(&page->it->question, &text);
        add_row(page, "asks for", text.data);
    }
    if (pod->claim_ignored != NULL) {
        plimsoll_text_reset(&text);
        plimsoll_text_add_format(&text, "its claim does not count: %s", pod->claim_ignored);
        add_row(page, "claim", text.data);
    }
    if (pod->node[0] == '\0' && pod->nominated[0] != '\0') {
        plimsoll_text_reset(&text);
        plimsoll_text_add_format(&text, "on %s room is being made for it", pod->nominated);
        add_row(page, "nominated", text.data);
    }
}

static void add_schedulers(const struct plimsoll_view_question *question,
                           struct plimsoll_text *text)
{
    for (size_t i = 0; i < question->scheduler_count; i++) {
        plimsoll_text_add_format(text, "%s%s", i > 0 ? ", " : "", question->schedulers[i]);
    }
}

static void add_scheduler(const struct page *page)
{
    const struct plimsoll_view_question *question = &page->it->question;
    const struct plimsoll_view_scheduling *scheduling = question->scheduling;
    int64_t now = question->cluster->now_unix_ms;
    plimsoll_autotext text = plimsoll_text_make(TEXT_BYTES);
    plimsoll_text_add_string(&text, scheduling->scheduler);
    if (page->it->standing == PLIMSOLL_STANDING_ELSEWHERE) {
        plimsoll_text_add_string(&text, "; Plimsoll is asked by ");
        add_schedulers(question, &text);
        plimsoll_text_add_string(&text, ". The webhook did not change this pod: it was made before "
                                        "Plimsoll came, in a namespace that is left out, or with a "
                                        "scheduler of its own");
    } else if (!scheduling->tried && question->pod->node[0] == '\0') {
        plimsoll_text_add_string(&text, ", has not looked at it");
        if (scheduling->created_unix_ms > 0) {
            plimsoll_text_add_format(&text, " in %s",
                                     plimsoll_age_of(now - scheduling->created_unix_ms).text);
        }
    } else if (scheduling->tried && !scheduling->scheduled) {
        plimsoll_text_add_string(&text, ", refused it");
        if (scheduling->since_unix_ms > 0) {
            plimsoll_text_add_format(&text, " for %s",
                                     plimsoll_age_of(now - scheduling->since_unix_ms).text);
        }
    }
    add_row(page, "scheduler", text.data);
    if (scheduling->tried && !scheduling->scheduled && scheduling->message[0] != '\0') {
        add_row(page, "it says", scheduling->message);
    }
    if (page->it->standing == PLIMSOLL_STANDING_FITS) {
        plimsoll_text_reset(&text);
        plimsoll_text_add_format(
            &text,
            "it fits on %s as far as VRAM is concerned: either its next try is due, or %s by what "
            "the scheduler itself looks at: taints, selectors, affinity, CPU, memory.",
            plimsoll_explanation_best(page->it)->seen->view.node->name,
            page->it->fitting == 1 ? "that node is ruled out"
                                   : "that node and the others with room are ruled out");
        add_row(page, "so", text.data);
    }
}

/* The candidates that fit come first, the best by policy first. */
static void add_rank(const struct plimsoll_view_explanation *it, struct plimsoll_text *text)
{
    const struct plimsoll_demand *demand = &it->question.pod->demand;
    enum plimsoll_policy policy =
        demand->policy != PLIMSOLL_POLICY_UNSET ? demand->policy : it->question.settings->policy;
    size_t rank = (size_t)(it->home - it->candidates) + 1;
    if (it->home->verdict.reason != PLIMSOLL_FITS) {
        plimsoll_text_add_string(text, "its node would not take it now: ");
        plimsoll_reason_write(it->home->verdict.reason, demand, text);
    } else if (it->fitting == 1) {
        plimsoll_text_add_string(text, "no other node would take it now");
    } else {
        plimsoll_text_add_format(text, "number %zu of the %zu nodes that take it now, by policy %s",
                                 rank, it->fitting,
                                 policy == PLIMSOLL_POLICY_SPREAD ? "spread" : "pack");
    }
}

static uint64_t gib(double count)
{
    return count > 0 ? (uint64_t)(count * (double)(UINT64_C(1) << 30)) : 0;
}

/* What the policy looks at, once there is a history: as if the pod were to be placed now. */
static void add_prospect(const struct plimsoll_view_explanation *it, struct plimsoll_text *text)
{
    const struct plimsoll_pod *pod = it->question.pod;
    const struct plimsoll_node_view *view = &it->home->seen->view;
    plimsoll_autofree struct plimsoll_node_load *load =
        plimsoll_placement_load(view, it->question.settings, &pod->uid, pod->priority);
    struct plimsoll_prospect prospect =
        plimsoll_placement_foretell(view->node, load, &pod->demand, it->question.settings);
    if (prospect.foretold) {
        plimsoll_text_add_format(text,
                                 "; of what is likely to come %s fits there beside it, %s without "
                                 "it",
                                 bytes_of(gib(prospect.filled_after)).text,
                                 bytes_of(gib(prospect.filled)).text);
    }
}

static void add_use(const struct page *page)
{
    const struct candidate *home = page->it->home;
    const struct plimsoll_pod *pod = page->it->question.pod;
    plimsoll_autotext text = plimsoll_text_make(TEXT_BYTES);
    struct plimsoll_over_claim over;
    uint64_t used = 0;
    bool measured = false;
    if (home == NULL) {
        return;
    }
    const struct plimsoll_node *node = home->seen->view.node;
    for (uint32_t i = 0; i < node->card_count; i++) {
        used += measured_on(&node->cards[i], &pod->uid);
        measured |= node->cards[i].attributed;
    }
    if (measured) {
        plimsoll_text_add_format(&text, "%s%s", bytes_of(used).text,
                                 home->seen->view.stale ? ", as of a report that is stale" : "");
        add_row(page, "in use", text.data);
    }
    if (plimsoll_placement_over_claim(node, pod, &over)) {
        plimsoll_text_reset(&text);
        plimsoll_view_over_claim(node, &over, &text);
        add_row(page, "over", text.data);
    }
    plimsoll_text_reset(&text);
    add_rank(page->it, &text);
    add_prospect(page->it, &text);
    add_row(page, "why here", text.data);
    plimsoll_text_reset(&text);
    plimsoll_text_add_format(&text, "%s for pods that ask the device plugin",
                             plimsoll_guarantee_text(plimsoll_placement_guarantee(node)));
    add_row(page, "guarantee", text.data);
    if (!plimsoll_pod_claimed(pod) && pod->claim_ignored == NULL) {
        add_row(page, "claim",
                "none: another scheduler bound it, or it was there before Plimsoll. It is "
                "accounted with what it asks for, or the default.");
    }
}

/* -- the nodes -----------------------------------------------------------------------------------
 */

static void add_sizes(const struct page *page, const struct candidate *candidate)
{
    const struct plimsoll_verdict *verdict = &candidate->verdict;
    if (verdict->missing > 0) {
        uint64_t has = verdict->want > verdict->missing ? verdict->want - verdict->missing : 0;
        plimsoll_text_add_format(page->out, "  %8s  %8s", bytes_of(has).text,
                                 bytes_of(verdict->missing).text);
    } else if (candidate->no_device) {
        plimsoll_text_add_format(page->out, "  no %s left",
                                 page->it->question.pod->demand.resource);
    } else if (candidate->ruled_out) {
        plimsoll_text_add_string(page->out, "  ruled out by other filters");
    } else if (verdict->reason == PLIMSOLL_FITS) {
        if (page->it->question.like != NULL) {
            plimsoll_text_add_format(page->out, "  %8zu %s", candidate->like,
                                     candidate->like == 1 ? "pod " : "pods");
        }
        plimsoll_text_add_format(page->out, "  %s%s", plimsoll_guarantee_text(verdict->guarantee),
                                 candidate->here ? ", here" : "");
    }
}

static void add_candidate(const struct page *page, const struct candidate *candidate,
                          unsigned columns)
{
    const struct plimsoll_node *node = candidate->seen->view.node;
    plimsoll_text_add_string(page->out, "    ");
    plimsoll_column_add(page->out, page->options, node->name, columns);
    add_sizes(page, candidate);
    if (candidate->here && candidate->verdict.reason != PLIMSOLL_FITS) {
        plimsoll_text_add_string(page->out, "  here");
    }
    if (candidate->seen->view.stale) {
        plimsoll_column_coloured(page->out, page->options, YELLOW, "  stale");
    }
    plimsoll_text_add_char(page->out, '\n');
    if (node->unusable != NULL) {
        plimsoll_text_add_string(page->out, "      ");
        plimsoll_column_wrap(page->out, page->options, node->unusable, 6, 6);
    }
}

/* Nothing is to be said of the nodes but their names. */
static bool is_plain(const struct page *page, const struct group *group)
{
    return page->it->candidates[group->first].verdict.missing == 0 &&
           group->reason != PLIMSOLL_FITS && group->reason != PLIMSOLL_UNUSABLE;
}

static void add_names(const struct page *page, const struct group *group, size_t shown)
{
    plimsoll_autotext names = plimsoll_text_make(page->out->size_max);
    for (size_t i = 0; i < shown; i++) {
        const struct candidate *candidate = &page->it->candidates[group->first + i];
        plimsoll_text_add_format(&names, "%s%s", i > 0 ? ", " : "",
                                 candidate->seen->view.node->name);
    }
    if (group->count > shown) {
        plimsoll_text_add_format(&names, " and %zu more", group->count - shown);
    }
    plimsoll_text_add_string(page->out, "    ");
    plimsoll_column_wrap(page->out, page->options, names.data, 4, 4);
}

/* A scheduler is still to place it, and looks at more than room: what it refuses is not promised.
 */
static bool is_pending(const struct plimsoll_view_explanation *it)
{
    return it->question.scheduling != NULL && it->question.pod->node[0] == '\0';
}

static void add_group(const struct page *page, const struct group *group)
{
    unsigned columns = page->options->width / 2 - 4;
    size_t shown =
        page->options->wide || group->count <= GROUP_NODES_MAX + 1 ? group->count : GROUP_NODES_MAX;
    plimsoll_autotext reason = plimsoll_text_make(TEXT_BYTES),
                      line = plimsoll_text_make(TEXT_BYTES);
    if (group->reason == PLIMSOLL_FITS) {
        plimsoll_text_add_format(&reason, "%s, the best by policy first",
                                 is_pending(page->it) ? "has the room, if no other filter refuses"
                                                      : "would take it");
    } else {
        plimsoll_reason_write(group->reason, &page->it->question.pod->demand, &reason);
    }
    if (group->reason == PLIMSOLL_FITS && page->it->fitting == 0) {
        plimsoll_text_reset(&reason);
        plimsoll_text_add_string(&reason, "has the VRAM, but does not take it");
    }
    plimsoll_text_add_format(&line, "  %s: %zu", reason.data, group->count);
    plimsoll_column_coloured(page->out, page->options,
                             group->reason == PLIMSOLL_FITS ? GREEN : YELLOW, line.data);
    plimsoll_text_add_char(page->out, '\n');
    if (is_plain(page, group)) {
        add_names(page, group, shown);
        return;
    }
    for (size_t i = 0; i < shown; i++) {
        add_candidate(page, &page->it->candidates[group->first + i], columns);
    }
    if (group->count > shown) {
        plimsoll_text_add_format(page->out, "    and %zu more%s\n", group->count - shown,
                                 page->it->candidates[group->first].verdict.missing > 0
                                     ? " that lack as much or more"
                                     : "");
    }
}

static void add_nodes(const struct page *page)
{
    plimsoll_autotext heading = plimsoll_text_make(256);
    unsigned columns = page->options->width / 2;
    bool sizes = page->it->closest != NULL && page->it->closest->verdict.missing > 0;
    if (page->it->candidate_count == 0) {
        return;
    }
    plimsoll_text_add_format(&heading, "NODES (%zu)", page->it->candidate_count);
    if (sizes) {
        plimsoll_text_add_format(&heading, "%*s       HAS     LACKS", (int)(columns - heading.size),
                                 "");
    }
    add_heading(page, heading.data);
    for (size_t i = 0; i < page->it->group_count; i++) {
        add_group(page, &page->it->groups[i]);
    }
}

static void add_closest(const struct page *page)
{
    const struct candidate *closest = page->it->closest;
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_VIEW_NOTE_BYTES_MAX);
    if (closest == NULL || closest->verdict.missing == 0 || page->it->fitting > 0) {
        return;
    }
    const struct plimsoll_view_refusal refusal = {.pod = page->it->question.pod,
                                                  .asked = page->it->candidate_count,
                                                  .closest = closest->seen,
                                                  .verdict = closest->verdict};
    plimsoll_view_refused(&refusal, &text);
    add_heading(page, "CLOSEST");
    plimsoll_text_add_string(page->out, "  ");
    plimsoll_column_wrap(page->out, page->options, text.data, 2, 2);
}

/* -- what would help -----------------------------------------------------------------------------
 */

static void add_leaving(const struct room *room, struct plimsoll_text *text)
{
    for (size_t i = 0; i < room->leaving.count; i++) {
        const struct plimsoll_pod *pod = room->leaving.added[i];
        plimsoll_text_add_format(text, "%s%s/%s",
                                 i == 0                         ? ""
                                 : i + 1 == room->leaving.count ? " and "
                                                                : ", ",
                                 pod->namespace_, pod->name);
    }
    if (room->leaving.count == 0) {
        plimsoll_text_add_string(text, "once what is terminating there has left");
    } else {
        plimsoll_text_add_string(text, room->leaving.count == 1 ? " leaving" : " leaving together");
    }
}

static void add_help(const struct page *page)
{
    const struct candidate *closest = page->it->closest;
    const struct plimsoll_demand *demand = &page->it->question.pod->demand;
    bool less = closest != NULL && closest->verdict.reason == PLIMSOLL_NO_VRAM &&
                demand->request == PLIMSOLL_REQUEST_BYTES && demand->cards == 1 &&
                closest->verdict.want > closest->verdict.missing;
    plimsoll_autotext text = plimsoll_text_make(64u * 1024);
    if (page->it->fitting > 0 || (page->it->room_count == 0 && !less)) {
        return;
    }
    add_heading(page, "WHAT WOULD MAKE ROOM");
    for (size_t i = 0; i < page->it->room_count; i++) {
        const struct room *room = &page->it->rooms[i];
        plimsoll_text_reset(&text);
        add_leaving(room, &text);
        char label[PLIMSOLL_NAME_BYTES_MAX + 4];
        snprintf(label, sizeof label, "on %s", room->candidate->seen->view.node->name);
        add_row(page, label, text.data);
    }
    if (less) {
        plimsoll_text_reset(&text);
        plimsoll_text_add_format(&text, "asking for %s or less",
                                 bytes_of(closest->verdict.want - closest->verdict.missing).text);
        add_row(page, "or", text.data);
    }
}

static void add_events(const struct page *page)
{
    const struct plimsoll_view_scheduling *scheduling = page->it->question.scheduling;
    int64_t now = page->it->question.cluster->now_unix_ms;
    plimsoll_autotext text = plimsoll_text_make(TEXT_BYTES);
    size_t shown = page->options->wide || scheduling->event_count < EVENTS_MAX
                       ? scheduling->event_count
                       : EVENTS_MAX;
    if (shown == 0) {
        return;
    }
    add_heading(page, "EVENTS");
    for (size_t i = 0; i < shown; i++) {
        const struct plimsoll_view_event *event = &scheduling->events[i];
        char label[32] = "";
        if (event->time_unix_ms > 0) {
            snprintf(label, sizeof label, "%s ago",
                     plimsoll_age_of(now - event->time_unix_ms).text);
        }
        plimsoll_text_reset(&text);
        plimsoll_text_add_format(&text, "%s: %s", event->reason, event->note);
        if (event->count > 1) {
            plimsoll_text_add_format(&text, " (%llu times)", (unsigned long long)event->count);
        }
        add_row(page, label, text.data);
    }
}

void plimsoll_view_explanation_table(const struct plimsoll_view_explanation *explanation,
                                     const struct plimsoll_view_options *options,
                                     struct plimsoll_text *out)
{
    const struct page page = {.it = explanation, .options = options, .out = out};
    add_answer(&page);
    if (explanation->standing != PLIMSOLL_STANDING_NO_GPU &&
        explanation->standing != PLIMSOLL_STANDING_FINISHED) {
        plimsoll_text_add_char(out, '\n');
        add_request(&page);
        if (explanation->question.scheduling != NULL) {
            add_scheduler(&page);
            add_use(&page);
        }
        add_nodes(&page);
        add_closest(&page);
        add_help(&page);
    }
    if (explanation->question.scheduling != NULL) {
        add_events(&page);
    }
    if (explanation->question.cluster->note != NULL) {
        plimsoll_text_add_char(out, '\n');
        plimsoll_column_wrap(out, options, explanation->question.cluster->note, 0, 0);
    }
}
