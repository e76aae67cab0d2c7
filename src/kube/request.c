/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/api.h>

#include "client.h"

#define CONNECT_MS_MAX 3000L

void plimsoll_api_add_escaped(struct plimsoll_text *path, const char *value)
{
    char *escaped = curl_easy_escape(NULL, value, 0);
    if (escaped == NULL) {
        abort();
    }
    plimsoll_text_add_string(path, escaped);
    curl_free(escaped);
}

static void set_message(struct plimsoll_api_answer *answer, const char *text)
{
    struct plimsoll_error clean = {0};
    plimsoll_error_set(&clean, PLIMSOLL_ERR_NONE, "%s", text);
    memcpy(answer->message, clean.message, sizeof answer->message);
}

static void set_times(CURL *easy, const struct plimsoll_api_request *request)
{
    long whole = request->timeout_ms > 0 ? (long)request->timeout_ms : PLIMSOLL_API_TIMEOUT_MS;
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, whole);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     whole < CONNECT_MS_MAX ? whole : CONNECT_MS_MAX);
}

/* Sends once. @return -1 when it could not be put together: nothing went out then. */
static int send_once(struct plimsoll_exchange *exchange, const struct plimsoll_api_request *request,
                     bool refused, struct plimsoll_api_answer *answer)
{
    struct plimsoll_error err = {0};
    exchange->sent = 0;
    *answer = (struct plimsoll_api_answer){0};
    if (plimsoll_exchange_prepare(exchange, request, refused, &err) < 0) {
        set_message(answer, err.message);
        return -1;
    }
    set_times(exchange->easy, request);
    CURLcode result = curl_easy_perform(exchange->easy);
    answer->sent = exchange->sent > 0;
    answer->twice = exchange->sent > 1;
    if (result != CURLE_OK) {
        set_message(answer, exchange->curl_message[0] != '\0' ? exchange->curl_message
                                                              : curl_easy_strerror(result));
        return 0;
    }
    answer->status = plimsoll_exchange_status(exchange);
    answer->retry_after_ms = plimsoll_exchange_retry_after_ms(exchange);
    return 0;
}

struct plimsoll_api_answer plimsoll_api_call(struct plimsoll_kube *kube,
                                             const struct plimsoll_api_request *request)
{
    struct plimsoll_api_answer answer = {0};
    size_t kept =
        request->answer_bytes_max > 0 ? request->answer_bytes_max : PLIMSOLL_OBJECT_BYTES_MAX;
    CURL *easy = plimsoll_handles_take(kube);
    struct plimsoll_exchange exchange = plimsoll_exchange_make(kube, easy, kept);
    bool going = send_once(&exchange, request, false, &answer) == 0;
    if (going && answer.status == 401 && !answer.twice) {
        (void)(send_once(&exchange, request, true, &answer) < 0); /* the message says why */
    }
    if (answer.status != 0 && !plimsoll_api_ok(&answer)) {
        plimsoll_autotext said = plimsoll_text_make(PLIMSOLL_ERROR_MESSAGE_SIZE);
        plimsoll_exchange_message(&exchange, &said);
        set_message(&answer, said.data != NULL ? said.data : "");
    }
    answer.body = exchange.body;
    exchange.body = plimsoll_text_make(0);
    plimsoll_exchange_close(&exchange);
    plimsoll_handles_give(kube, easy);
    return answer;
}

void plimsoll_api_answer_clear(struct plimsoll_api_answer *answer)
{
    plimsoll_text_clear(&answer->body);
}
