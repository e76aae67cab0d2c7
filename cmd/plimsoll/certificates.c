/* SPDX-License-Identifier: Apache-2.0 */
#include "certificates.h"

#include <plimsoll/authority.h>
#include <plimsoll/certs.h>
#include <plimsoll/clock.h>
#include <plimsoll/log.h>
#include <plimsoll/metrics.h>
#include <plimsoll/trust.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* Three small reads in so long: whoever wipes the caBundle is answered before many pods are missed,
 * and a CA that another replica made is known well within PLIMSOLL_AUTHORITY_SEASON_MS. */
#define LOOK_MS 5000
/* While something is not right, from the first to the last. */
#define RETRY_FIRST_MS 500
#define RETRY_LAST_MS  10000
/* Tries to write the Secret at one look. */
#define WRITES_MAX 3
/* The Service in four forms and localhost, before the names that the configuration adds. */
#define OWN_NAMES      5u
#define NAME_SIZE      (2 * PLIMSOLL_NAME_BYTES_MAX)
#define NAME_COUNT_MAX PLIMSOLL_CERTS_NAMES_MAX
/* Of this server and of the API server together, when a CA is made. */
#define TRUSTED_BYTES_MAX ((size_t)PLIMSOLL_AUTHORITY_BYTES_MAX)

struct names {
    char own[OWN_NAMES][NAME_SIZE];
    const char *dns[NAME_COUNT_MAX], *ip[NAME_COUNT_MAX];
    struct plimsoll_leaf_names list;
};

struct plimsoll_certificates {
    struct plimsoll_kube *kube;
    const struct plimsoll_config *config;
    struct plimsoll_http *http;
    size_t listener;
    struct names names;
    /* The thread's own. */
    struct plimsoll_authority *authority; /* as last read; NULL before */
    struct plimsoll_trust trust;          /* as last read */
    struct plimsoll_leaf leaf;            /* that the listener has */
    bool patched;                         /* at the last look, too */
    char said[PLIMSOLL_ERROR_MESSAGE_SIZE];
    atomic_ullong patches_ok, patches_failed;
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool stopping;
    struct plimsoll_error state; /* NONE: ready */
};

/* -- names ---------------------------------------------------------------------------------------
 */

static bool is_address(const char *text)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* False: more than a certificate takes. */
static bool add_name(struct names *names, const char *name)
{
    struct plimsoll_leaf_names *list = &names->list;
    if (list->dns_count + list->ip_count == NAME_COUNT_MAX) {
        return false;
    }
    if (is_address(name)) {
        names->ip[list->ip_count++] = name;
    } else {
        names->dns[list->dns_count++] = name;
    }
    return true;
}

/* `service` and `in_namespace` may be anything: what is no name is found by the check. */
static bool fill_names(struct names *names, const struct plimsoll_config *config,
                       const char *in_namespace)
{
    const char *service = config->service;
    (void)snprintf(names->own[0], NAME_SIZE, "%.253s", service);
    (void)snprintf(names->own[1], NAME_SIZE, "%.253s.%.63s", service, in_namespace);
    (void)snprintf(names->own[2], NAME_SIZE, "%.253s.%.63s.svc", service, in_namespace);
    (void)snprintf(names->own[3], NAME_SIZE, "%.253s.%.63s.svc.cluster.local", service,
                   in_namespace);
    (void)snprintf(names->own[4], NAME_SIZE, "localhost");
    names->list = (struct plimsoll_leaf_names){.dns = names->dns, .ip = names->ip};
    bool room = add_name(names, "127.0.0.1") && add_name(names, "::1");
    for (size_t i = 0; i < OWN_NAMES; i++) {
        room = room && add_name(names, names->own[i]);
    }
    for (size_t i = 0; i < config->tls_dns.count; i++) {
        room = room && add_name(names, config->tls_dns.list[i]);
    }
    return room;
}

int plimsoll_certificates_check_names(const struct plimsoll_config *config,
                                      struct plimsoll_error *err)
{
    plimsoll_autofree struct names *names = plimsoll_alloc(1, sizeof *names);
    if (!fill_names(names, config, "namespace")) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "tls-dns: at most %u names",
                                  NAME_COUNT_MAX - OWN_NAMES - 2);
    }
    return plimsoll_leaf_check_names(&names->list, err);
}

/* -- the CA in its Secret ------------------------------------------------------------------------
 */

