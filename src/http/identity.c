/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include <plimsoll/log.h>
#include <plimsoll/span.h>

#include <gnutls/x509.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define PEM_BYTES_MAX (1024u * 1024)

struct identity {
    atomic_uint holders;
    gnutls_certificate_credentials_t credentials;
    gnutls_datum_t ticket_key;
    int64_t expires_unix_s, ca_expires_unix_s;
};

/* Changes when the file does, and when a symbolic link on the way is swapped. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct stamps {
    struct stamp cert, key, client_ca;
};

struct identity_source {
    struct identity_files files;
    pthread_mutex_t lock;     /* guards now */
    struct identity *now;     /* NULL: none yet */
    pthread_mutex_t change;   /* held while another is put together; guards what follows */
    gnutls_datum_t cert, key; /* given; empty: none yet */
    int64_t ca_expires_unix_s;
    struct stamps stamps;                      /* of now */
    char refused[PLIMSOLL_ERROR_MESSAGE_SIZE]; /* said already */
    _Atomic uint64_t reloads, reloads_failed;
};

static void wipe(gnutls_datum_t *datum)
{
    if (datum->data != NULL) {
        gnutls_memset(datum->data, 0, datum->size);
        gnutls_free(datum->data);
    }
    *datum = (gnutls_datum_t){.data = NULL};
}

#define plimsoll_autodatum __attribute__((cleanup(wipe))) gnutls_datum_t

static int read_pem(const char *path, gnutls_datum_t *pem, struct plimsoll_error *err)
{
    plimsoll_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode) || status.st_size > PEM_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "%s: not a file of at most %u bytes in PEM form", path,
                                  PEM_BYTES_MAX);
    }
    size_t size = (size_t)status.st_size;
    unsigned char *data = gnutls_malloc(size + 1);
    if (data == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "%s: out of memory", path);
    }
    ssize_t got = read(fd, data, size);
    *pem = (gnutls_datum_t){.data = data, .size = (unsigned)size};
    if (got < 0 || (size_t)got != size) {
        wipe(pem);
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "%s: changed while being read",
                                  path);
    }
    return 0;
}

static void identity_free(struct identity *identity)
{
    if (identity->credentials != NULL) {
        gnutls_certificate_free_credentials(identity->credentials);
    }
    wipe(&identity->ticket_key);
    free(identity);
}

static void free_certificate(gnutls_x509_crt_t *certificate)
{
    gnutls_x509_crt_deinit(*certificate);
}

static void free_key(gnutls_x509_privkey_t *key)
{
    gnutls_x509_privkey_deinit(*key);
}

static bool is_key_of(gnutls_x509_privkey_t key, gnutls_x509_crt_t certificate)
{
    unsigned char id[2][64];
    size_t size[2] = {sizeof id[0], sizeof id[1]};
    return gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id[0], &size[0]) == 0 &&
           gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, id[1], &size[1]) == 0 &&
           size[0] == size[1] && memcmp(id[0], id[1], size[0]) == 0;
}

/*
 * Before the credentials see them: for a better sentence, and because GnuTLS 3.7.9 loses the
 * certificate when the key is another's, which a pair that is being replaced may be every second.
 */
static int check_pair(const gnutls_datum_t *cert, const gnutls_datum_t *key,
                      const struct identity_files *files, int64_t *expires_unix_s,
                      struct plimsoll_error *err)
{
    __attribute__((cleanup(free_certificate))) gnutls_x509_crt_t leaf = NULL;
    __attribute__((cleanup(free_key))) gnutls_x509_privkey_t private = NULL;
    if (gnutls_x509_crt_init(&leaf) != 0 || gnutls_x509_privkey_init(&private) != 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "%s: out of memory", files->cert);
    }
    if (gnutls_x509_crt_import(leaf, cert, GNUTLS_X509_FMT_PEM) != 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: no certificate in PEM form",
                                  files->cert);
    }
    if (gnutls_x509_privkey_import2(private, key, GNUTLS_X509_FMT_PEM, NULL, 0) != 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "%s: no key in PEM form without a password", files->key);
    }
    if (!is_key_of(private, leaf)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s is not the key of %s", files->key,
                                  files->cert);
    }
    *expires_unix_s = (int64_t)gnutls_x509_crt_get_expiration_time(leaf);
    return 0;
}

static int use_pair(struct identity *identity, const gnutls_datum_t *cert,
                    const gnutls_datum_t *key, const struct identity_files *files,
                    struct plimsoll_error *err)
{
    if (check_pair(cert, key, files, &identity->expires_unix_s, err) != 0) {
        return -1;
    }
    int result =
        gnutls_certificate_set_x509_key_mem(identity->credentials, cert, key, GNUTLS_X509_FMT_PEM);
    if (result < 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s and %s cannot be used: %s",
                                  files->cert, files->key, gnutls_strerror(result));
    }
    return 0;
}

