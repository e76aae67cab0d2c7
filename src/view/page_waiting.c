/* SPDX-License-Identifier: Apache-2.0 */
/* A pod that waits, and why, as the status page shows it. */
#include <plimsoll/page.h>
#include <plimsoll/quantity.h>
#include <plimsoll/view.h>

#include "page_json.h"

#define SENTENCE_BYTES_MAX 512u

/* `12Gi`, `50 percent`; a pod that wrote nothing gets the default. */
static void write_want(const struct plimsoll_demand *demand, struct plimsoll_text *out)
{
    char text[PLIMSOLL_QUANTITY_SIZE] = "the default";
    if (demand->request == PLIMSOLL_REQUEST_BYTES) {
        plimsoll_quantity_format(demand->vram, text);
    } else if (demand->request == PLIMSOLL_REQUEST_PERCENT) {
        (void)snprintf(text, sizeof text, "%.10g%%", (double)demand->percent_milli / 1000);
    }
    plimsoll_page_add_string(out, "want", text);
    plimsoll_page_add_count(out, "cards", demand->cards);
    if (demand->vendor != PLIMSOLL_VENDOR_NONE) {
        plimsoll_page_add_string(out, "vendor", plimsoll_vendor_text(demand->vendor));
    }
    plimsoll_page_add_string(out, "instance", demand->mig ? demand->mig_profile : "");
}

/* How many nodes say what, most of them first. */
static void write_reasons(const struct plimsoll_page_waiting *waiting, struct plimsoll_text *out)
{
    size_t left[PLIMSOLL_REFUSED + 1];
    memcpy(left, waiting->reasons, sizeof left);
    plimsoll_page_add_name(out, "reasons");
    plimsoll_text_add_char(out, '[');
    for (;;) {
        int most = PLIMSOLL_FITS;
        for (int i = PLIMSOLL_FITS + 1; i <= PLIMSOLL_REFUSED; i++) {
            most = left[i] > (most == PLIMSOLL_FITS ? 0 : left[most]) ? i : most;
        }
        if (most == PLIMSOLL_FITS) {
            break;
        }
        plimsoll_autotext sentence = plimsoll_text_make(SENTENCE_BYTES_MAX);
        plimsoll_reason_write((enum plimsoll_reason)most, &waiting->pod->demand, &sentence);
        plimsoll_page_add_open(out, '{');
        plimsoll_page_add_string(out, "text", sentence.data);
        plimsoll_page_add_count(out, "nodes", left[most]);
        plimsoll_text_add_char(out, '}');
        left[most] = 0;
    }
    plimsoll_text_add_char(out, ']');
}

static void write_closest(const struct plimsoll_page_waiting *waiting, struct plimsoll_text *out)
{
    struct plimsoll_view_refusal refusal = {.pod = waiting->pod,
                                            .asked = waiting->nodes,
                                            .closest = waiting->closest,
                                            .verdict = waiting->verdict};
    plimsoll_autotext note = plimsoll_text_make(PLIMSOLL_VIEW_NOTE_BYTES_MAX);
    plimsoll_view_refused(&refusal, &note);
    plimsoll_page_add_string(out, "closest", waiting->closest->view.node->name);
    plimsoll_page_add_count(out, "missing", waiting->verdict.missing);
    plimsoll_page_add_string(out, "note", note.data);
}

void plimsoll_page_write_waiting(const struct plimsoll_page_waiting *waiting,
                                 struct plimsoll_text *out)
{
    const struct plimsoll_pod *pod = waiting->pod;
    plimsoll_page_add_open(out, '{');
    plimsoll_page_add_string(out, "uid", pod->uid.text);
    plimsoll_page_add_string(out, "namespace", pod->namespace_);
    plimsoll_page_add_string(out, "name", pod->name);
    if (pod->priority != 0) {
        plimsoll_page_add_name(out, "priority");
        plimsoll_text_add_format(out, "%d", pod->priority);
    }
    plimsoll_page_add_flag(out, "asked", waiting->asked);
    plimsoll_page_add_count(out, "since",
                            waiting->since_unix_ms > 0 ? (uint64_t)waiting->since_unix_ms : 0);
    plimsoll_page_add_string(out, "nominated", pod->nominated);
    write_want(&pod->demand, out);
    plimsoll_page_add_string(out, "refusal", pod->refusal);
    if (pod->refusal == NULL) {
        plimsoll_page_add_bytes(out, "nodes", waiting->nodes);
        plimsoll_page_add_count(out, "fitting", waiting->reasons[PLIMSOLL_FITS]);
        plimsoll_page_add_string(out, "fits", waiting->fits);
        write_reasons(waiting, out);
        if (waiting->closest != NULL) {
            write_closest(waiting, out);
        }
    }
    plimsoll_text_add_char(out, '}');
}
