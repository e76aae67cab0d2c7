/* SPDX-License-Identifier: Apache-2.0 */
#include "browser.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __APPLE__
static const char opener[] = "open";
#else
static const char opener[] = "xdg-open";
#endif

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

/* Without a display xdg-open starts a browser of text, which would want this terminal. */
static bool has_display(void)
{
#ifdef __APPLE__
    return true;
#else
    return is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
#endif
}

void plimsoll_browser_open(const char *url)
{
    if (isatty(STDOUT_FILENO) != 1 || !has_display()) {
        return;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    /* A group of its own: Ctrl-C ends the port-forward, not a browser that was started for it. */
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    /* The signature is older than const; execve does not write. */
    const char *const argv[] = {opener, url, NULL};
    char *const *arguments;
    const char *const *words = argv;
    memcpy(&arguments, &words, sizeof arguments);
    pid_t pid;
    (void)posix_spawnp(&pid, opener, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
}
