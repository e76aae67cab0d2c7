/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MIB (1024ull * 1024)

static struct script script;

void script_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("played NVML: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

static void copy(char *out, size_t size, const char *word)
{
    if (word == NULL || strlen(word) >= size) {
        script_die("a word of the script is missing or too long: %s", word == NULL ? "" : word);
    }
    for (size_t i = 0; i <= strlen(word); i++) {
        out[i] = word[i];
        if (word[i] == '_') {
            out[i] = ' ';
        }
    }
}

static uint64_t number(const char *word)
{
    char *end = NULL;
    uint64_t value = word == NULL ? 0 : strtoull(word, &end, 0);
    if (word == NULL || *end != '\0') {
        script_die("no number in the script: %s", word == NULL ? "" : word);
    }
    return value;
}

static unsigned small(const char *word)
{
    return (unsigned)number(word);
}

/* The next word of the line; NULL at its end. */
static char *next(char **rest)
{
    char *word;
    do {
        word = strsep(rest, " \t");
    } while (word != NULL && *word == '\0');
    return word;
}

/* `key=value`; NULL at the line's end. */
static const char *next_pair(char **rest, char **value)
{
    char *word = next(rest);
    *value = word == NULL ? NULL : strchr(word, '=');
    if (word != NULL && *value == NULL) {
        script_die("not key=value: %s", word);
    }
    if (word != NULL) {
        *(*value)++ = '\0';
    }
    return word;
}

#define SLOT(list, count, max)                                                                     \
    (script.count < (max)                                                                          \
         ? &script.list[script.count++]                                                            \
         : (script_die("more " #count " than the player has room for"), &script.list[0]))

static void read_card(char **rest)
{
    struct script_card *card = SLOT(card, cards, SCRIPT_CARDS);
    *card = (struct script_card){.mig = -1,
                                 .recovery = -1,
                                 .events = 0xf,
                                 .mig_max = 7,
                                 .total = 16384 * MIB,
                                 .name = "NVIDIA Test"};
    copy(card->id, sizeof card->id, next(rest));
    char *value;
    for (const char *key; (key = next_pair(rest, &value)) != NULL;) {
        if (strcmp(key, "name") == 0) {
            copy(card->name, sizeof card->name, value);
        } else if (strcmp(key, "pci") == 0) {
            copy(card->pci, sizeof card->pci, value);
        } else if (strcmp(key, "total") == 0) {
            card->total = number(value) * MIB;
        } else if (strcmp(key, "reserved") == 0) {
            card->reserved = number(value) * MIB;
        } else if (strcmp(key, "used") == 0) {
            card->used = number(value) * MIB;
        } else if (strcmp(key, "mig") == 0) {
            card->mig = (long)number(value);
        } else if (strcmp(key, "migmax") == 0) {
            card->mig_max = small(value);
        } else if (strcmp(key, "recovery") == 0) {
            card->recovery = (long)number(value);
        } else if (strcmp(key, "remap") == 0) {
            card->remap = small(value);
        } else if (strcmp(key, "remapfailed") == 0) {
            card->remap_failed = small(value);
        } else if (strcmp(key, "retired") == 0) {
            card->retired = small(value);
        } else if (strcmp(key, "mode") == 0) {
            card->mode = small(value);
        } else if (strcmp(key, "ecc") == 0) {
            card->ecc = number(value);
        } else if (strcmp(key, "events") == 0) {
            card->events = number(value);
        } else if (strcmp(key, "grow") == 0) {
            card->grow = number(value);
        } else if (strcmp(key, "addressing") == 0) {
            card->addressing = small(value);
        } else if (strcmp(key, "include") == 0) {
            card->include = number(value) != 0;
        } else {
            script_die("card has no %s", key);
        }
    }
}

static void read_instance(char **rest)
{
    struct script_instance *one = SLOT(instance, instances, SCRIPT_INSTANCES);
    *one = (struct script_instance){.slices = 1, .compute_slices = 1};
    copy(one->card, sizeof one->card, next(rest));
    one->index = small(next(rest));
    copy(one->id, sizeof one->id, next(rest));
    char *value;
    for (const char *key; (key = next_pair(rest, &value)) != NULL;) {
        if (strcmp(key, "gi") == 0) {
            one->gi = small(value);
        } else if (strcmp(key, "ci") == 0) {
            one->ci = small(value);
        } else if (strcmp(key, "total") == 0) {
            one->total = number(value) * MIB;
        } else if (strcmp(key, "reserved") == 0) {
            one->reserved = number(value) * MIB;
        } else if (strcmp(key, "used") == 0) {
            one->used = number(value) * MIB;
        } else if (strcmp(key, "slices") == 0) {
            one->slices = small(value);
        } else if (strcmp(key, "cslices") == 0) {
            one->compute_slices = small(value);
        } else if (strcmp(key, "size") == 0) {
            one->size = number(value);
        } else if (strcmp(key, "name") == 0) {
            copy(one->name, sizeof one->name, value);
        } else {
            script_die("instance has no %s", key);
        }
    }
}

static void read_process(char **rest)
{
    struct script_process *one = SLOT(process, processes, SCRIPT_PROCESSES);
    *one = (struct script_process){.count = 1, .gi = UINT32_MAX, .ci = UINT32_MAX, .list = 'c'};
    copy(one->card, sizeof one->card, next(rest));
    one->pid = small(next(rest));
    const char *bytes = next(rest);
    one->bytes = bytes != NULL && strcmp(bytes, "none") == 0 ? UINT64_MAX : number(bytes) * MIB;
    char *value;
    for (const char *key; (key = next_pair(rest, &value)) != NULL;) {
        if (strcmp(key, "list") == 0) {
            one->list = value[0];
        } else if (strcmp(key, "gi") == 0) {
            one->gi = small(value);
        } else if (strcmp(key, "ci") == 0) {
            one->ci = small(value);
        } else if (strcmp(key, "count") == 0) {
            one->count = small(value);
        } else {
            script_die("process has no %s", key);
        }
    }
}

static void read_link(char **rest)
{
    struct script_link *link = SLOT(link, links, SCRIPT_LINKS);
    *link = (struct script_link){.type = 0xff};
    copy(link->card, sizeof link->card, next(rest));
    link->index = small(next(rest));
    const char *state = next(rest), *type = next(rest);
    link->up = state != NULL && strcmp(state, "up") == 0;
    if (type != NULL && strcmp(type, "gpu") == 0) {
        link->type = 0;
    } else if (type != NULL && strcmp(type, "switch") == 0) {
        link->type = 2;
    }
    copy(link->pci, sizeof link->pci, next(rest));
}

static void read_fail(char **rest)
{
    struct script_fail *fail = SLOT(fail, fails, SCRIPT_FAILS);
    *fail = (struct script_fail){.result = 0};
    const char *function = next(rest);
    if (function == NULL || strlen(function) >= sizeof fail->function) {
        script_die("fail without a function");
    }
    strcpy(fail->function, function);
    fail->result = small(next(rest));
    const char *id = next(rest);
    if (id != NULL && strcmp(id, "-") != 0) {
        copy(fail->id, sizeof fail->id, id);
    }
    char *value;
    for (const char *key; id != NULL && (key = next_pair(rest, &value)) != NULL;) {
        if (strcmp(key, "after") != 0) {
            script_die("fail has no %s", key);
        }
        fail->after = number(value);
    }
}

static void read_event(char **rest)
{
    struct script_event *event = SLOT(event, events, SCRIPT_EVENTS);
    event->number = small(next(rest));
    copy(event->card, sizeof event->card, next(rest));
    event->xid = number(next(rest));
    const char *times = next(rest);
    event->times = times == NULL ? 1 : small(times);
    event->gi = UINT32_MAX;
    char *value;
    for (const char *key; times != NULL && (key = next_pair(rest, &value)) != NULL;) {
        if (strcmp(key, "gi") != 0) {
            script_die("event has no %s", key);
        }
        event->gi = small(value);
    }
}

static void read_line(char *line)
{
    char *word = next(&line);
    if (word == NULL || *word == '#') {
        return;
    }
    if (strcmp(word, "driver") == 0) {
        copy(script.driver, sizeof script.driver, next(&line));
    } else if (strcmp(word, "live") == 0) {
        script.live = true;
    } else if (strcmp(word, "card") == 0) {
        read_card(&line);
    } else if (strcmp(word, "instance") == 0) {
        read_instance(&line);
    } else if (strcmp(word, "process") == 0) {
        read_process(&line);
    } else if (strcmp(word, "link") == 0) {
        read_link(&line);
    } else if (strcmp(word, "event") == 0) {
        read_event(&line);
    } else if (strcmp(word, "fail") == 0) {
        read_fail(&line);
    } else {
        script_die("no such line: %s", word);
    }
}

static void read_all(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        script_die("%s cannot be opened", path);
    }
    script = (struct script){.driver = "580.95.05"};
    char line[512];
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        read_line(line);
    }
    fclose(file);
}

const struct script *script_now(bool *changed)
{
    static struct stat read;
    struct stat now;
    const char *path = getenv("PLIMSOLL_NVML_SCRIPT");
    if (path == NULL || stat(path, &now) != 0) {
        script_die("PLIMSOLL_NVML_SCRIPT names no script");
    }
    *changed = now.st_ino != read.st_ino || now.st_size != read.st_size ||
               now.st_mtim.tv_sec != read.st_mtim.tv_sec ||
               now.st_mtim.tv_nsec != read.st_mtim.tv_nsec;
    if (*changed) {
        read_all(path);
        read = now;
    }
    return &script;
}
