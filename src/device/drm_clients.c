/* SPDX-License-Identifier: Apache-2.0 */
#include "drm_clients.h"

#include "fdinfo.h"
#include "files.h"

#include <dirent.h>
#include <errno.h>

/* An open file of a card. */
struct file {
    int32_t pid, fd;
};

struct files {
    struct file *list; /* owned; by pid once sorted */
    size_t count, capacity;
};

struct plimsoll_drm_clients {
    struct files files;
    bool denied[PLIMSOLL_DRM_TURNS]; /* in the last look of that turn */
    bool looked;
    bool too_many;
    unsigned turn;
};

/* What one file says, for one target. */
struct use {
    uint32_t target;
    struct plimsoll_fdinfo info;
    struct file file;
    uint64_t bytes; /* PLIMSOLL_BYTES_UNKNOWN */
};

struct plimsoll_drm_clients *plimsoll_drm_clients_new(void)
{
    return plimsoll_alloc(1, sizeof(struct plimsoll_drm_clients));
}

void plimsoll_drm_clients_free(struct plimsoll_drm_clients **handle)
{
    if (*handle != NULL) {
        free((*handle)->files.list);
        free(PLIMSOLL_TAKE(*handle));
    }
}

/* A process's or a file's number by its folder's entry; -1 for others. */
static int32_t number_of(const char *name)
{
    unsigned long long value;
    return plimsoll_span_decimal(plimsoll_span_of(name), &value) && value <= INT32_MAX
               ? (int32_t)value
               : -1;
}

static void add_file(struct plimsoll_drm_clients *clients, struct files *files, int32_t pid,
                     int32_t fd)
{
    if (files->count == PLIMSOLL_DEVICE_PROCESSES_MAX) {
        clients->too_many = true;
        return;
    }
    if (files->count == files->capacity) {
        files->capacity = files->capacity > 0 ? files->capacity * 2 : 16;
        files->list = plimsoll_realloc(files->list, files->capacity, sizeof *files->list);
    }
    files->list[files->count++] = (struct file){.pid = pid, .fd = fd};
}

static bool is_denial(int number)
{
    return number == EACCES || number == EPERM;
}

/* Looks at every open file of the process. */
static void look_into(struct plimsoll_drm_clients *clients, struct files *files, const char *root,
                      int32_t pid)
{
    static const char prefix[] = "/dev/dri/";
    char path[PLIMSOLL_DEVICE_PATH_MAX], target[sizeof prefix];
    bool *denied = &clients->denied[(unsigned)pid % PLIMSOLL_DRM_TURNS];
    if (!plimsoll_device_path(path, "%s/proc/%d/fd", root, (int)pid)) {
        return;
    }
    DIR *entries = opendir(path);
    if (entries == NULL) {
        *denied = *denied || is_denial(errno); /* else it has ended */
        return;
    }
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        int32_t fd = number_of(entry->d_name);
        if (fd < 0) {
            continue;
        }
        ssize_t size = readlinkat(dirfd(entries), entry->d_name, target, sizeof prefix - 1);
        if (size < 0 && is_denial(errno)) {
            *denied = true;
            break;
        }
        if (size == sizeof prefix - 1 && memcmp(target, prefix, sizeof prefix - 1) == 0) {
            add_file(clients, files, pid, fd);
        }
    }
    closedir(entries);
}

static int compare_files(const void *left, const void *right)
{
    const struct file *a = left, *b = right;
    int order = (a->pid > b->pid) - (a->pid < b->pid);
    return order != 0 ? order : (a->fd > b->fd) - (a->fd < b->fd);
}

/* What was found in the process when it had its turn. */
static void keep_known(struct plimsoll_drm_clients *clients, struct files *files, int32_t pid)
{
    size_t low = 0, high = clients->files.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (clients->files.list[middle].pid < pid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < clients->files.count && clients->files.list[low].pid == pid; low++) {
        add_file(clients, files, pid, clients->files.list[low].fd);
    }
}

/* Finds the open files of cards. @return false when there is no /proc */
static bool find_files(struct plimsoll_drm_clients *clients, const char *root)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    DIR *entries = plimsoll_device_path(path, "%s/proc", root) ? opendir(path) : NULL;
    if (entries == NULL) {
        return false;
    }
    struct files files = {0};
    clients->too_many = false;
    clients->denied[clients->turn] = false;
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        int32_t pid = number_of(entry->d_name);
        if (pid <= 0) {
            continue;
        }
        if (!clients->looked || (unsigned)pid % PLIMSOLL_DRM_TURNS == clients->turn) {
            look_into(clients, &files, root, pid);
        } else {
            keep_known(clients, &files, pid);
        }
    }
    closedir(entries);
    if (files.count > 0) {
        qsort(files.list, files.count, sizeof *files.list, compare_files);
    }
    free(clients->files.list);
    clients->files = files;
    clients->looked = true;
    clients->turn = (clients->turn + 1) % PLIMSOLL_DRM_TURNS;
    return true;
}

