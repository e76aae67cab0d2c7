#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Books that are broken on purpose: the random walk must catch each of them.

    variants.py --list             one line for each: its name and the files that it changes
    variants.py SOURCE_DIR OUT_DIR NAME     writes these files, changed, to OUT_DIR

A variant is a few exact substitutions. A text that is not there exactly once is an error: whoever
changes the books sees to it that the variants stay what they say.
"""
import pathlib
import sys

BIND = "src/books/bind.c"
FENCE = "src/books/fence.c"
HOLDS = "src/books/holds.c"
WAITING = "src/books/waiting.c"
PODS = "src/cluster/pods.c"
GAINS = "src/cluster/gains.c"
JUDGE = "src/placement/judge.c"
FLOATING = "src/placement/floating.c"
BOOKINGS = "src/placement/bookings.c"
DRIVER = "tests/unit/books/model/replica.c"
API = "tests/unit/books/model/api.c"

VARIANTS = {
    # -- the fence
    "fence_always_open": [
        (FENCE, "return fence->identity[0] == '\\0' ||\n", "return now_ms >= 0 ||\n"),
        (BIND, "bool fenced = entry->demand.gpu && books->fence.identity[0] != '\\0';",
         "bool fenced = false;")],
    "fence_does_not_wait_out_bindings": [
        (FENCE, "if (fence->unclean) {", "if (fence->unclean && books->now_ms < 0) {")],
    "no_list_after_take_over": [
        (FENCE, "    } else if (fence->behind) {\n        list_pods(books, effects);",
         "    } else if (fence->behind) {\n        enter(books, effects);"),
        (FENCE, "books->now_ms >= fence->until_ms) {\n        list_pods(books, effects);",
         "books->now_ms >= fence->until_ms) {\n        enter(books, effects);")],
    "lease_taken_before_it_ran_out": [
        (FENCE, "return now_ms - fence->seen_ms >= (int64_t)fence->lease.duration_s * 1000;",
         "return now_ms - fence->seen_ms >= 2000;"),
        (FENCE, "(anothers ? fence->seen_ms + PLIMSOLL_LEASE_MS : books->now_ms);",
         "(anothers ? books->now_ms : books->now_ms);")],
    "lease_trusted_longer_than_others_respect_it": [
        (FENCE, "fence->valid_ms = fence->sent_ms + PLIMSOLL_LEASE_MS - MARGIN_MS;",
         "fence->valid_ms = fence->sent_ms + 2 * PLIMSOLL_LEASE_MS;")],
    "lease_given_up_with_a_binding_in_doubt": [
        (FENCE, "fence->ticket_count == 0 && books->entries.count == 0 &&",
         "fence->ticket_count == 0 &&")],
    "posted_again_after_the_lease_was_lost": [
        (FENCE, "books->entries.list[i]->fenced_off = true;",
         "books->entries.list[i]->fenced_off = false;")],
    "post_not_checked_against_its_deadline": [
        (DRIVER, "if (model_clock(world, replica) >= effect->before_ms) {", "if (false) {")],
    "waiting_bind_told_it_succeeded": [
        (FENCE, "return fence->trouble[0] != '\\0' ? fence->trouble : "
                "\"the Lease of the books is not here yet\";", "return fence->trouble;")],
    # -- what a reply means
    "claim_released_on_time_out": [
        (BIND, "leave_open(books, entry, said, effects);",
         "take_refusal(books, entry, said, effects);")],
    "refusal_frees_though_an_earlier_post_is_in_doubt": [
        (BIND, "if (entry->in_doubt) {\n        plimsoll_text_add_string(&message, \"; an earlier",
         "if (false) {\n        plimsoll_text_add_string(&message, \"; an earlier")],
    "conflict_is_a_success": [
        (BIND, "if (!entry->reading) {\n            read_pod(books, entry, effects);\n        }",
         "close_entry(books, entry, \"\", effects);")],
    "conflict_is_a_refusal": [
        (BIND, "if (!entry->reading) {\n            read_pod(books, entry, effects);\n        }",
         "forget(effects, entry);\n        close_entry(books, entry, said, effects);")],
    "bound_claim_forgotten_until_seen": [
        (BIND, "close_bound(books, entry, &entry->claim, effects); /* the picture counts the claim on */",
         "forget(effects, entry);\n        close_bound(books, entry, &entry->claim, effects);")],
    "early_read_taken_as_certain": [
        (BIND, "(!entry->in_doubt || entry->read_ms - entry->posted_ms >= PLIMSOLL_BINDING_MS_MAX)",
         "(!entry->in_doubt || entry->read_ms > 0)"),
        (BIND, "books->now_ms - entry->posted_ms >= PLIMSOLL_BINDING_MS_MAX &&",
         "books->now_ms - entry->posted_ms >= 0 &&")],
    "doubt_is_never_resolved": [
        (BIND, "if (entry->in_doubt && !entry->in_flight && !entry->reading && due) {",
         "if (entry->in_doubt && !entry->in_flight && !entry->reading && due && false) {")],
    # -- what counts
    "claim_not_counted_before_it_is_seen": [
        (BIND, "fill_visible(entry, event->view.node);\n        assume(effects, entry, "
               "&entry->claim);", "fill_visible(entry, event->view.node);")],
    "claim_forgotten_when_seen_unbound": [
        (BIND, "return; /* unbound in a watch that may lag behind is no knowledge */",
         "struct plimsoll_entry *seen = plimsoll_entries_find(&books->entries, &event->uid);\n"
         "        if (seen != NULL) {\n            forget(effects, seen);\n"
         "            close_entry(books, seen, \"unbound\", effects);\n        }\n        return;")],
    "picture_drops_a_claim_when_seen_unbound": [
        (PODS, "return pod->node[0] != '\\0' &&\n           (plimsoll_pod_claimed(pod)",
         "return pod->node[0] == '\\0' ||\n           (plimsoll_pod_claimed(pod)")],
    "a_request_taken_off_takes_the_claim_with_it": [
        (PODS, "bool bare = stays_for_claim(entry, pod);", "bool bare = false;")],
    "look_up_overwrites_the_picture": [
        (PODS, "pod->finished || (entry != NULL && entry->seen)) {", "pod->finished) {"),
        (PODS, "if (cluster->departures != since || cluster->listing_pods) {",
         "if (cluster->departures < since) {")],
    "bind_trusts_its_soft_hold": [
        (BIND, "keep_own_hold(&view, &event->pod->uid);",
         "for (size_t i = 0; i < view.hold_count; i++) {\n"
         "        if (strcmp(view.holds[i]->uid.text, event->request->uid.text) == 0) {\n"
         "            view.pod_count = 0; /* it has its room already */\n        }\n    }\n"
         "    keep_own_hold(&view, &event->pod->uid);")],
    "bind_counts_soft_holds": [
        (BIND, "keep_own_hold(&view, &event->pod->uid);", "(void)keep_own_hold;")],
    "uid_ignored_by_the_binding": [
        (API, "} else if (strcmp(pod->uid.text, mail->effect.request.uid.text) != 0 || "
              "pod->terminating ||", "} else if (pod->terminating ||")],
    "uid_ignored_by_the_read": [
        (API, "if (pod != NULL && strcmp(pod->uid.text, mail->effect.request.uid.text) == 0) {",
         "if (pod != NULL) {")],
    "second_card_of_a_claim_is_not_counted": [
        (BOOKINGS, "j < party->pod->claim.card_count; j++) {\n        const struct plimsoll_claim_card "
                   "*card = &party->pod->claim.cards[j];\n        int i = find_card(",
         "j < 1; j++) {\n        const struct plimsoll_claim_card "
         "*card = &party->pod->claim.cards[j];\n        int i = find_card(")],
    # -- where the plugin picks
    "full_card_is_not_looked_at": [
        (JUDGE, "(!candidate && !plimsoll_fit_may_free(card))", "!candidate")],
    "holders_never_leave": [
        (FLOATING, "leave <= coming->leaving_count", "leave <= (coming->left == 0)")],
    # -- at rest
    "soft_holds_never_end": [
        (HOLDS, "if (books->now_ms >= books->holds.list[i].until_ms) {",
         "if (books->now_ms < 0) {")],
    "room_that_came_during_a_filter_is_missed": [
        (WAITING, "if (recents->list[i].number > gains) {",
         "if (recents->list[i].number > gains + 1000000) {")],
    "mended_report_is_no_gain": [(GAINS, "(before->unusable != NULL ||", "(false ||")],
    "room_that_came_during_a_pause_is_missed": [
        (WAITING, "waiter->missed = waiter->missed == 0 ? turn : waiter->missed;", "")],
}


def changed(root, name):
    files = {}
    for path, old, new in VARIANTS[name]:
        text = files.get(path) or (root / path).read_text()
        if text.count(old) != 1:
            sys.exit(f"{name}: {path} has {text.count(old)} times, not once:\n{old}")
        files[path] = text.replace(old, new)
    return files


def main():
    if sys.argv[1:] == ["--list"]:
        for name, substitutions in VARIANTS.items():
            print(name, *sorted({path for path, _, _ in substitutions}))
        return
    root, out, name = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    out.mkdir(parents=True, exist_ok=True)
    for path, text in changed(root, name).items():
        (out / pathlib.Path(path).name).write_text(text)


main()
