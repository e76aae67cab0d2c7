/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"
#include "outcome.h"

#include <plimsoll/kube.h>
#include <plimsoll/pod.h>

#include <inttypes.h>

#define PATH_BYTES_MAX  4096
#define PATCH_BYTES_MAX 512

/* The kubelet makes the same allocatable of it with its next status; until then the scheduler would
 * not see it. */
static void write_patch(int64_t bytes, struct plimsoll_text *patch)
{
    static const char *const members[] = {"capacity", "allocatable"};
    plimsoll_text_add_string(patch, "{\"status\":{");
    for (size_t i = 0; i < 2; i++) {
        plimsoll_text_add_format(patch, "%s\"%s\":{\"%s\":", i > 0 ? "," : "", members[i],
                                 PLIMSOLL_RESOURCE_VRAM);
        if (bytes < 0) {
            plimsoll_text_add_string(patch, "null}");
        } else {
            plimsoll_text_add_format(patch, "\"%" PRId64 "\"}", bytes);
        }
    }
    plimsoll_text_add_string(patch, "}}");
}

int plimsoll_kube_set_capacity(struct plimsoll_kube *kube, const char *node, int64_t bytes,
                               struct plimsoll_error *err)
{
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    plimsoll_autotext patch = plimsoll_text_make(PATCH_BYTES_MAX);
    plimsoll_text_add_string(&path, "/api/v1/nodes/");
    plimsoll_api_add_escaped(&path, node);
    plimsoll_text_add_string(&path, "/status");
    write_patch(bytes, &patch);
    struct plimsoll_api_answer answer = plimsoll_api_call(
        kube, &(struct plimsoll_api_request){.method = "PATCH",
                                             .path = path.data,
                                             .content_type = PLIMSOLL_API_MERGE_PATCH,
                                             .body = plimsoll_text_span(&patch)});
    int result = 0;
    if (!plimsoll_api_ok(&answer)) {
        result =
            plimsoll_error_set(err, plimsoll_outcome(&answer),
                               "capacity of node %s cannot be written: %s", node, answer.message);
    }
    plimsoll_api_answer_clear(&answer);
    return result;
}