static int load_client_ca(struct identity *identity, const struct identity_files *files,
                          struct plimsoll_error *err)
{
    if (files->client_ca == NULL) {
        return 0;
    }
    plimsoll_autodatum ca = {.data = NULL};
    if (read_pem(files->client_ca, &ca, err) != 0) {
        return -1;
    }
    int count =
        gnutls_certificate_set_x509_trust_mem(identity->credentials, &ca, GNUTLS_X509_FMT_PEM);
    if (count <= 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: no certificate in PEM form",
                                  files->client_ca);
    }
    return 0;
}

static int load_pair(struct identity *identity, const struct identity_files *files,
                     struct plimsoll_error *err)
{
    plimsoll_autodatum cert = {.data = NULL}, key = {.data = NULL};
    if (read_pem(files->cert, &cert, err) != 0 || read_pem(files->key, &key, err) != 0) {
        return -1;
    }
    return use_pair(identity, &cert, &key, files, err);
}

/* For messages about what came without a file. */
static const struct identity_files given_names = {.cert = "the certificate given",
                                                  .key = "the key given"};

/* @param cert  Given, with `key`; NULL: from the files. */
static struct identity *load(const struct identity_files *files, const gnutls_datum_t *cert,
                             const gnutls_datum_t *key, struct plimsoll_error *err)
{
    struct identity *identity = plimsoll_alloc(1, sizeof *identity);
    atomic_init(&identity->holders, 1);
    if (gnutls_certificate_allocate_credentials(&identity->credentials) != 0 ||
        gnutls_session_ticket_key_generate(&identity->ticket_key) != 0) {
        (void)plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "GnuTLS cannot make credentials");
        identity_free(identity);
        return NULL;
    }
    int result = cert != NULL ? use_pair(identity, cert, key, &given_names, err)
                              : load_pair(identity, files, err);
    if (result != 0 || load_client_ca(identity, files, err) != 0) {
        identity_free(identity);
        return NULL;
    }
    return identity;
}

static struct stamp stamp_of(const char *path)
{
    struct stat status;
    if (path == NULL || stat(path, &status) != 0) {
        return (struct stamp){.size = -1};
    }
    return (struct stamp){.device = status.st_dev,
                          .inode = status.st_ino,
                          .size = status.st_size,
                          .modified = status.st_mtim};
}

static struct stamps stamps_of(const struct identity_files *files)
{
    return (struct stamps){.cert = stamp_of(files->cert),
                           .key = stamp_of(files->key),
                           .client_ca = stamp_of(files->client_ca)};
}