static void add_bundles(const struct plimsoll_trust *trust, struct plimsoll_text *out)
{
    for (size_t i = 0; i < trust->count; i++) {
        plimsoll_text_add_span(out, plimsoll_text_span(&trust->webhooks[i].bundle));
        plimsoll_text_add_char(out, '\n');
    }
}

/* What any server may still show while the new CA is young: ours, and what API servers trust now.
 */
static void add_trusted(const struct plimsoll_certificates *keeper, int64_t now_ms,
                        struct plimsoll_text *out)
{
    if (keeper->authority != NULL) {
        plimsoll_authority_bundle(keeper->authority, now_ms, out);
    }
    add_bundles(&keeper->trust, out);
}

static int write_authority(struct plimsoll_certificates *keeper,
                           const struct plimsoll_secret *secret,
                           const struct plimsoll_authority *authority, int64_t now_ms,
                           struct plimsoll_error *err)
{
    plimsoll_autotext certificates = plimsoll_text_make(PLIMSOLL_AUTHORITY_BYTES_MAX);
    plimsoll_autotext keys = plimsoll_text_make(PLIMSOLL_AUTHORITY_BYTES_MAX);
    plimsoll_authority_bundle(authority, now_ms, &certificates);
    plimsoll_authority_keys(authority, &keys);
    if (certificates.overflowed || keys.overflowed || keys.size == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL,
                                  "the CA does not fit into %u bytes of PEM",
                                  PLIMSOLL_AUTHORITY_BYTES_MAX);
    }
    return plimsoll_kube_write_secret(
        keeper->kube, plimsoll_kube_namespace(keeper->kube), keeper->config->tls_secret, secret,
        plimsoll_text_span(&certificates), plimsoll_text_span(&keys), err);
}

/* Makes a CA and writes it, with what was trusted until now. */
static int renew(struct plimsoll_certificates *keeper, const struct plimsoll_secret *secret,
                 struct plimsoll_authority **authority, const char *why, int64_t now_ms,
                 struct plimsoll_error *err)
{
    struct plimsoll_authority *renewed = NULL;
    plimsoll_autotext trusted = plimsoll_text_make(TRUSTED_BYTES_MAX);
    add_trusted(keeper, now_ms, &trusted);
    if (plimsoll_authority_renew(*authority, plimsoll_text_span(&trusted), now_ms, &renewed, err) !=
        0) {
        return -1;
    }
    int result = write_authority(keeper, secret, renewed, now_ms, err);
    if (result == 0) {
        plimsoll_log(PLIMSOLL_LOG_INFO, "CA made",
                     PLIMSOLL_STR("secret", keeper->config->tls_secret), PLIMSOLL_STR("why", why));
        plimsoll_authority_free(authority);
        *authority = PLIMSOLL_TAKE(renewed);
    }
    plimsoll_authority_free(&renewed);
    return result;
}

static int read_or_renew(struct plimsoll_certificates *keeper, int64_t now_ms,
                         struct plimsoll_error *err)
{
    struct plimsoll_secret secret = {.object = {.data = NULL}};
    if (plimsoll_kube_read_secret(keeper->kube, plimsoll_kube_namespace(keeper->kube),
                                  keeper->config->tls_secret, &secret, err) != 0) {
        return -1;
    }
    struct plimsoll_authority *authority = plimsoll_authority_read(
        plimsoll_text_span(&secret.certificates), plimsoll_text_span(&secret.keys));
    const char *why = plimsoll_authority_wants_ca(authority, now_ms);
    int result = why != NULL ? renew(keeper, &secret, &authority, why, now_ms, err) : 0;
    if (result == 0) {
        plimsoll_authority_free(&keeper->authority);
        keeper->authority = PLIMSOLL_TAKE(authority);
    }
    plimsoll_authority_free(&authority);
    plimsoll_secret_clear(&secret);
    return result;
}

/* Where another replica wrote first, its CA is there now. */
static int read_authority(struct plimsoll_certificates *keeper, int64_t now_ms,
                          struct plimsoll_error *err)
{
    struct plimsoll_error why = {.kind = PLIMSOLL_ERR_CONFLICT};
    int result = -1;
    for (int i = 0; result != 0 && why.kind == PLIMSOLL_ERR_CONFLICT && i < WRITES_MAX; i++) {
        result = read_or_renew(keeper, now_ms, &why);
    }
    if (result != 0) {
        *err = why;
    }
    return result;
}

/* -- the caBundle of the webhook -----------------------------------------------------------------
 */