/* @return false: no file of a target, or it is closed */
static bool ask_file(struct plimsoll_drm_clients *clients, const char *root, struct file file,
                     const struct plimsoll_drm_target *targets, uint32_t count, struct use *use)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_FDINFO_BYTES_MAX);
    struct plimsoll_error err;
    if (!plimsoll_device_path(path, "%s/proc/%d/fdinfo/%d", root, (int)file.pid, (int)file.fd)) {
        return false;
    }
    if (plimsoll_device_file(path, &text, NULL, &err) < 0) {
        bool *denied = &clients->denied[(unsigned)file.pid % PLIMSOLL_DRM_TURNS];
        *denied = *denied || err.kind == PLIMSOLL_ERR_DENIED || err.kind == PLIMSOLL_ERR_TOO_LARGE;
        return false;
    }
    *use = (struct use){.file = file, .bytes = PLIMSOLL_BYTES_UNKNOWN};
    if (!plimsoll_fdinfo_read(plimsoll_text_span(&text), &use->info)) {
        return false;
    }
    while (use->target < count && strcmp(targets[use->target].device->pci, use->info.pci) != 0) {
        use->target++;
    }
    if (use->target == count) {
        return false;
    }
    (void)plimsoll_fdinfo_bytes(plimsoll_text_span(&text), targets[use->target].regions,
                                &use->bytes);
    return true;
}

/* A client once, with its lowest process: files are duplicated and handed to children. */
static int compare_clients(const void *left, const void *right)
{
    const struct use *a = left, *b = right;
    if (a->target != b->target) {
        return a->target < b->target ? -1 : 1;
    }
    if (a->info.client_known != b->info.client_known) {
        return a->info.client_known ? -1 : 1;
    }
    if (a->info.client != b->info.client) {
        return a->info.client < b->info.client ? -1 : 1;
    }
    return compare_files(&a->file, &b->file);
}

static int compare_processes(const void *left, const void *right)
{
    const struct use *a = left, *b = right;
    if (a->target != b->target) {
        return a->target < b->target ? -1 : 1;
    }
    return compare_files(&a->file, &b->file);
}

static size_t drop_duplicates(struct use *uses, size_t count)
{
    size_t kept = 0;
    if (count > 0) {
        qsort(uses, count, sizeof *uses, compare_clients);
    }
    for (size_t i = 0; i < count; i++) {
        bool same = kept > 0 && uses[i].info.client_known && uses[kept - 1].info.client_known &&
                    uses[kept - 1].target == uses[i].target &&
                    uses[kept - 1].info.client == uses[i].info.client;
        if (!same) {
            uses[kept++] = uses[i];
        }
    }
    if (kept > 0) {
        qsort(uses, kept, sizeof *uses, compare_processes);
    }
    return kept;
}

static void add_use(struct plimsoll_device *device, const struct use *use)
{
    struct plimsoll_device_process *last =
        device->process_count > 0 ? &device->processes[device->process_count - 1] : NULL;
    if (last == NULL || last->pid != use->file.pid) {
        device->processes = plimsoll_realloc(device->processes, device->process_count + 1,
                                             sizeof *device->processes);
        device->processes[device->process_count++] =
            (struct plimsoll_device_process){.pid = use->file.pid, .bytes = use->bytes};
    } else if (last->bytes == PLIMSOLL_BYTES_UNKNOWN || use->bytes == PLIMSOLL_BYTES_UNKNOWN) {
        last->bytes = PLIMSOLL_BYTES_UNKNOWN;
    } else {
        last->bytes = use->bytes > INT64_MAX - last->bytes ? INT64_MAX : last->bytes + use->bytes;
    }
}

static void ask_files(struct plimsoll_drm_clients *clients, const char *root,
                      const struct plimsoll_drm_target *targets, uint32_t count)
{
    plimsoll_autofree struct use *uses = plimsoll_alloc(clients->files.count + 1, sizeof *uses);
    size_t used = 0;
    for (size_t i = 0; i < clients->files.count; i++) {
        used += ask_file(clients, root, clients->files.list[i], targets, count, &uses[used]);
    }
    used = drop_duplicates(uses, used);
    for (size_t i = 0; i < used; i++) {
        if (uses[i].bytes > 0) { /* who has it open and nothing in it is not on the card */
            add_use(targets[uses[i].target].device, &uses[i]);
        }
    }
}

bool plimsoll_drm_clients_look(struct plimsoll_drm_clients *clients, const char *root,
                               const struct plimsoll_drm_target *targets, uint32_t count)
{
    bool found = find_files(clients, root), denied = false;
    if (found) {
        ask_files(clients, root, targets, count);
    }
    for (unsigned i = 0; i < PLIMSOLL_DRM_TURNS; i++) {
        denied = denied || clients->denied[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        targets[i].device->processes_known = found && !denied && !clients->too_many;
    }
    return !denied;
}
