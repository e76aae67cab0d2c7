/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* A connection that takes no bytes for so long is dead. */
#define UNACKNOWLEDGED_MS_MAX 30000
#define RETRY_AFTER_MS_MAX    60000
#define MESSAGE_BYTES_MAX     400

struct plimsoll_exchange plimsoll_exchange_make(struct plimsoll_kube *kube, CURL *easy,
                                                size_t body_bytes_max)
{
    return (struct plimsoll_exchange){
        .kube = kube, .easy = easy, .body = plimsoll_text_make(body_bytes_max)};
}

void plimsoll_exchange_close(struct plimsoll_exchange *exchange)
{
    curl_slist_free_all(exchange->headers);
    curl_slist_free_all(exchange->connect_to);
    plimsoll_text_clear(&exchange->body);
}

static size_t take_bytes(char *data, size_t size, size_t count, void *context)
{
    struct plimsoll_exchange *exchange = context;
    struct plimsoll_span bytes = {.data = data, .size = size * count};
    long status = plimsoll_exchange_status(exchange);
    if (exchange->sink == NULL || status < 200 || status > 299) {
        plimsoll_text_add_span(&exchange->body, bytes);
        return bytes.size;
    }
    if (exchange->sink(exchange->context, bytes, &exchange->sink_error) < 0) {
        return CURL_WRITEFUNC_ERROR;
    }
    return bytes.size;
}

/* Called when the connection stands and the request is about to go out; again when curl finds a
 * kept connection dead and takes another one. */
static int note_sent(void *context, char *remote, char *local, int remote_port, int local_port)
{
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    struct plimsoll_exchange *exchange = context;
    exchange->sent++;
    return CURL_PREREQFUNC_OK;
}

/* Closing throws away what was not sent yet. Otherwise the kernel would go on delivering a request
 * that was given up, minutes later if the network comes back then: a Binding would be written long
 * after the books have counted it as never to come. (What the API server has in full it may still
 * carry out; that ends with the request's own time limit.) */
static void discard_on_close(curl_socket_t socket)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static int set_socket(void *context, curl_socket_t socket, curlsocktype purpose)
{
    (void)context, (void)purpose;
    unsigned limit = UNACKNOWLEDGED_MS_MAX;
    (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
    discard_on_close(socket);
    return CURL_SOCKOPT_OK;
}

static void set_blob(CURL *easy, CURLoption option, struct plimsoll_text *data)
{
    struct curl_blob blob = {.data = data->data, .len = data->size, .flags = CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, option, &blob);
}

static void set_identity(CURL *easy, struct plimsoll_kubeconfig *config)
{
    if (config->ca_data.size > 0) {
        set_blob(easy, CURLOPT_CAINFO_BLOB, &config->ca_data);
    } else if (config->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
    }
    if (config->ca_data.size > 0 || config->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* that CA and no other */
    }
    if (config->certificate_data.size > 0) {
        set_blob(easy, CURLOPT_SSLCERT_BLOB, &config->certificate_data);
    } else if (config->certificate_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, config->certificate_file);
    }
    if (config->key_data.size > 0) {
        set_blob(easy, CURLOPT_SSLKEY_BLOB, &config->key_data);
    } else if (config->key_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSLKEY, config->key_file);
    }
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, config->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, config->insecure ? 0L : 2L);
}

/* HTTP/1.1: over one HTTP/2 connection a single stuck TCP would stop every watch. */
static void set_transport(CURL *easy, const struct plimsoll_credentials *credentials)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "plimsoll");
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L * 1024);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, set_socket);
    if (credentials->config.proxy_url != NULL) {
        curl_easy_setopt(easy, CURLOPT_PROXY, credentials->config.proxy_url);
    } else if (credentials->direct) {
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
}

static int add_headers(struct plimsoll_exchange *exchange,
                       const struct plimsoll_api_request *request, bool refused,
                       struct plimsoll_error *err)
{
    struct plimsoll_credentials *credentials = &exchange->kube->credentials;
    plimsoll_autotext line = plimsoll_text_make(80u * 1024);
    plimsoll_text_add_string(&line, "Authorization: Bearer ");
    size_t bare = line.size;
    if (plimsoll_credentials_token(credentials, refused, &line, err) < 0) {
        return -1;
    }
    /* An empty Expect, else curl waits a second for a 100. */
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    if (line.size > bare) {
        headers = curl_slist_append(headers, line.data);
    }
    plimsoll_text_reset(&line);
    plimsoll_text_add_format(&line, "Accept: %s",
                             request->accept != NULL ? request->accept : PLIMSOLL_API_JSON);
    headers = curl_slist_append(headers, line.data);
    if (request->body.size > 0) {
        plimsoll_text_reset(&line);
        plimsoll_text_add_format(&line, "Content-Type: %s",
                                 request->content_type != NULL ? request->content_type
                                                               : PLIMSOLL_API_JSON);
        headers = curl_slist_append(headers, line.data);
    }
    if (credentials->host_header != NULL) {
        headers = curl_slist_append(headers, credentials->host_header);
    }
    curl_slist_free_all(exchange->headers);
    exchange->headers = headers;
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, headers);
    return 0;
}

/* curl would make a POST of anything with a body, and resends a body on a fresh connection only
 * when it has it in memory. */