/* An API server that does not answer changes nothing; one that has no such object trusts nobody. */
static int read_trust(struct plimsoll_certificates *keeper, struct plimsoll_error *err)
{
    struct plimsoll_trust trust = {.count = 0};
    if (plimsoll_kube_read_trust(keeper->kube, keeper->config->webhook, &trust, err) != 0) {
        if (err->kind == PLIMSOLL_ERR_NOT_FOUND) {
            plimsoll_trust_clear(&keeper->trust);
        }
        return -1;
    }
    plimsoll_trust_clear(&keeper->trust);
    keeper->trust = trust;
    if (trust.count == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND,
                                  "MutatingWebhookConfiguration %s has no webhooks",
                                  keeper->config->webhook);
    }
    return 0;
}

static bool is_published(const struct plimsoll_trust *trust, struct plimsoll_span bundle)
{
    for (size_t i = 0; i < trust->count; i++) {
        if (!plimsoll_span_equal(plimsoll_text_span(&trust->webhooks[i].bundle), bundle)) {
            return false;
        }
    }
    return true;
}

static int publish(struct plimsoll_certificates *keeper, int64_t now_ms, struct plimsoll_error *err)
{
    plimsoll_autotext bundle = plimsoll_text_make(PLIMSOLL_AUTHORITY_BYTES_MAX);
    plimsoll_authority_bundle(keeper->authority, now_ms, &bundle);
    bool patched = keeper->patched;
    keeper->patched = false;
    if (is_published(&keeper->trust, plimsoll_text_span(&bundle))) {
        return 0;
    }
    if (plimsoll_kube_write_trust(keeper->kube, keeper->config->webhook,
                                  plimsoll_text_span(&bundle), &keeper->trust, err) != 0) {
        atomic_fetch_add(&keeper->patches_failed, 1);
        return -1;
    }
    atomic_fetch_add(&keeper->patches_ok, 1);
    keeper->patched = true;
    if (!patched) { /* somebody who keeps undoing it would have a line every few seconds */
        plimsoll_log(PLIMSOLL_LOG_INFO, "caBundle written",
                     PLIMSOLL_STR("webhook", keeper->config->webhook));
    }
    return 0;
}

/* For schedulers elsewhere and for people; nothing of ours waits for it. */
static int tell_others(struct plimsoll_certificates *keeper, int64_t now_ms,
                       struct plimsoll_error *err)
{
    const char *name = keeper->config->ca_configmap;
    plimsoll_autotext bundle = plimsoll_text_make(PLIMSOLL_AUTHORITY_BYTES_MAX);
    bool written = false;
    if (name == NULL) {
        return 0;
    }
    plimsoll_authority_bundle(keeper->authority, now_ms, &bundle);
    if (plimsoll_kube_publish_ca(keeper->kube, plimsoll_kube_namespace(keeper->kube), name,
                                 plimsoll_text_span(&bundle), &written, err) != 0) {
        return -1;
    }
    if (written) {
        plimsoll_log(PLIMSOLL_LOG_INFO, "CA published", PLIMSOLL_STR("configmap", name));
    }
    return 0;
}

/* -- the serving certificate ---------------------------------------------------------------------
 */

static bool is_trusted(const struct plimsoll_leaf *leaf, const struct plimsoll_trust *trust)
{
    for (size_t i = 0; i < trust->count; i++) {
        if (!plimsoll_leaf_trusted(leaf, plimsoll_text_span(&trust->webhooks[i].bundle))) {
            return false;
        }
    }
    return trust->count > 0;
}

static int give(struct plimsoll_certificates *keeper, const struct plimsoll_leaf *leaf,
                struct plimsoll_error *err)
{
    return plimsoll_http_give_certificate(
        keeper->http, keeper->listener,
        &(struct plimsoll_http_certificate){.certificate = plimsoll_span_of(leaf->certificate),
                                            .key = plimsoll_span_of(leaf->key),
                                            .ca_expires_unix_s = leaf->ca_expires_ms / 1000},
        err);
}

/* Another certificate when one is due; not one that nobody trusts yet in the place of a good one.
 */
