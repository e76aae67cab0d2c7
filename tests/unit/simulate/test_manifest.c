/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../../../src/simulate/manifest.h"

#include <string.h>

/* The names of the pods, each with a blank behind. */
struct heard {
    struct plimsoll_text names, wheres;
};

static int hear(void *context, struct plimsoll_span pod, const char *where,
                struct plimsoll_error *err)
{
    struct heard *heard = context;
    json_auto_t *object = json_loadb(pod.data, pod.size, 0, NULL);
    const char *name = NULL, *namespace_ = "";
    (void)err;
    if (json_unpack(object, "{s:{s:s, s?s}}", "metadata", "name", &name, "namespace",
                    &namespace_) != 0) {
        fail_msg("no name: %.*s", PLIMSOLL_SPAN_ARG(pod));
    }
    plimsoll_text_add_format(&heard->names, "%s/%s ", namespace_, name);
    plimsoll_text_add_format(&heard->wheres, "%s ", where);
    return 0;
}

static void reads(const char *text, const char *names, const char *wheres, size_t passed_over)
{
    struct heard heard = {plimsoll_text_make(65536), plimsoll_text_make(65536)};
    struct plimsoll_error err = {0};
    size_t passed = 77;
    if (plimsoll_manifest_read(plimsoll_span_of(text), "f.yaml", hear, &heard, &passed, &err) !=
        0) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(heard.names.data != NULL ? heard.names.data : "", names);
    if (wheres != NULL) {
        assert_string_equal(heard.wheres.data, wheres);
    }
    assert_int_equal(passed, passed_over);
    plimsoll_text_clear(&heard.names);
    plimsoll_text_clear(&heard.wheres);
}

static void refuses(const char *text, const char *says)
{
    struct heard heard = {plimsoll_text_make(65536), plimsoll_text_make(65536)};
    struct plimsoll_error err = {0};
    size_t passed = 77;
    int result =
        plimsoll_manifest_read(plimsoll_span_of(text), "f.yaml", hear, &heard, &passed, &err);
    plimsoll_text_clear(&heard.names);
    plimsoll_text_clear(&heard.wheres);
    assert_int_equal(result, -1);
    assert_int_equal(passed, 77);
    if (strncmp(err.message, says, strlen(says)) != 0) {
        fail_msg("it says \"%s\", not \"%s…\"", err.message, says);
    }
}

#define SPEC "spec: {containers: [{name: c}]}\n"

static void documents_follow_one_another(void **state)
{
    (void)state;
    reads("# pods\n---\nkind: Pod\nmetadata: {name: a}\n" SPEC "---\n---\nkind: Pod\n"
          "metadata:\n  name: b\n  namespace: n\n" SPEC "...\n",
          "/a n/b ", "f.yaml:3 f.yaml:8 ", 0);
    reads("", "", NULL, 0);
    reads("---\n", "", NULL, 0);
}

static void json_is_read_too(void **state)
{
    (void)state;
    reads("{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":[{}]}}\n"
          "\n{\"kind\":\"Pod\",\"metadata\":{\"name\":\"b\"},\"spec\":{\"containers\":[{}]}}\n",
          "/a /b ", "f.yaml:1 f.yaml:3 ", 0);
    refuses("{\"kind\":\"Pod\",\n\"metadata\" {}}", "f.yaml:2: no JSON: ");
}

static void what_makes_pods_is_multiplied(void **state)
{
    (void)state;
    reads("kind: Deployment\nmetadata: {name: web, namespace: n}\n"
          "spec: {replicas: 3, template: {"
          "spec: {containers: [{name: c}]}}}\n",
          "n/web-0 n/web-1 n/web-2 ", NULL, 0);
    reads("kind: StatefulSet\nmetadata: {name: s}\n"
          "spec: {template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c}]}}}\n",
          "/s-0 ", NULL, 0);
    reads("kind: ReplicaSet\nmetadata: {name: r}\n"
          "spec: {replicas: 0, template: {spec: {containers: [{name: c}]}}}\n",
          "", NULL, 0);
    reads("kind: Job\nmetadata: {name: j}\n"
          "spec: {parallelism: 4, completions: 2, template: {spec: {containers: [{name: c}]}}}\n",
          "/j-0 /j-1 ", NULL, 0);
}

static void lists_are_opened_and_other_kinds_passed_over(void **state)
{
    (void)state;
    reads("kind: List\nitems:\n- kind: Pod\n  metadata: {name: a}\n  " SPEC
          "- kind: Service\n  metadata: {name: s}\n- kind: List\n  items:\n"
          "  - kind: Pod\n    metadata: {name: b}\n    " SPEC "---\nkind: ConfigMap\n",
          "/a /b ", "f.yaml:3 f.yaml:10 ", 2);
}

static void scalars_mean_what_kubectl_takes_them_for(void **state)
{
    (void)state;
    refuses("kind: Pod\nmetadata:\n  name: a\n  annotations:\n    plimsoll.dev/vram: 12\n" SPEC,
            "f.yaml:5: metadata.annotations[\"plimsoll.dev/vram\"]: 12 is no string; put it in "
            "quotes");
    refuses("kind: Pod\nmetadata:\n  name: a\n  labels: {on: yes}\n" SPEC,
            "f.yaml:4: metadata.labels[\"on\"]: true is no string");
    refuses("kind: Pod\nmetadata: {name: a}\nspec:\n  nodeSelector: {gpu: 1e3}\n"
            "  containers: [{name: c}]\n",
            "f.yaml:4: spec.nodeSelector[\"gpu\"]: 1000.0 is no string");
    reads("kind: Pod\nmetadata: {name: '1', labels: {on: 'yes', n: \"12\", e: 0x10, f: "
          "1.2.3}}\n" SPEC,
          "/1 ", NULL, 0);
}

