/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"
#include "outcome.h"

#include <jansson.h>

#include <plimsoll/kube.h>
#include <plimsoll/pod.h>

#include <inttypes.h>

#define PATH_BYTES_MAX  4096
#define PATCH_BYTES_MAX 512

static int report(const struct plimsoll_bind_request *request,
                  const struct plimsoll_api_answer *answer, struct plimsoll_error *err)
{
    return plimsoll_error_set(err, plimsoll_outcome(answer), "pod %s/%s cannot be woken: %s",
                              request->namespace_, request->pod, answer->message);
}

int plimsoll_kube_wake(struct plimsoll_kube *kube, const struct plimsoll_bind_request *request,
                       uint64_t counter, struct plimsoll_error *err)
{
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    plimsoll_text_add_string(&path, "/api/v1/namespaces/");
    plimsoll_api_add_escaped(&path, request->namespace_);
    plimsoll_text_add_string(&path, "/pods/");
    plimsoll_api_add_escaped(&path, request->pod);

    plimsoll_autotext patch = plimsoll_text_make(PATCH_BYTES_MAX);
    plimsoll_text_add_string(&patch, "{\"metadata\":{\"uid\":");
    plimsoll_text_add_json(&patch, plimsoll_span_of(request->uid.text));
    plimsoll_text_add_format(&patch, ",\"annotations\":{\"%s\":\"%" PRIu64 "\"}}}",
                             PLIMSOLL_ANNOTATION_WOKEN, counter);

    struct plimsoll_api_answer answer = plimsoll_api_call(
        kube, &(struct plimsoll_api_request){.method = "PATCH",
                                             .path = path.data,
                                             .content_type = PLIMSOLL_API_MERGE_PATCH,
                                             .body = plimsoll_text_span(&patch)});
    int result = plimsoll_api_ok(&answer) ? 0 : report(request, &answer, err);
    plimsoll_api_answer_clear(&answer);
    return result;
}
