/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the fuzzer: runs its entry over files and folders, corpus and past crashes, once
 * each. */
#include <plimsoll/own.h>

#include <dirent.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    plimsoll_autofclose FILE *file = fopen(path, "rb");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) < 0) {
        perror(path);
        return -1;
    }
    size_t size = (size_t)status.st_size;
    /* Memory of its own size, so that a sanitizer sees a read beyond the end. */
    plimsoll_autofree uint8_t *data = malloc(size > 0 ? size : 1);
    if (data == NULL || fread(data, 1, size, file) != size) {
        fprintf(stderr, "%s: cannot be read whole\n", path);
        return -1;
    }
    LLVMFuzzerTestOneInput(data, size);
    return 1;
}

/* @return how many files there were, or -1 */
static int replay(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0) {
        perror(path);
        return -1;
    }
    if (!S_ISDIR(status.st_mode)) {
        return replay_file(path);
    }
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort), sum = count < 0 ? -1 : 0;
    for (int i = 0; i < count; i++) {
        char inner[4096];
        int length = snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        if (sum >= 0 && entries[i]->d_name[0] != '.') {
            int replayed = length < (int)sizeof inner ? replay(inner) : -1;
            sum = replayed < 0 ? -1 : sum + replayed;
        }
        free(entries[i]);
    }
    free(entries);
    return sum;
}

int main(int argc, char **argv)
{
    int sum = 0;
    for (int i = 1; i < argc; i++) {
        int replayed = replay(argv[i]);
        if (replayed < 0) {
            return 1;
        }
        sum += replayed;
    }
    printf("%d files replayed\n", sum);
    if (sum == 0) {
        fprintf(stderr, "no file to replay: a test that runs nothing is no test\n");
        return 1;
    }
    return 0;
}