static int serve(struct plimsoll_certificates *keeper, int64_t now_ms, struct plimsoll_error *err)
{
    struct plimsoll_leaf leaf = {.certificate = NULL};
    if (!plimsoll_leaf_due(keeper->authority, &keeper->leaf, now_ms)) {
        return 0;
    }
    if (plimsoll_leaf_sign(keeper->authority, &keeper->names.list, now_ms, &leaf, err) != 0) {
        return -1;
    }
    int result = 0;
    bool better = !plimsoll_leaf_valid(&keeper->leaf, now_ms) ||
                  !is_trusted(&keeper->leaf, &keeper->trust) || is_trusted(&leaf, &keeper->trust);
    if (better && (result = give(keeper, &leaf, err)) == 0) {
        struct plimsoll_leaf old = keeper->leaf;
        keeper->leaf = leaf;
        leaf = old;
    }
    plimsoll_leaf_clear(&leaf);
    return result;
}

/* -- the thread ----------------------------------------------------------------------------------
 */

static void put_state(struct plimsoll_certificates *keeper, const struct plimsoll_error *state)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->state = *state;
    pthread_mutex_unlock(&keeper->lock);
}

/* Whether pods can be reviewed by this server, whatever else went wrong. */
static void set_state(struct plimsoll_certificates *keeper, const struct plimsoll_error *why,
                      int64_t now_ms)
{
    struct plimsoll_error state = {.kind = PLIMSOLL_ERR_NONE};
    if (!plimsoll_leaf_valid(&keeper->leaf, now_ms)) {
        (void)plimsoll_error_set(&state, PLIMSOLL_ERR_UNAVAILABLE, "no serving certificate yet");
    } else if (!is_trusted(&keeper->leaf, &keeper->trust)) {
        (void)plimsoll_error_set(&state, PLIMSOLL_ERR_UNAVAILABLE,
                                 "the caBundle of MutatingWebhookConfiguration %s lacks the CA",
                                 keeper->config->webhook);
    }
    if (state.kind != PLIMSOLL_ERR_NONE && why->kind != PLIMSOLL_ERR_NONE) {
        (void)plimsoll_error_wrap(&state, "%s", why->message);
    }
    put_state(keeper, &state);
}

static void say(struct plimsoll_certificates *keeper, const struct plimsoll_error *err)
{
    const char *message = err->kind == PLIMSOLL_ERR_NONE ? "" : err->message;
    if (strcmp(message, keeper->said) == 0) {
        return;
    }
    if (err->kind == PLIMSOLL_ERR_NONE) {
        plimsoll_log(PLIMSOLL_LOG_INFO, "certificates are right again",
                     PLIMSOLL_STR("webhook", keeper->config->webhook));
    } else {
        plimsoll_log(PLIMSOLL_LOG_WARN, "certificates are not right", PLIMSOLL_STR("err", message));
    }
    memcpy(keeper->said, message, strlen(message) + 1);
}

static bool is_stopping(struct plimsoll_certificates *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    bool stopping = keeper->stopping;
    pthread_mutex_unlock(&keeper->lock);
    return stopping;
}

/* Do all webhooks trust the certificate that somebody else keeps in the listener's files? */
static int check_file(const struct plimsoll_certificates *keeper, struct plimsoll_error *err)
{
    for (size_t i = 0; i < keeper->trust.count; i++) {
        if (plimsoll_certs_check_trust(keeper->config->tls_cert,
                                       plimsoll_text_span(&keeper->trust.webhooks[i].bundle),
                                       plimsoll_clock_unix_ms(), err) != 0) {
            return plimsoll_error_wrap(
                err, "the caBundle of MutatingWebhookConfiguration %s does not fit %s",
                keeper->config->webhook, keeper->config->tls_cert);
        }
    }
    return 0;
}

/* A look at what others keep right. An API server that is away changes nothing, once it has
 * answered. @return true when all is right. */
static bool look_on(struct plimsoll_certificates *keeper)
{
    struct plimsoll_error err = {.kind = PLIMSOLL_ERR_NONE}, state = {.kind = PLIMSOLL_ERR_NONE};
    bool read = read_trust(keeper, &err) == 0;
    if (!read && keeper->trust.count == 0) {
        state = err;
    } else if (check_file(keeper, &state) != 0) {
        err = state;
    }
    put_state(keeper, &state);
    say(keeper, &err);
    return err.kind == PLIMSOLL_ERR_NONE;
}

/*
 * One look at everything. What the API server does not say now is as it said last, so that a
 * certificate is renewed in time while it is away.
 * @return true when all is right.
 */