static void mistakes_are_named_with_line_and_field(void **state)
{
    (void)state;
    refuses("metadata: {name: a}\n", "f.yaml:1: kind: is missing; want Pod, Deployment, Job");
    refuses("kind: Pod\n", "f.yaml:1: spec: is missing; want a mapping with containers");
    refuses("kind: Pod\nspec:\n  containers: []\n", "f.yaml:3: spec.containers: is missing");
    refuses("kind: Pod\nspec:\n  containers: [c]\n",
            "f.yaml:3: spec.containers: holds what is no container");
    refuses("kind: Pod\nmetadata: a\n" SPEC, "f.yaml:2: metadata: is no mapping");
    refuses("kind: Pod\nmetadata:\n  labels: [a]\n" SPEC, "f.yaml:3: metadata.labels: is no map");
    refuses("kind: Deployment\n", "f.yaml:1: spec: is missing; want a mapping with a template");
    refuses("kind: Deployment\nspec:\n  replicas: 1\n", "f.yaml:3: spec.template: is missing");
    refuses("kind: Deployment\nspec:\n  replicas: many\n  template: {"
            "spec: {containers: [{}]}}\n",
            "f.yaml:3: spec.replicas: is no count; want a number like 3");
    refuses("kind: Deployment\nspec:\n  replicas: -1\n  template: {"
            "spec: {containers: [{}]}}\n",
            "f.yaml:3: spec.replicas: is no count");
    refuses("kind: Deployment\nspec:\n  template:\n    spec:\n      containers: []\n",
            "f.yaml:5: spec.template.spec.containers: is missing");
    refuses("kind: List\n", "f.yaml:1: items: is missing");
    refuses("kind: List\nitems: [a]\n", "f.yaml:2: this is no object");
    refuses("- kind: Pod\n", "f.yaml:1: this is no object");
    refuses("just words\n", "f.yaml:1: this is no object");
}

static void what_is_no_yaml_is_refused_where_it_breaks(void **state)
{
    (void)state;
    refuses("kind: Pod\n\tmetadata: {}\n", "f.yaml:2: no YAML: ");
    refuses("kind: Pod\nkind: Pod\n", "f.yaml:2: \"kind\" is there twice; keep one");
    refuses("kind: &a Pod\n", "f.yaml:1: anchors and aliases are not read");
    refuses("a: !!str 1\n", "f.yaml:1: tags are not read");
    refuses("? [a]\n: b\n", "f.yaml:1: a key must be a word");
    refuses("a: \"x\\0y\"\n", "f.yaml:1: a NUL character");
    refuses("a: \xff\n", "f.yaml:");
}

static void what_is_long_or_deep_is_refused(void **state)
{
    (void)state;
    plimsoll_autotext deep = plimsoll_text_make(1u << 20);
    for (int i = 0; i <= PLIMSOLL_JSON_DEPTH_MAX + 1; i++) {
        plimsoll_text_add_char(&deep, '[');
    }
    refuses(deep.data, "f.yaml:1: nested deeper than any object of the API");
    plimsoll_autotext many = plimsoll_text_make(PLIMSOLL_MANIFEST_BYTES_MAX);
    plimsoll_text_add_char(&many, '[');
    for (unsigned i = 0; i < PLIMSOLL_DOCUMENT_VALUES_MAX; i++) {
        plimsoll_text_add_string(&many, "1,");
    }
    plimsoll_text_add_char(&many, ']');
    refuses(many.data, "f.yaml:1: too many values in one document");
    plimsoll_autotext pods = plimsoll_text_make(4096);
    plimsoll_text_add_format(&pods,
                             "kind: Deployment\nmetadata: {name: w}\nspec:\n  replicas: %d\n"
                             "  template: {spec: {containers: [{}]}}\n",
                             PLIMSOLL_SIMULATED_PODS_MAX + 1);
    struct plimsoll_text ignored = plimsoll_text_make(0);
    struct heard heard = {ignored, ignored}; /* nobody keeps so many names */
    struct plimsoll_error err = {0};
    assert_int_equal(
        plimsoll_manifest_read(plimsoll_text_span(&pods), "f.yaml", hear, &heard, NULL, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
    plimsoll_autofree char *large = plimsoll_alloc(PLIMSOLL_MANIFEST_BYTES_MAX + 2, 1);
    memset(large, ' ', PLIMSOLL_MANIFEST_BYTES_MAX + 1);
    refuses(large, "f.yaml: larger than 8388608 bytes; cut it into several");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_follow_one_another),
        cmocka_unit_test(json_is_read_too),
        cmocka_unit_test(what_makes_pods_is_multiplied),
        cmocka_unit_test(lists_are_opened_and_other_kinds_passed_over),
        cmocka_unit_test(scalars_mean_what_kubectl_takes_them_for),
        cmocka_unit_test(mistakes_are_named_with_line_and_field),
        cmocka_unit_test(what_is_no_yaml_is_refused_where_it_breaks),
        cmocka_unit_test(what_is_long_or_deep_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
