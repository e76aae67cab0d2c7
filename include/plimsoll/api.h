/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One request to the API server and its answer, waited for: what lists and watches do not cover.
 *
 * Over the credentials and kept connections of a plimsoll_kube; safe from several threads. Nothing
 * is retried but a 401, once, with the token read again: whether a write may be repeated is for the
 * caller to know, and `sent` and `twice` say what is certain.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/text.h>

struct plimsoll_kube;

/** Milliseconds to wait for an answer when a request names none. */
#define PLIMSOLL_API_TIMEOUT_MS 5000

/** Content types of a PATCH; the API server answers 415 to a wrong one. */
#define PLIMSOLL_API_JSON        "application/json"
#define PLIMSOLL_API_MERGE_PATCH "application/merge-patch+json"
#define PLIMSOLL_API_APPLY_PATCH "application/apply-patch+yaml"

/** As `accept`: only the metadata of the object, where the server can. */
#define PLIMSOLL_API_METADATA                                                                      \
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

/** What to ask; borrowed for the call. */
struct plimsoll_api_request {
    const char *method;        /* `GET`, `POST`, `PUT`, `PATCH`, `DELETE`; NULL: GET */
    const char *path;          /* with its query, from the first slash; values escaped */
    const char *content_type;  /* of the body; NULL: PLIMSOLL_API_JSON */
    struct plimsoll_span body; /* empty: none */
    const char *accept;        /* NULL: PLIMSOLL_API_JSON */
    int64_t timeout_ms;        /* for all of it; 0: PLIMSOLL_API_TIMEOUT_MS */
    size_t answer_bytes_max;   /* kept of the answer; 0: PLIMSOLL_OBJECT_BYTES_MAX */
};

/** What came of it; owned, the caller clears it. */
struct plimsoll_api_answer {
    long status;               /* HTTP status; 0: none came */
    bool sent;                 /* the request may have reached the API server … */
    bool twice;                /* … and so may an earlier one, on a connection that died */
    int64_t retry_after_ms;    /* what the answer asks to wait, at most a minute; 0: nothing */
    struct plimsoll_text body; /* `overflowed`: longer than answer_bytes_max, not whole */
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE]; /* for people, unless the status is 2xx: one line */
};

/** Appends `value` so that it stays one segment of a path, or one value of a query. */
void plimsoll_api_add_escaped(struct plimsoll_text *path, const char *value);

/** Asks. @return the answer, also when none came. */
struct plimsoll_api_answer plimsoll_api_call(struct plimsoll_kube *kube,
                                             const struct plimsoll_api_request *request);
void plimsoll_api_answer_clear(struct plimsoll_api_answer *answer);

/** The answer is a success: 200 to 299. */
static inline bool plimsoll_api_ok(const struct plimsoll_api_answer *answer)
{
    return answer->status >= 200 && answer->status <= 299;
}

/** From half of `ms` to all of it, by `random` (any 32 bits): what failed for many at once must not
 * come again at once. `ms` in [0, 2^31]. */
int64_t plimsoll_api_jitter_ms(int64_t ms, uint32_t random);

/** How long to wait after an answer that failed: a second, doubled for each of the `failures` in a
 * row before it, 30 s at most, with jitter; and not less than `retry_after_ms` (0: not asked for),
 * with up to a second more, so that not all come back at the same moment. What is asked for counts
 * up to a minute. @return milliseconds in [500, 61000]. */
int64_t plimsoll_api_wait_ms(unsigned failures, int64_t retry_after_ms, uint32_t random);