static bool look(struct plimsoll_certificates *keeper)
{
    int64_t now_ms = plimsoll_clock_unix_ms();
    struct plimsoll_error err = {.kind = PLIMSOLL_ERR_NONE}, later;
    /* Trust is read first: a CA that is made now goes behind what is trusted. */
    bool right = read_trust(keeper, &err) == 0;
    right = read_authority(keeper, now_ms, right ? &err : &later) == 0 && right;
    if (keeper->authority != NULL && !is_stopping(keeper)) {
        right = (keeper->trust.count == 0 || publish(keeper, now_ms, right ? &err : &later) == 0) &&
                right;
        right = serve(keeper, now_ms, right ? &err : &later) == 0 && right;
        right = tell_others(keeper, now_ms, right ? &err : &later) == 0 && right;
    }
    set_state(keeper, &err, now_ms);
    say(keeper, &err);
    return right;
}

/* @return false when it is time to stop. */
static bool nap(struct plimsoll_certificates *keeper, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&keeper->lock);
    int result = 0;
    while (!keeper->stopping && result == 0) {
        result = pthread_cond_timedwait(&keeper->changed, &keeper->lock, &until);
    }
    bool going = !keeper->stopping;
    pthread_mutex_unlock(&keeper->lock);
    return going;
}

static void *run(void *context)
{
    struct plimsoll_certificates *keeper = context;
    int64_t retry_ms = RETRY_FIRST_MS, wait_ms;
    do {
        if (keeper->config->tls_secret != NULL ? look(keeper) : look_on(keeper)) {
            retry_ms = RETRY_FIRST_MS;
            wait_ms = LOOK_MS;
        } else {
            wait_ms = retry_ms;
            retry_ms = retry_ms * 2 < RETRY_LAST_MS ? retry_ms * 2 : RETRY_LAST_MS;
        }
    } while (nap(keeper, wait_ms));
    return NULL;
}

/* -- life ----------------------------------------------------------------------------------------
 */

struct plimsoll_certificates *plimsoll_certificates_new(struct plimsoll_kube *kube,
                                                        const struct plimsoll_config *config)
{
    struct plimsoll_certificates *keeper = plimsoll_alloc(1, sizeof *keeper);
    pthread_condattr_t attributes;
    keeper->kube = kube;
    keeper->config = config;
    /* Checked before: plimsoll_certificates_check_names. */
    if (config->tls_secret != NULL) {
        (void)fill_names(&keeper->names, config, plimsoll_kube_namespace(kube));
    }
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    (void)plimsoll_error_set(&keeper->state, PLIMSOLL_ERR_UNAVAILABLE, "not looked at yet");
    return keeper;
}

void plimsoll_certificates_start(struct plimsoll_certificates *keeper, struct plimsoll_http *http,
                                 size_t index)
{
    keeper->http = http;
    keeper->listener = index;
    if (pthread_create(&keeper->thread, NULL, run, keeper) != 0) {
        abort(); /* no threads is no memory */
    }
    keeper->runs = true;
}

void plimsoll_certificates_end(struct plimsoll_certificates *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->stopping = true;
    pthread_cond_broadcast(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
    if (keeper->runs) {
        pthread_join(keeper->thread, NULL);
        keeper->runs = false;
    }
}

void plimsoll_certificates_free(struct plimsoll_certificates **certificates)
{
    struct plimsoll_certificates *keeper = PLIMSOLL_TAKE(*certificates);
    if (keeper == NULL) {
        return;
    }
    plimsoll_certificates_end(keeper);
    plimsoll_authority_free(&keeper->authority);
    plimsoll_trust_clear(&keeper->trust);
    plimsoll_leaf_clear(&keeper->leaf);
    pthread_cond_destroy(&keeper->changed);
    pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}

int plimsoll_certificates_ready(void *keeper, struct plimsoll_error *err)
{
    struct plimsoll_certificates *mine = keeper;
    pthread_mutex_lock(&mine->lock);
    struct plimsoll_error state = mine->state;
    pthread_mutex_unlock(&mine->lock);
    if (state.kind == PLIMSOLL_ERR_NONE) {
        return 0;
    }
    *err = state;
    return -1;
}

void plimsoll_certificates_metrics(struct plimsoll_certificates *keeper, struct plimsoll_text *out)
{
    static const char name[] = "plimsoll_cabundle_patches_total";
    plimsoll_metrics_head(out, name, "counter", "Writes of the webhook's caBundle.");
    plimsoll_metrics_uint(out, name, atomic_load(&keeper->patches_ok), "result", "ok",
                          (const char *)NULL);
    plimsoll_metrics_uint(out, name, atomic_load(&keeper->patches_failed), "result", "failed",
                          (const char *)NULL);
}