static void set_method(CURL *easy, const struct plimsoll_api_request *request)
{
    if (request->body.size > 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    }
    if (request->method != NULL && strcmp(request->method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

int plimsoll_exchange_prepare(struct plimsoll_exchange *exchange,
                              const struct plimsoll_api_request *request, bool refused,
                              struct plimsoll_error *err)
{
    struct plimsoll_credentials *credentials = &exchange->kube->credentials;
    CURL *easy = exchange->easy;
    curl_easy_reset(easy);
    plimsoll_text_reset(&exchange->body);
    exchange->sink_error.kind = PLIMSOLL_ERR_NONE;
    exchange->curl_message[0] = '\0';
    if (add_headers(exchange, request, refused, err) < 0) {
        return -1;
    }
    plimsoll_autotext url = plimsoll_text_make(64u * 1024);
    plimsoll_text_add_string(&url, credentials->base_url);
    plimsoll_text_add_string(&url, request->path);
    curl_easy_setopt(easy, CURLOPT_URL, url.data);
    if (credentials->connect_to != NULL) {
        curl_slist_free_all(exchange->connect_to);
        exchange->connect_to = curl_slist_append(NULL, credentials->connect_to);
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, exchange->connect_to);
    }
    set_transport(easy, credentials);
    set_identity(easy, &credentials->config);
    set_method(easy, request);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, note_sent);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_message);
    return 0;
}

long plimsoll_exchange_status(const struct plimsoll_exchange *exchange)
{
    long status = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

int64_t plimsoll_exchange_retry_after_ms(const struct plimsoll_exchange *exchange)
{
    curl_off_t seconds = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds <= 0) {
        return 0;
    }
    return seconds < RETRY_AFTER_MS_MAX / 1000 ? seconds * 1000 : RETRY_AFTER_MS_MAX;
}

void plimsoll_exchange_message(const struct plimsoll_exchange *exchange, struct plimsoll_text *out)
{
    struct plimsoll_span text = plimsoll_span_trim(plimsoll_text_span(&exchange->body));
    json_auto_t *status = json_loadb(exchange->body.data != NULL ? exchange->body.data : "",
                                     exchange->body.size, 0, NULL);
    const char *message = json_string_value(json_object_get(status, "message"));
    if (message != NULL) {
        text = plimsoll_span_of(message);
    }
    if (text.size > MESSAGE_BYTES_MAX) {
        text.size = MESSAGE_BYTES_MAX;
    }
    if (text.size == 0) {
        plimsoll_text_add_format(out, "HTTP status %ld", plimsoll_exchange_status(exchange));
    } else {
        plimsoll_text_add_span(out, text);
    }
}

CURL *plimsoll_handles_take(struct plimsoll_kube *kube)
{
    pthread_mutex_lock(&kube->pool_lock);
    CURL *easy = kube->pool_count > 0 ? kube->pool[--kube->pool_count] : NULL;
    pthread_mutex_unlock(&kube->pool_lock);
    if (easy == NULL && (easy = curl_easy_init()) == NULL) {
        abort();
    }
    return easy;
}

void plimsoll_handles_give(struct plimsoll_kube *kube, CURL *easy)
{
    curl_easy_reset(easy); /* nothing may point to the request that is over */
    pthread_mutex_lock(&kube->pool_lock);
    bool kept = kube->pool_count < PLIMSOLL_POOL_MAX;
    if (kept) {
        kube->pool[kube->pool_count++] = easy;
    }
    pthread_mutex_unlock(&kube->pool_lock);
    if (!kept) {
        curl_easy_cleanup(easy);
    }
}

static void init_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        abort();
    }
}

int plimsoll_kube_new(const struct plimsoll_kube_options *options, struct plimsoll_kube **out,
                      struct plimsoll_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const int64_t silence_ms_max = 150000;
    pthread_once(&once, init_curl);
    plimsoll_autofree struct plimsoll_kube *kube = plimsoll_alloc(1, sizeof *kube);
    if (plimsoll_credentials_open(&kube->credentials, options, err) < 0) {
        return -1;
    }
    kube->silence_ms_max = options->silence_ms_max > 0 ? options->silence_ms_max : silence_ms_max;
    pthread_mutex_init(&kube->pool_lock, NULL);
    *out = PLIMSOLL_TAKE(kube);
    return 0;
}

const char *plimsoll_kube_namespace(const struct plimsoll_kube *kube)
{
    const char *name = kube->credentials.config.namespace_;
    return name != NULL ? name : "plimsoll-system";
}

void plimsoll_kube_stop_watching(struct plimsoll_kube *kube)
{
    plimsoll_watch_stop(kube);
}

void plimsoll_kube_free(struct plimsoll_kube **handle)
{
    struct plimsoll_kube *kube = PLIMSOLL_TAKE(*handle);
    if (kube == NULL) {
        return;
    }
    plimsoll_watch_free(kube);
    while (kube->pool_count > 0) {
        curl_easy_cleanup(kube->pool[--kube->pool_count]);
    }
    pthread_mutex_destroy(&kube->pool_lock);
    plimsoll_credentials_close(&kube->credentials);
    free(kube);
}

void plimsoll_kube_on_listed(struct plimsoll_kube *kube,
                             void (*on_listed)(void *context, uint64_t ticket), void *context)
{
    kube->on_listed = on_listed;
    kube->on_listed_context = context;
}
