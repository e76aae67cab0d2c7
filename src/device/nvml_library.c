/* SPDX-License-Identifier: Apache-2.0 */
#include "nvml_library.h"

#include "files.h"
#include "nvml_host.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libnvidia-ml.so.1"

/* Where drivers put the library when the loader does not know: distributions, containers of the
 * driver, GKE, Talos, NixOS, WSL. */
static const char *const folders[] = {
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu/nvidia/current",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu/nvidia",
    "/usr/lib",
    "/run/nvidia/driver/usr/lib64",
    "/run/nvidia/driver/usr/lib/x86_64-linux-gnu",
    "/run/nvidia/driver/usr/lib/aarch64-linux-gnu",
    "/home/kubernetes/bin/nvidia/lib64",
    "/usr/local/nvidia/lib64",
    "/usr/local/glibc/usr/lib",
    "/usr/local/lib",
    "/run/opengl-driver/lib",
    "/usr/lib/wsl/lib",
};

bool nvml_is_driver_gone(enum nvml_result result)
{
    return result == NVML_UNINITIALIZED || result == NVML_DRIVER_NOT_LOADED ||
           result == NVML_LIB_RM_VERSION_MISMATCH;
}

const char *nvml_result_text(enum nvml_result result)
{
    static const struct {
        enum nvml_result result;
        const char *text;
    } texts[] = {
        {NVML_UNINITIALIZED, "not initialised"},
        {NVML_NOT_SUPPORTED, "not supported"},
        {NVML_NO_PERMISSION, "no permission"},
        {NVML_NOT_FOUND, "not found"},
        {NVML_INSUFFICIENT_POWER, "power cable missing"},
        {NVML_DRIVER_NOT_LOADED, "driver not loaded"},
        {NVML_IRQ_ISSUE, "interrupts do not arrive"},
        {NVML_LIBRARY_NOT_FOUND, "a library of the driver is missing"},
        {NVML_CORRUPTED_INFOROM, "inforom corrupted"},
        {NVML_GPU_IS_LOST, "lost"},
        {NVML_RESET_REQUIRED, "reset required"},
        {NVML_LIB_RM_VERSION_MISMATCH, "driver and library have different versions"},
        {NVML_GPU_NOT_FOUND, "no card"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].result == result) {
            return texts[i].text;
        }
    }
    return "no answer";
}

static void *load_known_place(const char *root)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    void *loaded = NULL;
    for (size_t i = 0; i < sizeof folders / sizeof *folders && loaded == NULL; i++) {
        if (plimsoll_device_path(path, "%s%s/" LIBRARY, root, folders[i])) {
            loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        }
    }
    return loaded;
}

static void *load(const char *path, const char *root, struct plimsoll_error *err)
{
    void *loaded = dlopen(path == NULL ? LIBRARY : path, RTLD_NOW | RTLD_LOCAL);
    /* dlerror belongs to the first, whose words say what is wrong with a library that is there. */
    const char *why = loaded == NULL ? dlerror() : NULL;
    if (loaded == NULL) {
        (void)plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND, "no NVIDIA driver here: %s",
                                 why == NULL ? LIBRARY " cannot be loaded" : why);
        loaded = path == NULL ? load_known_place(root) : NULL;
    }
    return loaded;
}

/* POSIX wants a function's address to pass through void *; C17 has no conversion for it. */
static void look_up(void *loaded, const char *name, const char *older, void *function)
{
    void *address = dlsym(loaded, name);
    if (address == NULL && older != NULL) {
        address = dlsym(loaded, older);
    }
    memcpy(function, &address, sizeof address);
}

static int look_up_all(struct nvml_library *library, struct plimsoll_error *err)
{
    const char *missing = NULL;
#define X(member, parameters, needed, name, older)                                                 \
    look_up(library->loaded, name, older, &library->member);                                       \
    missing = (needed) && library->member == NULL ? (name) : missing;
    NVML_FUNCTIONS(X)
#undef X
    if (missing != NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE,
                                  LIBRARY " has no %s: the driver is too old or the file is not "
                                          "the driver's",
                                  missing);
    }
    return 0;
}

static int initialise(const struct nvml_library *library, const char *root,
                      struct plimsoll_error *err)
{
    enum nvml_result result = library->init();
    if (result == NVML_SUCCESS) {
        return 0;
    }
    enum plimsoll_error_kind kind = PLIMSOLL_ERR_UNAVAILABLE;
    if (result == NVML_NO_PERMISSION) {
        kind = PLIMSOLL_ERR_DENIED;
    } else if (result == NVML_DRIVER_NOT_LOADED && !nvml_host_has_card(root)) {
        kind = PLIMSOLL_ERR_NOT_FOUND; /* an image that brings the library */
    }
    return plimsoll_error_set(err, kind, "NVML does not start: %s (%u)", nvml_result_text(result),
                              (unsigned)result);
}

int nvml_library_open(struct nvml_library *library, const char *path, const char *root,
                      struct plimsoll_error *err)
{
    struct nvml_library opened = {.loaded = load(path, root, err)};
    if (opened.loaded == NULL) {
        /* A card that nobody measures is another thing than none. */
        if (nvml_host_has_card(root)) {
            err->kind = PLIMSOLL_ERR_UNAVAILABLE;
            return plimsoll_error_wrap(err, "an NVIDIA card is in this machine");
        }
        return -1;
    }
    if (look_up_all(&opened, err) != 0 || initialise(&opened, root, err) != 0) {
        dlclose(opened.loaded);
        return -1;
    }
    *library = opened;
    return 0;
}

void nvml_library_close(struct nvml_library *library)
{
    if (library->loaded != NULL) {
        (void)library->shutdown();
        dlclose(library->loaded);
        *library = (struct nvml_library){0};
    }
}
