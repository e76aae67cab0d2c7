/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/runtime.h>

#include "files.h"

#define MOUNTS "/var/run/nvidia-container-devices"

enum plimsoll_trilean plimsoll_runtime_proves(const struct plimsoll_runtime_seen *seen)
{
    const char *visible = seen->visible_devices != NULL ? seen->visible_devices : "";
    /* `void` is what remains of a variable that was honoured by CDI. */
    bool asked = visible[0] != '\0' && strcmp(visible, "none") != 0 &&
                 strncmp(visible, MOUNTS, sizeof MOUNTS - 1) != 0;
    return seen->cards && asked && !seen->privileged && !seen->mounts ? PLIMSOLL_YES
                                                                      : PLIMSOLL_UNKNOWN;
}

enum plimsoll_trilean plimsoll_runtime_toolkit(struct plimsoll_span config)
{
    enum plimsoll_trilean answer = PLIMSOLL_YES;
    struct plimsoll_span line, key;
    while (plimsoll_span_cut(&config, '\n', &line)) {
        line = plimsoll_span_trim(line);
        if (plimsoll_span_starts(line, "[")) {
            break; /* the key is of no section */
        }
        struct plimsoll_span value = {0};
        if (!plimsoll_span_cut(&line, '=', &key) ||
            !plimsoll_span_is(plimsoll_span_trim(key),
                              "accept-nvidia-visible-devices-envvar-when-unprivileged")) {
            continue;
        }
        (void)plimsoll_span_cut(&line, '#', &value);
        value = plimsoll_span_trim(value);
        answer = plimsoll_span_is(value, "true")    ? PLIMSOLL_YES
                 : plimsoll_span_is(value, "false") ? PLIMSOLL_NO
                                                    : PLIMSOLL_UNKNOWN;
    }
    return answer;
}

enum plimsoll_trilean plimsoll_runtime_configured(const char *root)
{
    static const char *const folders[] = {"/etc", "/usr/local/nvidia/toolkit/.config"};
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    enum plimsoll_trilean answer = PLIMSOLL_UNKNOWN;
    bool found = false;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_TOOLKIT_BYTES_MAX);
        struct plimsoll_error err;
        if (!plimsoll_device_path(path, "%s%s/nvidia-container-runtime/config.toml", root,
                                  folders[i]) ||
            plimsoll_device_file(path, &text, NULL, &err) < 0) {
            continue;
        }
        enum plimsoll_trilean one = plimsoll_runtime_toolkit(plimsoll_text_span(&text));
        answer = !found || answer == one ? one : PLIMSOLL_UNKNOWN;
        found = true;
    }
    return answer;
}
