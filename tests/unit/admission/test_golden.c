/* SPDX-License-Identifier: Apache-2.0 */
/* Replays tests/golden/CASE/request.json on one NVIDIA node with one card (or facts.json's counts,
 * config.yaml's profiles), and compares with response.json, whose patch stands decoded.
 * PLIMSOLL_GOLDEN_WRITE=1 writes the responses instead; read the difference before committing it.
 */
#include "unit.h"

#include "review.h"

#include <dirent.h>
#include <string.h>

#define GOLDEN PLIMSOLL_TESTS_DIR "/golden"

static char *path_of(const char *name, const char *file)
{
    char *path;
    if (asprintf(&path, "%s/%s/%s", GOLDEN, name, file) < 0) {
        abort();
    }
    return path;
}

static json_t *load(const char *name, const char *file, bool needed)
{
    json_error_t error;
    plimsoll_autofree char *path = path_of(name, file);
    json_t *value = json_load_file(path, 0, &error);
    if (value == NULL && (needed || access(path, F_OK) == 0)) {
        fail_msg("%s: %s", path, error.text);
    }
    return value;
}

static struct plimsoll_config *load_config(const char *name)
{
    struct plimsoll_error err = {0};
    struct plimsoll_config *config = NULL;
    plimsoll_autofree char *path = path_of(name, "config.yaml");
    if (access(path, F_OK) != 0) {
        return plimsoll_config_default();
    }
    if (plimsoll_config_load(path, &config, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return config;
}

/* `{"nodes": 3, "multiCard": 1, "unpinned": 0}` of NVIDIA. */
static struct plimsoll_facts load_facts(const char *name)
{
    struct plimsoll_facts facts = home_lab();
    json_auto_t *counts = load(name, "facts.json", false);
    if (counts != NULL) {
        const json_t *nodes = json_object_get(counts, "nodes");
        const json_t *multi_card = json_object_get(counts, "multiCard");
        const json_t *unpinned = json_object_get(counts, "unpinned");
        facts.nodes[PLIMSOLL_VENDOR_NVIDIA] = (uint32_t)json_integer_value(nodes);
        facts.multi_card[PLIMSOLL_VENDOR_NVIDIA] = (uint32_t)json_integer_value(multi_card);
        facts.unpinned[PLIMSOLL_VENDOR_NVIDIA] = (uint32_t)json_integer_value(unpinned);
    }
    return facts;
}

static json_t *answer(const struct plimsoll_config *config, const struct plimsoll_facts *facts,
                      const json_t *request)
{
    struct plimsoll_error err = {0};
    enum plimsoll_admission_result result;
    plimsoll_autofree char *text = json_dumps(request, JSON_COMPACT);
    plimsoll_autotext out = plimsoll_text_make(PLIMSOLL_REVIEW_BYTES_MAX);
    if (plimsoll_admission_review(config, facts, plimsoll_span_of(text), &out, &result, &err) !=
        0) {
        fail_msg("%s", err.message);
    }
    json_t *response = checked_answer(out.data, out.size);
    decode_patch(response);
    check_warnings(json_object_get(response, "warnings"));
    return response;
}

static void replay(const char *name)
{
    struct plimsoll_config *config = load_config(name);
    struct plimsoll_facts facts = load_facts(name);
    json_auto_t *request = load(name, "request.json", true);
    json_auto_t *response = answer(config, &facts, request);
    if (getenv("PLIMSOLL_GOLDEN_WRITE") != NULL) {
        plimsoll_autofree char *path = path_of(name, "response.json");
        assert_int_equal(json_dump_file(response, path, JSON_INDENT(2)), 0);
    }
    json_auto_t *wanted = load(name, "response.json", true);
    if (!json_equal(response, wanted)) {
        plimsoll_autofree char *is = json_dumps(response, JSON_INDENT(2));
        fail_msg("golden/%s: the response is now\n%s", name, is);
    }
    const json_t *object = json_object_get(json_object_get(request, "request"), "object");
    const json_t *kind = json_object_get(json_object_get(request, "request"), "kind");
    if (strcmp(json_string_value(json_object_get(kind, "kind")), "Pod") == 0) {
        json_decref(mutate(config, &facts, object, NULL));
    }
    plimsoll_config_free(&config);
}

static void every_recorded_review_is_answered_as_before(void **state)
{
    (void)state;
    DIR *folder = opendir(GOLDEN);
    assert_non_null(folder);
    size_t count = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        plimsoll_autofree char *path = path_of(entry->d_name, "request.json");
        if (entry->d_name[0] != '.' && access(path, F_OK) == 0) {
            replay(entry->d_name);
            count++;
        }
    }
    closedir(folder);
    assert_true(count >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_review_is_answered_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
