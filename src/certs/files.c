/* SPDX-License-Identifier: Apache-2.0 */
/* NAME.crt and NAME.key in PEM form, each replaced atomically. */
#include "certs.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define PATH_SIZE 4096

static int make_path(char path[PATH_SIZE], const char *directory, const char *name,
                     const char *suffix, struct plimsoll_error *err)
{
    int size = snprintf(path, PATH_SIZE, "%s/%s%s", directory, name, suffix);
    if (size < 0 || size >= PATH_SIZE) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "the directory's name is too long");
    }
    return 0;
}

static int failed(struct plimsoll_error *err, const char *path)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
}

int make_directory(const char *directory, struct plimsoll_error *err)
{
    struct stat status;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        return failed(err, directory);
    }
    if (stat(directory, &status) != 0) {
        return failed(err, directory);
    }
    if (!S_ISDIR(status.st_mode)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s is not a directory", directory);
    }
    return 0;
}

static int load_certificate(const char *path, struct pair *pair, struct plimsoll_error *err)
{
    plimsoll_autofclose FILE *file = fopen(path, "re");
    if (file == NULL) {
        return failed(err, path);
    }
    pair->certificate = PEM_read_X509(file, NULL, NULL, NULL);
    if (pair->certificate == NULL) {
        ERR_clear_error();
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: no certificate in PEM form",
                                  path);
    }
    return 0;
}

/* Asking at a terminal for a password would be a surprise: an encrypted key is no key. */
static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

static int load_key(const char *path, struct pair *pair, struct plimsoll_error *err)
{
    plimsoll_autofclose FILE *file = fopen(path, "re");
    if (file == NULL) {
        return failed(err, path);
    }
    pair->key = PEM_read_PrivateKey(file, NULL, no_password, NULL);
    if (pair->key == NULL) {
        ERR_clear_error();
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "%s: no key in PEM form without a password", path);
    }
    return 0;
}

static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 || errno != ENOENT;
}

int load_pair(const char *directory, const char *name, struct pair *pair,
              struct plimsoll_error *err)
{
    char certificate[PATH_SIZE], key[PATH_SIZE];
    plimsoll_autopair loaded = {.key = NULL};
    if (make_path(certificate, directory, name, ".crt", err) != 0 ||
        make_path(key, directory, name, ".key", err) != 0) {
        return -1;
    }
    if (!exists(certificate) && !exists(key)) {
        return 0;
    }
    if (load_certificate(certificate, &loaded, err) != 0 || load_key(key, &loaded, err) != 0) {
        return -1;
    }
    *pair = loaded;
    loaded = (struct pair){.key = NULL};
    return 1;
}

static bool write_pem(FILE *file, X509 *certificate, EVP_PKEY *key)
{
    return certificate != NULL
               ? PEM_write_X509(file, certificate) == 1
               : PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
}

/* Both written fully and on disk before the name is theirs. */
static int save(const char *path, X509 *certificate, EVP_PKEY *key, struct plimsoll_error *err)
{
    char fresh[PATH_SIZE + 8];
    (void)snprintf(fresh, sizeof fresh, "%s.XXXXXX", path);
    int fd = mkostemp(fresh, O_CLOEXEC); /* mode 0600 */
    if (fd < 0) {
        return failed(err, path);
    }
    FILE *file = fdopen(fd, "w");
    if (file == NULL) {
        int result = failed(err, path);
        close(fd);
        (void)unlink(fresh);
        return result;
    }
    mode_t mode = key != NULL ? 0600 : 0644;
    bool written = write_pem(file, certificate, key) && fflush(file) == 0 && fsync(fd) == 0 &&
                   fchmod(fd, mode) == 0;
    written = fclose(file) == 0 && written;
    if (!written || rename(fresh, path) != 0) {
        int result = failed(err, path);
        (void)unlink(fresh);
        return result;
    }
    return 0;
}

int save_pair(const char *directory, const char *name, const struct pair *pair,
              struct plimsoll_error *err)
{
    char certificate[PATH_SIZE], key[PATH_SIZE];
    if (make_path(certificate, directory, name, ".crt", err) != 0 ||
        make_path(key, directory, name, ".key", err) != 0) {
        return -1;
    }
    return save(key, NULL, pair->key, err) == 0 ? save(certificate, pair->certificate, NULL, err)
                                                : -1;
}
