/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

bool plimsoll_device_path(char out[PLIMSOLL_DEVICE_PATH_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(out, PLIMSOLL_DEVICE_PATH_MAX, format, arguments);
    va_end(arguments);
    return length >= 0 && length < PLIMSOLL_DEVICE_PATH_MAX;
}

static int fail(const char *path, int number, struct plimsoll_error *err)
{
    enum plimsoll_error_kind kind = PLIMSOLL_ERR_UNAVAILABLE;
    if (number == ENOENT || number == ESRCH || number == ENOTDIR) {
        kind = PLIMSOLL_ERR_NOT_FOUND;
    } else if (number == EACCES || number == EPERM) {
        kind = PLIMSOLL_ERR_DENIED;
    }
    return plimsoll_error_set(err, kind, "%s: %s", path, strerror(number));
}

static int read_all(int fd, const char *path, struct plimsoll_text *out, struct plimsoll_error *err)
{
    char chunk[4096];
    for (;;) {
        ssize_t size = read(fd, chunk, sizeof chunk);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return fail(path, errno, err);
        }
        if (size == 0) {
            return 0;
        }
        plimsoll_text_add(out, chunk, (size_t)size);
        if (out->overflowed) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                      "%s has more than %zu bytes; it is not what it should be",
                                      path, out->size_max);
        }
    }
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_stamp(const struct plimsoll_file_stamp *a, const struct plimsoll_file_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

int plimsoll_device_file(const char *path, struct plimsoll_text *out,
                         struct plimsoll_file_stamp *known, struct plimsoll_error *err)
{
    /* A pipe or terminal in place of a file must not hold the agent up. */
    plimsoll_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return fail(path, errno, err);
    }
    struct plimsoll_file_stamp stamp = {0};
    if (known != NULL) {
        struct stat status;
        if (fstat(fd, &status) < 0) {
            return fail(path, errno, err);
        }
        stamp = (struct plimsoll_file_stamp){.device = status.st_dev,
                                             .inode = status.st_ino,
                                             .size = status.st_size,
                                             .modified = status.st_mtim,
                                             .changed = status.st_ctim};
        if (same_stamp(&stamp, known)) {
            return 0;
        }
    }
    if (read_all(fd, path, out, err) < 0) {
        return -1;
    }
    if (known != NULL) {
        *known = stamp;
    }
    return 1;
}

enum plimsoll_sysfs plimsoll_sysfs_text(const char *folder, const char *name, char *out,
                                        size_t size)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_SYSFS_BYTES_MAX);
    struct plimsoll_error err;
    out[0] = '\0';
    if (!plimsoll_device_path(path, "%s/%s", folder, name)) {
        return PLIMSOLL_SYSFS_ABSENT;
    }
    if (plimsoll_device_file(path, &text, NULL, &err) < 0) {
        return err.kind == PLIMSOLL_ERR_NOT_FOUND ? PLIMSOLL_SYSFS_ABSENT : PLIMSOLL_SYSFS_FAILED;
    }
    struct plimsoll_span value = plimsoll_span_trim(plimsoll_text_span(&text));
    size_t kept = value.size < size ? value.size : size - 1;
    if (kept > 0) {
        memcpy(out, value.data, kept);
    }
    out[kept] = '\0';
    return PLIMSOLL_SYSFS_READ;
}

enum plimsoll_sysfs plimsoll_sysfs_uint(const char *folder, const char *name, uint64_t *out)
{
    char text[32], *end;
    enum plimsoll_sysfs state = plimsoll_sysfs_text(folder, name, text, sizeof text);
    if (state != PLIMSOLL_SYSFS_READ) {
        return state;
    }
    bool hex = text[0] == '0' && text[1] == 'x';
    const char *digits = hex ? text + 2 : text;
    size_t count = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
    if (count == 0 || digits[count] != '\0') {
        return PLIMSOLL_SYSFS_FAILED;
    }
    errno = 0;
    unsigned long long value = strtoull(digits, &end, hex ? 16 : 10);
    if (errno != 0) {
        return PLIMSOLL_SYSFS_FAILED;
    }
    *out = value;
    return PLIMSOLL_SYSFS_READ;
}