static bool same_file(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

static bool same_files(const struct stamps *a, const struct stamps *b)
{
    return same_file(&a->cert, &b->cert) && same_file(&a->key, &b->key) &&
           same_file(&a->client_ca, &b->client_ca);
}

struct identity_source *identity_source_new(const struct identity_files *files,
                                            struct plimsoll_error *err)
{
    /* Stamped before reading: a change in between is seen as one at the next check. */
    struct stamps stamps = stamps_of(files);
    struct identity *identity = NULL;
    if (files->cert != NULL && (identity = load(files, NULL, NULL, err)) == NULL) {
        return NULL;
    }
    struct identity_source *source = plimsoll_alloc(1, sizeof *source);
    source->files = *files;
    source->now = identity;
    source->stamps = stamps;
    pthread_mutex_init(&source->lock, NULL);
    pthread_mutex_init(&source->change, NULL);
    return source;
}

void identity_source_free(struct identity_source *source)
{
    if (source != NULL) {
        identity_drop(source->now);
        wipe(&source->cert);
        wipe(&source->key);
        pthread_mutex_destroy(&source->lock);
        pthread_mutex_destroy(&source->change);
        free(source);
    }
}

static const char *name_of(const struct identity_source *source)
{
    return source->files.cert != NULL ? source->files.cert : "given";
}

static void say_refused(struct identity_source *source, const struct plimsoll_error *err)
{
    if (strcmp(source->refused, err->message) == 0) {
        return;
    }
    memcpy(source->refused, err->message, sizeof source->refused);
    atomic_fetch_add(&source->reloads_failed, 1);
    plimsoll_log(PLIMSOLL_LOG_WARN, "certificate not reloaded, the old one stays",
                 PLIMSOLL_STR("cert", name_of(source)), PLIMSOLL_STR("error", err->message));
}

static void replace(struct identity_source *source, struct identity *fresh)
{
    fresh->ca_expires_unix_s = source->ca_expires_unix_s;
    pthread_mutex_lock(&source->lock);
    struct identity *old = source->now;
    source->now = fresh;
    pthread_mutex_unlock(&source->lock);
    source->refused[0] = '\0';
    if (old != NULL) {
        atomic_fetch_add(&source->reloads, 1);
    }
    plimsoll_log(PLIMSOLL_LOG_INFO, old != NULL ? "certificate reloaded" : "certificate loaded",
                 PLIMSOLL_STR("cert", name_of(source)),
                 PLIMSOLL_INT("expires", fresh->expires_unix_s));
    identity_drop(old);
}

static void check_files(struct identity_source *source)
{
    struct stamps stamps = stamps_of(&source->files);
    bool nothing_to_load = source->files.cert == NULL && source->cert.data == NULL;
    if (nothing_to_load || same_files(&stamps, &source->stamps)) {
        return;
    }
    struct plimsoll_error err = {.kind = PLIMSOLL_ERR_NONE};
    const gnutls_datum_t *cert = source->cert.data != NULL ? &source->cert : NULL;
    struct identity *fresh = load(&source->files, cert, &source->key, &err);
    if (fresh == NULL) {
        say_refused(source, &err);
        return;
    }
    source->stamps = stamps;
    replace(source, fresh);
}

void identity_source_check(struct identity_source *source)
{
    pthread_mutex_lock(&source->change);
    check_files(source);
    pthread_mutex_unlock(&source->change);
}

static gnutls_datum_t copy_pem(struct plimsoll_span pem)
{
    gnutls_datum_t copy = {.data = gnutls_malloc(pem.size + 1), .size = (unsigned)pem.size};
    if (copy.data == NULL) {
        abort();
    }
    memcpy(copy.data, pem.data, pem.size);
    return copy;
}

static int take(struct identity_source *source, const struct plimsoll_http_certificate *certificate,
                struct plimsoll_error *err)
{
    plimsoll_autodatum cert = copy_pem(certificate->certificate);
    plimsoll_autodatum key = copy_pem(certificate->key);
    struct stamps stamps = stamps_of(&source->files);
    struct identity *fresh = load(&source->files, &cert, &key, err);
    if (fresh == NULL) {
        atomic_fetch_add(&source->reloads_failed, 1);
        return -1;
    }
    /* Kept for a change of the client CA. */
    gnutls_datum_t old_cert = source->cert, old_key = source->key;
    source->cert = cert;
    source->key = key;
    cert = old_cert;
    key = old_key;
    source->stamps = stamps;
    source->ca_expires_unix_s = certificate->ca_expires_unix_s;
    replace(source, fresh);
    return 0;
}

int identity_source_give(struct identity_source *source,
                         const struct plimsoll_http_certificate *certificate,
                         struct plimsoll_error *err)
{
    if (certificate->certificate.size == 0 || certificate->certificate.size > PEM_BYTES_MAX ||
        certificate->key.size == 0 || certificate->key.size > PEM_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "certificate and key must have 1 to %u bytes", PEM_BYTES_MAX);
    }
    pthread_mutex_lock(&source->change);
    int result = take(source, certificate, err);
    pthread_mutex_unlock(&source->change);
    return result;
}

struct identity *identity_hold(struct identity_source *source)
{
    pthread_mutex_lock(&source->lock);
    struct identity *identity = source->now;
    if (identity != NULL) {
        atomic_fetch_add(&identity->holders, 1);
    }
    pthread_mutex_unlock(&source->lock);
    return identity;
}

void identity_drop(struct identity *identity)
{
    if (identity != NULL && atomic_fetch_sub(&identity->holders, 1) == 1) {
        identity_free(identity);
    }
}

/* MHD only requests a certificate; this is what refuses. @return 0, else the handshake fails. */
static int verify_client(gnutls_session_t session, bool optional)
{
    unsigned count = 0, status = 0;
    if (optional && (gnutls_certificate_get_peers(session, &count) == NULL || count == 0)) {
        return 0;
    }
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char[]){GNUTLS_KP_TLS_WWW_CLIENT}};
    int result = gnutls_certificate_verify_peers(session, &purpose, 1, &status);
    return result == 0 && status == 0 ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

static int verify_required(gnutls_session_t session)
{
    return verify_client(session, false);
}

static int verify_optional(gnutls_session_t session)
{
    return verify_client(session, true);
}

int identity_apply(const struct identity *identity, const struct identity_source *source,
                   gnutls_session_t session)
{
    int result = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, identity->credentials);
    if (result == 0) {
        result = gnutls_session_ticket_enable_server(session, &identity->ticket_key);
    }
    if (source->files.client_ca != NULL) {
        bool optional = source->files.client_optional;
        gnutls_certificate_server_set_request(session,
                                              optional ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_REQUIRE);
        gnutls_session_set_verify_function(session, optional ? verify_optional : verify_required);
    }
    return result;
}

struct identity_numbers identity_numbers(struct identity_source *source)
{
    pthread_mutex_lock(&source->lock);
    struct identity_numbers numbers = {.expires_unix_s = 0};
    if (source->now != NULL) {
        numbers.expires_unix_s = source->now->expires_unix_s;
        numbers.ca_expires_unix_s = source->now->ca_expires_unix_s;
    }
    pthread_mutex_unlock(&source->lock);
    numbers.reloads = atomic_load(&source->reloads);
    numbers.reloads_failed = atomic_load(&source->reloads_failed);
    return numbers;
}
