/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "review.h"

#include <string.h>

static struct plimsoll_config *configured(const char *yaml)
{
    struct plimsoll_error err = {0};
    struct plimsoll_config *config = NULL;
    if (plimsoll_config_parse(plimsoll_span_of(yaml), "test.yaml", &config, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return config;
}

/* One pod through the webhook: what came out, and what was said. */
struct passed {
    json_t *pod, *response;
};

static struct passed pass_with(const char *yaml, const struct plimsoll_facts *facts,
                               const char *pod)
{
    struct plimsoll_config *config = configured(yaml);
    json_t *before = json_of(pod);
    struct passed passed = {.response = NULL};
    passed.pod = mutate(config, facts, before, &passed.response);
    json_decref(before);
    plimsoll_config_free(&config);
    return passed;
}

static struct passed pass(const char *pod)
{
    struct plimsoll_facts facts = home_lab();
    return pass_with("", &facts, pod);
}

static void clear_passed(struct passed *passed)
{
    json_decref(passed->pod);
    json_decref(passed->response);
}
#define autopassed __attribute__((cleanup(clear_passed))) struct passed

static void equals(const json_t *value, const char *text)
{
    json_auto_t *wanted = json_of(text);
    if (!json_equal(value, wanted)) {
        plimsoll_autofree char *is = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        fail_msg("%s is not %s", is != NULL ? is : "nothing", text);
    }
}

static bool warns(const struct passed *passed, const char *part)
{
    const json_t *warnings = json_object_get(passed->response, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        if (strstr(json_string_value(json_array_get(warnings, i)), part) != NULL) {
            return true;
        }
    }
    return false;
}

static void quiet(const struct passed *passed)
{
    const json_t *warnings = json_object_get(passed->response, "warnings");
    if (warnings != NULL) {
        fail_msg("warns: %s", json_string_value(json_array_get(warnings, 0)));
    }
}

static void unchanged(const struct passed *passed)
{
    assert_true(json_is_true(json_object_get(passed->response, "allowed")));
    assert_null(json_object_get(passed->response, "patch"));
}

static const json_t *spec(const struct passed *passed, const char *key)
{
    return json_object_get(json_object_get(passed->pod, "spec"), key);
}

static const json_t *annotation(const struct passed *passed, const char *key)
{
    return json_object_get(json_object_get(json_object_get(passed->pod, "metadata"), "annotations"),
                           key);
}

static const json_t *env(const struct passed *passed, const char *list, size_t index)
{
    return json_object_get(json_array_get(spec(passed, list), index), "env");
}

static void denied(const char *pod, const char *part)
{
    autopassed passed = pass(pod);
    assert_true(json_is_false(json_object_get(passed.response, "allowed")));
    assert_null(json_object_get(passed.response, "patch"));
    const json_t *status = json_object_get(passed.response, "status");
    assert_int_equal(json_integer_value(json_object_get(status, "code")), 400);
    const char *message = json_string_value(json_object_get(status, "message"));
    if (strstr(message, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", message, part);
    }
}

#define BARE                                                                                       \
    "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":[{\"name\":\"main\",\"image\":"       \
    "\"ollama/ollama:0.5\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"1\"}}}],"               \
    "\"schedulerName\":\"default-scheduler\"}}"
#define VRAM_ONLY                                                                                  \
    "{\"metadata\":{\"annotations\":{\"plimsoll.dev/vram\":\"8Gi\"}},\"spec\":{\"containers\":["   \
    "{\"name\":\"main\"},{\"name\":\"log\"}]}}"
#define ALL  "[{\"name\":\"NVIDIA_VISIBLE_DEVICES\",\"value\":\"all\"}]"
#define VOID "[{\"name\":\"NVIDIA_VISIBLE_DEVICES\",\"value\":\"void\"}]"
#define DOWN(n)                                                                                    \
    "[{\"name\":\"NVIDIA_VISIBLE_DEVICES\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":"            \
    "\"metadata.annotations['plimsoll.dev/visible-devices" n "']\"}}}]"

/* ---- what a pod gets ---- */

static void a_bare_gpu_pod_comes_out_as_people_write_it_by_hand(void **state)
{
    (void)state;
    autopassed passed = pass(BARE);
    equals(spec(&passed, "runtimeClassName"), "\"nvidia\"");
    equals(spec(&passed, "nodeSelector"), "{\"nvidia.com/gpu.present\":\"true\"}");
    equals(spec(&passed, "tolerations"),
           "[{\"key\":\"nvidia.com/gpu\",\"operator\":\"Exists\",\"effect\":\"NoSchedule\"}]");
    equals(env(&passed, "containers", 0), ALL);
    equals(spec(&passed, "schedulerName"), "\"plimsoll-scheduler\"");
    equals(json_object_get(json_object_get(passed.pod, "metadata"), "annotations"),
           "{\"plimsoll.dev/profile\":\"nvidia\"}");
    quiet(&passed);
}

static void a_pod_written_by_hand_gets_scheduler_and_profile_only(void **state)
{
    (void)state;
    autopassed passed = pass(
        "{\"metadata\":{\"annotations\":{\"a\":\"b\"}},\"spec\":{\"runtimeClassName\":\"nvidia\","
        "\"nodeSelector\":{\"nvidia.com/gpu.present\":\"true\"},\"tolerations\":[{\"key\":"
        "\"nvidia.com/gpu\",\"operator\":\"Exists\",\"effect\":\"NoSchedule\"}],\"containers\":[{"
        "\"name\":\"ollama\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":1}},\"env\":" ALL
        "}],\"schedulerName\":\"default-scheduler\"}}");
    equals(json_object_get(passed.response, "patch"),
           "[{\"op\":\"add\",\"path\":\"/spec/schedulerName\",\"value\":\"plimsoll-scheduler\"},"
           "{\"op\":\"add\",\"path\":\"/metadata/annotations/plimsoll.dev~1profile\",\"value\":"
           "\"nvidia\"}]");
    quiet(&passed);
}

static void a_pod_without_a_gpu_is_not_touched(void **state)
{
    (void)state;
    const char *const pods[] = {
        "{\"metadata\":{},\"spec\":{\"containers\":[{\"name\":\"a\"}]}}",
        ("{\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":[{\"name\":\"a\",\"resources\":{"
         "\"limits\":{\"nvidia.com/gpu\":\"0\",\"cpu\":\"1\",\"nvidia.com/other\":1}}}]}}"),
        "{\"metadata\":{\"annotations\":null},\"spec\":{\"containers\":[]}}",
        "{\"metadata\":{},\"spec\":{}}",
    };
    for (size_t i = 0; i < sizeof pods / sizeof *pods; i++) {
        autopassed passed = pass(pods[i]);
        unchanged(&passed);
        quiet(&passed);
    }
}

static void a_vram_only_pod_gets_a_downward_env_that_fails_closed(void **state)
{
    (void)state;
    autopassed passed = pass(VRAM_ONLY);
    equals(env(&passed, "containers", 0), DOWN(""));
    equals(env(&passed, "containers", 1), VOID);
    equals(annotation(&passed, "plimsoll.dev/visible-devices"), "\"void\"");
    equals(annotation(&passed, "plimsoll.dev/profile"), "\"nvidia\"");
    equals(spec(&passed, "runtimeClassName"), "\"nvidia\"");
    quiet(&passed);
}

static void every_gpu_container_reads_an_annotation_of_its_own(void **state)
{
    (void)state;
    autopassed passed =
        pass("{\"metadata\":{\"annotations\":{\"plimsoll.dev/vram\":\"8Gi\","
             "\"plimsoll.dev/containers\":\"b,c,warm\"}},\"spec\":{\"containers\":[{\"name\":"
             "\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}],\"initContainers\":[{\"name\":\"get\"},{"
             "\"name\":\"warm\",\"restartPolicy\":\"Always\"}]}}");
    equals(env(&passed, "containers", 0), VOID);
    equals(env(&passed, "containers", 1), DOWN(""));
    equals(env(&passed, "containers", 2), DOWN(".1"));
    equals(env(&passed, "initContainers", 0), VOID);
    equals(env(&passed, "initContainers", 1), DOWN(".2"));
    equals(annotation(&passed, "plimsoll.dev/visible-devices"), "\"void\"");
    equals(annotation(&passed, "plimsoll.dev/visible-devices.1"), "\"void\"");
    equals(annotation(&passed, "plimsoll.dev/visible-devices.2"), "\"void\"");
    assert_null(annotation(&passed, "plimsoll.dev/visible-devices.3"));
}

static void the_env_of_a_plugin_pod_is_added_only_where_it_cannot_be_wrong(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    facts.nodes[PLIMSOLL_VENDOR_NVIDIA] = 0;
    autopassed unknown = pass_with("", &facts, BARE);
    equals(env(&unknown, "containers", 0), ALL);
    facts.nodes[PLIMSOLL_VENDOR_NVIDIA] = 3;
    facts.multi_card[PLIMSOLL_VENDOR_NVIDIA] = 2;
    autopassed pinned = pass_with("", &facts, BARE);
    equals(env(&pinned, "containers", 0), DOWN(""));
    equals(annotation(&pinned, "plimsoll.dev/visible-devices"), "\"void\"");
    facts.unpinned[PLIMSOLL_VENDOR_NVIDIA] = 1;
    autopassed mixed = pass_with("", &facts, BARE);
    assert_null(env(&mixed, "containers", 0));
    assert_null(annotation(&mixed, "plimsoll.dev/visible-devices"));
}

static void mig_amd_and_intel_never_get_the_env(void **state)
{
    (void)state;
    static const struct {
        const char *resource, *profile, *class;
    } cases[] = {{"nvidia.com/mig-1g.10gb", "nvidia-mig", "nvidia"},
                 {"amd.com/gpu", "amd", NULL},
                 {"gpu.intel.com/xe", "intel", NULL}};
    const char *const configs[] = {"",
                                   "profiles: [{name: p, extends: nvidia, visibleDevices: all}]"};
    for (size_t i = 0; i < 3; i++) {
        for (size_t c = 0; c < 2; c++) {
            struct plimsoll_facts facts = home_lab();
            plimsoll_autotext pod = plimsoll_text_make(1000);
            plimsoll_text_add_format(&pod,
                                     "{\"metadata\":{\"annotations\":{%s}},\"spec\":{"
                                     "\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":{"
                                     "\"%s\":1}}}]}}",
                                     c == 1 ? "\"plimsoll.dev/profile\":\"p\"" : "",
                                     cases[i].resource);
            autopassed passed = pass_with(configs[c], &facts, pod.data);
            assert_null(env(&passed, "containers", 0));
            if (c == 0) {
                assert_string_equal(json_string_value(annotation(&passed, "plimsoll.dev/profile")),
                                    cases[i].profile);
                const json_t *class = spec(&passed, "runtimeClassName");
                assert_int_equal(class != NULL, cases[i].class != NULL);
                assert_int_equal(json_array_size(spec(&passed, "tolerations")) > 0, 1);
            } else if (i > 0) {
                assert_true(warns(&passed, "profile p is for NVIDIA, but the pod asks for"));
            }
        }
    }
}

static void the_leak_guard_closes_the_other_containers(void **state)
{
    (void)state;
    autopassed passed =
        pass("{\"metadata\":{},\"spec\":{\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":"
             "{\"nvidia.com/gpu\":1}},\"env\":[{\"name\":\"A\",\"value\":\"b\"}]},{\"name\":\"b\","
             "\"env\":[]},{\"name\":\"c\",\"env\":[{\"name\":\"NVIDIA_VISIBLE_DEVICES\","
             "\"value\":\"none\"}]}],\"initContainers\":[{\"name\":\"i\",\"env\":null}]}}");
    equals(env(&passed, "containers", 0),
           "[{\"name\":\"A\",\"value\":\"b\"},"
           "{\"name\":\"NVIDIA_VISIBLE_DEVICES\",\"value\":\"all\"}]");
    equals(env(&passed, "containers", 1), VOID);
    equals(env(&passed, "containers", 2),
           "[{\"name\":\"NVIDIA_VISIBLE_DEVICES\",\"value\":\"none\"}]");
    equals(env(&passed, "initContainers", 0), VOID);
}

static void the_leak_guard_is_only_for_a_class_of_ours(void **state)
{
    (void)state;
    autopassed passed =
        pass("{\"metadata\":{},\"spec\":{\"runtimeClassName\":\"nvidia\",\"containers\":[{\"name\":"
             "\"a\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":1}}},{\"name\":\"b\"}]}}");
    equals(env(&passed, "containers", 0), ALL);
    assert_null(env(&passed, "containers", 1));
}

/* ---- only where it is true ---- */

static void a_runtime_class_is_added_only_if_it_exists(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    facts.runtime_classes = 0;
    autopassed missing = pass_with("", &facts, BARE);
    assert_null(spec(&missing, "runtimeClassName"));
    autopassed required =
        pass_with("profiles: [{name: p, extends: nvidia, match: {}, runtimeClassRequire: require}]",
                  &facts, BARE);
    equals(spec(&required, "runtimeClassName"), "\"nvidia\"");
    facts.runtime_classes = UINT64_MAX;
    autopassed never =
        pass_with("profiles: [{name: p, extends: nvidia, match: {}, runtimeClassRequire: never}]",
                  &facts, BARE);
    assert_null(spec(&never, "runtimeClassName"));
    struct plimsoll_facts none = {.api = false};
    autopassed blind = pass_with("", &none, BARE);
    equals(spec(&blind, "runtimeClassName"), "\"nvidia\"");
    equals(spec(&blind, "nodeSelector"), "{\"nvidia.com/gpu.present\":\"true\"}");
}

static void a_selector_is_added_only_if_every_known_node_carries_it(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    facts.selectors[PLIMSOLL_VENDOR_NVIDIA] = 0;
    autopassed unlabelled = pass_with("", &facts, BARE);
    assert_null(spec(&unlabelled, "nodeSelector"));
    facts = home_lab();
    facts.nodes[PLIMSOLL_VENDOR_NVIDIA] = 0;
    autopassed no_node = pass_with("", &facts, BARE);
    assert_null(spec(&no_node, "nodeSelector"));
    autopassed required =
        pass_with("profiles: [{name: p, extends: nvidia, match: {}, nodeSelector: {x: y, z: w}}]",
                  &facts, BARE);
    equals(spec(&required, "nodeSelector"), "{\"x\":\"y\",\"z\":\"w\"}");
    facts = home_lab();
    autopassed never =
        pass_with("profiles: [{name: p, extends: nvidia, match: {}, nodeSelectorRequire: never}]",
                  &facts, BARE);
    assert_null(spec(&never, "nodeSelector"));
}

static void facts_that_are_not_complete_hold_gpu_pods_only(void **state)
{
    (void)state;
    struct plimsoll_config *config = configured("");
    struct plimsoll_facts facts = {.api = true, .synced = false};
    struct plimsoll_error err = {0};
    enum plimsoll_admission_result result;
    plimsoll_autotext answer = plimsoll_text_make(10000);
    json_auto_t *gpu = json_of(BARE);
    plimsoll_autofree char *request = review_of(gpu);
    assert_int_equal(plimsoll_admission_review(config, &facts, plimsoll_span_of(request), &answer,
                                               &result, &err),
                     -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_UNAVAILABLE);
    assert_int_equal(answer.size, 0);
    json_auto_t *plain = json_of("{\"metadata\":{},\"spec\":{\"containers\":[{\"name\":\"a\"}]}}");
    json_decref(respond(config, &facts, plain));
    plimsoll_config_free(&config);
}

/* ---- the user's word ---- */

static void what_the_user_wrote_stays_with_a_warning(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    facts.multi_card[PLIMSOLL_VENDOR_NVIDIA] = 1;
    facts.unpinned[PLIMSOLL_VENDOR_NVIDIA] = 1;
    static const struct {
        const char *spec, *warning;
    } cases[] = {
        {"\"schedulerName\":\"volcano\",\"containers\":[{\"name\":\"a\"}]",
         "schedulerName volcano is kept"},
        {"\"runtimeClassName\":\"kata\",\"containers\":[{\"name\":\"a\"}]",
         "runtimeClassName kata is kept"},
        {"\"nodeSelector\":{\"nvidia.com/gpu.present\":\"false\"},\"containers\":[{\"name\":"
         "\"a\"}]",
         "nodeSelector nvidia.com/gpu.present is kept; profile nvidia has true"},
        {"\"containers\":[{\"name\":\"a\",\"env\":" ALL "}]",
         "container a sets NVIDIA_VISIBLE_DEVICES=all: the pod is booked on every card"},
        {"\"containers\":[{\"name\":\"a\"},{\"name\":\"b\",\"env\":[{\"name\":"
         "\"NVIDIA_VISIBLE_DEVICES\",\"value\":\"GPU-1, all\"}]}]",
         "container b sets NVIDIA_VISIBLE_DEVICES=all"},
        {"\"containers\":[{\"name\":\"a\",\"env\":[{\"name\":\"NVIDIA_VISIBLE_DEVICES\",\"value\":"
         "\"0\"}]}]",
         "container a sets NVIDIA_VISIBLE_DEVICES itself"},
        {"\"containers\":[{\"name\":\"a\",\"env\":[{\"name\":\"NVIDIA_VISIBLE_DEVICES\","
         "\"valueFrom\":{\"configMapKeyRef\":{\"name\":\"x\",\"key\":\"y\"}}}]}]",
         "container a sets NVIDIA_VISIBLE_DEVICES itself"},
        {"\"containers\":[{\"name\":\"a\",\"env\":" VOID "}]",
         "container a sets NVIDIA_VISIBLE_DEVICES to none: it gets no card"},
        {"\"containers\":[{\"name\":\"a\",\"securityContext\":{\"privileged\":true}}]",
         "container a is privileged and sees every card"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plimsoll_autotext pod = plimsoll_text_make(2000);
        plimsoll_text_add_format(
            &pod, "{\"metadata\":{\"annotations\":{\"plimsoll.dev/vram\":\"1Gi\"}},\"spec\":{%s}}",
            cases[i].spec);
        autopassed passed = pass_with("", &facts, pod.data);
        if (!warns(&passed, cases[i].warning)) {
            fail_msg("no warning \"%s\"", cases[i].warning);
        }
    }
}

static void a_literal_all_on_single_cards_is_no_warning(void **state)
{
    (void)state;
    autopassed passed = pass("{\"metadata\":{\"annotations\":{\"plimsoll.dev/vram\":\"1Gi\"}},"
                             "\"spec\":{\"containers\":[{\"name\":\"a\",\"env\":" ALL
                             ",\"securityContext\":{\"privileged\":true}}]}}");
    quiet(&passed);
}

static void a_toleration_that_covers_is_enough(void **state)
{
    (void)state;
    static const struct {
        const char *toleration;
        bool enough;
    } cases[] = {
        {"{\"operator\":\"Exists\"}", true},
        {"{\"key\":\"nvidia.com/gpu\",\"operator\":\"Exists\"}", true},
        {"{\"key\":\"nvidia.com/gpu\",\"operator\":\"Exists\",\"effect\":\"NoSchedule\"}", true},
        {"{\"key\":\"\",\"operator\":\"Exists\",\"effect\":\"\"}", true},
        {"{\"key\":\"nvidia.com/gpu\",\"operator\":\"Exists\",\"effect\":\"NoExecute\"}", false},
        {"{\"key\":\"nvidia.com/gpu\",\"operator\":\"Equal\",\"value\":\"present\"}", false},
        {"{\"key\":\"nvidia.com/gpu\",\"effect\":\"NoSchedule\"}", false},
        {"{\"key\":\"other\",\"operator\":\"Exists\"}", false},
        {"{\"key\":\"nvidia.com/gpu\",\"operator\":\"Exists\",\"tolerationSeconds\":5}", false},
        {"null", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plimsoll_autotext pod = plimsoll_text_make(2000);
        plimsoll_text_add_format(
            &pod,
            "{\"metadata\":{\"annotations\":{\"plimsoll.dev/vram\":\"1Gi\"}},\"spec\":{"
            "\"containers\":[{\"name\":\"a\"}],\"tolerations\":[%s]}}",
            cases[i].toleration);
        autopassed passed = pass(pod.data);
        if (json_array_size(spec(&passed, "tolerations")) != (cases[i].enough ? 1 : 2)) {
            fail_msg("%s", cases[i].toleration);
        }
    }
}

static void an_equal_toleration_covers_its_own_value_only(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    const char *yaml = "profiles:\n- name: p\n  extends: nvidia\n  match: {}\n  tolerations:\n"
                       "  - {key: dedicated, operator: Equal, value: vllm, effect: NoSchedule}\n"
                       "  - {key: slow, operator: Exists, effect: NoExecute, tolerationSeconds: "
                       "60}\n";
    static const struct {
        const char *list;
        size_t count;
    } cases[] = {
        {"{\"key\":\"dedicated\",\"value\":\"vllm\",\"effect\":\"NoSchedule\"}", 2},
        {"{\"key\":\"dedicated\",\"operator\":\"Equal\",\"value\":\"x\"}", 3},
        {"{\"key\":\"dedicated\",\"operator\":\"Exists\"}", 2},
        {"{\"key\":\"slow\",\"operator\":\"Exists\",\"effect\":\"NoExecute\","
         "\"tolerationSeconds\":60}",
         2},
        {"{\"key\":\"slow\",\"operator\":\"Exists\",\"effect\":\"NoExecute\","
         "\"tolerationSeconds\":59}",
         3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plimsoll_autotext pod = plimsoll_text_make(2000);
        plimsoll_text_add_format(
            &pod,
            "{\"metadata\":{\"annotations\":{\"plimsoll.dev/vram\":\"1Gi\"}},\"spec\":{"
            "\"containers\":[{\"name\":\"a\"}],\"tolerations\":[%s]}}",
            cases[i].list);
        autopassed passed = pass_with(yaml, &facts, pod.data);
        if (json_array_size(spec(&passed, "tolerations")) != cases[i].count) {
            fail_msg("%s", cases[i].list);
        }
    }
}

/* ---- profiles ---- */

static const char vllm[] =
    "profiles:\n"
    "- name: vllm\n"
    "  extends: nvidia\n"
    "  match: {namespaces: ['def*'], podLabels: {app: vllm}, images: ['*vllm-openai*']}\n"
    "  nodeSelector: {kubernetes.io/hostname: dgx-3}\n"
    "  nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: "
    "{matchExpressions: [{key: a, operator: Exists}]}}]}\n"
    "  env: {CUDA_DEVICE_ORDER: PCI_BUS_ID, HF_HOME: /data}\n"
    "  priorityClassName: gpu-high\n"
    "  annotations: {a/b: c, plimsoll.dev/policy: spread}\n"
    "  vram: 50%\n"
    "  schedulerName: other\n"
    "- {name: small, extends: vllm, vram: 4Gi}\n";

#define VLLM(labels, image, more)                                                                  \
    "{\"metadata\":{\"labels\":{" labels "}},\"spec\":{\"containers\":[{\"name\":\"side\"},{"      \
    "\"name\":\"main\",\"image\":\"" image "\",\"env\":[{\"name\":\"HF_HOME\",\"value\":\"/x\"}]," \
    "\"resources\":{\"limits\":{\"nvidia.com/gpu\":1}}}]" more "}}"

static void a_matching_profile_brings_its_settings(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    autopassed passed =
        pass_with(vllm, &facts,
                  VLLM("\"app\":\"vllm\"", "docker.io/vllm/vllm-openai:v0.6",
                       ",\"priority\":0,\"preemptionPolicy\":\"PreemptLowerPriority\""));
    equals(annotation(&passed, "plimsoll.dev/profile"), "\"vllm\"");
    equals(annotation(&passed, "plimsoll.dev/vram"), "\"50%\"");
    equals(annotation(&passed, "plimsoll.dev/policy"), "\"spread\"");
    equals(annotation(&passed, "a/b"), "\"c\"");
    equals(spec(&passed, "nodeSelector"), "{\"kubernetes.io/hostname\":\"dgx-3\"}");
    equals(spec(&passed, "schedulerName"), "\"other\"");
    equals(spec(&passed, "priorityClassName"), "\"gpu-high\"");
    assert_null(spec(&passed, "priority"));
    assert_null(spec(&passed, "preemptionPolicy"));
    equals(spec(&passed, "affinity"),
           "{\"nodeAffinity\":{\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":1,"
           "\"preference\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}}]}}");
    equals(env(&passed, "containers", 0), VOID);
    equals(env(&passed, "containers", 1),
           "[{\"name\":\"HF_HOME\",\"value\":\"/x\"},"
           "{\"name\":\"NVIDIA_VISIBLE_DEVICES\",\"value\":\"all\"},"
           "{\"name\":\"CUDA_DEVICE_ORDER\",\"value\":\"PCI_BUS_ID\"}]");
}

static void a_profile_that_does_not_match_is_passed_by(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    const char *const pods[] = {VLLM("\"app\":\"x\"", "vllm-openai", ""),
                                VLLM("", "vllm-openai", ""),
                                VLLM("\"app\":\"vllm\"", "ollama", "")};
    for (size_t i = 0; i < sizeof pods / sizeof *pods; i++) {
        autopassed passed = pass_with(vllm, &facts, pods[i]);
        equals(annotation(&passed, "plimsoll.dev/profile"), "\"nvidia\"");
    }
}

static void what_a_pod_has_already_a_profile_leaves(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    autopassed passed = pass_with(
        vllm, &facts,
        VLLM("\"app\":\"vllm\"", "vllm-openai",
             ",\"priorityClassName\":\"mine\",\"priority\":7,\"affinity\":{\"podAffinity\":{},"
             "\"nodeAffinity\":{\"x\":1}}"));
    equals(spec(&passed, "priorityClassName"), "\"mine\"");
    equals(spec(&passed, "priority"), "7");
    equals(spec(&passed, "affinity"), "{\"podAffinity\":{},\"nodeAffinity\":{\"x\":1}}");
    assert_true(warns(&passed, "nodeAffinity of the pod is kept"));
    autopassed other =
        pass_with(vllm, &facts,
                  VLLM("\"app\":\"vllm\"", "vllm-openai", ",\"affinity\":{\"podAffinity\":{}}"));
    assert_non_null(json_object_get(spec(&other, "affinity"), "nodeAffinity"));
    assert_non_null(json_object_get(spec(&other, "affinity"), "podAffinity"));
}

static void the_annotation_names_the_profile(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    autopassed passed = pass_with(
        vllm, &facts,
        "{\"metadata\":{\"annotations\":{\"plimsoll.dev/profile\":\"small\"}},\"spec\":{"
        "\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":1}}}]}}");
    equals(annotation(&passed, "plimsoll.dev/vram"), "\"4Gi\"");
    equals(annotation(&passed, "plimsoll.dev/profile"), "\"small\"");
}

static void an_unknown_profile_is_denied_with_the_known_ones(void **state)
{
    (void)state;
    denied("{\"metadata\":{\"annotations\":{\"plimsoll.dev/profile\":\"vlm\"}},\"spec\":{"
           "\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":1}}}]}}",
           "plimsoll.dev/profile: unknown profile \"vlm\"; known are nvidia, nvidia-mig, amd, "
           "intel");
    denied("{\"metadata\":{\"annotations\":{\"plimsoll.dev/profile\":\"\"}},\"spec\":{}}",
           "unknown profile \"\"");
    denied("{\"metadata\":{\"annotations\":{\"plimsoll.dev/profile\":7}},\"spec\":{}}",
           "unknown profile \"7\"");
}

static void a_resource_of_a_narrow_profile_falls_back_to_the_vendor(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    autopassed passed = pass_with(
        "profiles: [{name: p, extends: amd, match: {resources: [x.com/gpu], namespaces: [nope]}}]",
        &facts,
        "{\"metadata\":{},\"spec\":{\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":{"
        "\"x.com/gpu\":1}}}]}}");
    equals(annotation(&passed, "plimsoll.dev/profile"), "\"amd\"");
}

static void two_vendors_get_the_first_and_a_warning(void **state)
{
    (void)state;
    autopassed passed =
        pass("{\"metadata\":{},\"spec\":{\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":"
             "{\"amd.com/gpu\":1}}},{\"name\":\"b\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":"
             "1}}}]}}");
    equals(annotation(&passed, "plimsoll.dev/profile"), "\"nvidia\"");
    assert_true(warns(&passed, "also asks for amd.com/gpu, which is not accounted"));
}

static void two_replicas_of_one_card_are_one_card(void **state)
{
    (void)state;
    autopassed passed =
        pass("{\"metadata\":{},\"spec\":{\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":"
             "{\"nvidia.com/gpu\":2}}}]}}");
    assert_true(warns(&passed, "nvidia.com/gpu: 2 on a sliced card is one card"));
}

/* ---- the scheduler and the marker ---- */

static void an_empty_scheduler_name_leaves_the_pods(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    autopassed passed = pass_with("schedulerName: \"\"", &facts, BARE);
    equals(spec(&passed, "schedulerName"), "\"default-scheduler\"");
}

static void a_marker_limit_calls_the_extender_for_pods_it_would_not_see(void **state)
{
    (void)state;
    static const struct {
        const char *container, *limits;
    } cases[] = {
        {"{\"name\":\"a\"}", "{\"plimsoll.dev/vram\":\"0\"}"},
        {"{\"name\":\"a\",\"resources\":{}}", "{\"plimsoll.dev/vram\":\"0\"}"},
        {"{\"name\":\"a\",\"resources\":null}", "{\"plimsoll.dev/vram\":\"0\"}"},
        {"{\"name\":\"a\",\"resources\":{\"limits\":{\"cpu\":1}}}",
         "{\"cpu\":1,\"plimsoll.dev/vram\":\"0\"}"},
        {"{\"name\":\"a\",\"resources\":{\"limits\":{\"nvidia.com/mig-1g.5gb\":1}}}",
         "{\"nvidia.com/mig-1g.5gb\":1,\"plimsoll.dev/vram\":\"0\"}"},
        {"{\"name\":\"a\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":1}}}",
         "{\"nvidia.com/gpu\":1}"},
        {"{\"name\":\"a\",\"resources\":{\"limits\":{\"plimsoll.dev/vram\":\"4Gi\"}}}",
         "{\"plimsoll.dev/vram\":\"4Gi\"}"},
    };
    struct plimsoll_facts facts = home_lab();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plimsoll_autotext pod = plimsoll_text_make(2000);
        plimsoll_text_add_format(
            &pod, "{\"metadata\":{\"annotations\":{%s}},\"spec\":{\"containers\":[%s]}}",
            i < 4 ? "\"plimsoll.dev/vram\":\"4Gi\"" : "", cases[i].container);
        autopassed passed = pass_with("markerLimit: true", &facts, pod.data);
        const json_t *container = json_array_get(spec(&passed, "containers"), 0);
        equals(json_object_get(json_object_get(container, "resources"), "limits"), cases[i].limits);
    }
    autopassed off = pass(VRAM_ONLY);
    assert_null(json_object_get(json_array_get(spec(&off, "containers"), 0), "resources"));
}

#define VRAM_POD(annotations, containers)                                                          \
    "{\"metadata\":{\"annotations\":{" annotations "}},\"spec\":{\"containers\":[" containers "]}" \
    "}"
#define CAPACITY "nodeCapacity: true\n"

static void where_nodes_advertise_vram_the_request_becomes_a_limit(void **state)
{
    (void)state;
    static const struct {
        const char *config, *pod, *limits; /* of the first container; NULL: none */
    } cases[] = {
        {CAPACITY, VRAM_POD("\"plimsoll.dev/vram\":\"4Gi\"", "{\"name\":\"a\"}"),
         "{\"plimsoll.dev/vram\":\"4Gi\"}"},
        {CAPACITY, VRAM_POD("\"plimsoll.dev/vram\":\"1500M\"", "{\"name\":\"a\"}"),
         "{\"plimsoll.dev/vram\":\"1500000000\"}"},
        {CAPACITY,
         VRAM_POD("\"plimsoll.dev/vram\":\"4Gi\",\"plimsoll.dev/gpus\":\"3\"",
                  "{\"name\":\"a\",\"resources\":{\"limits\":{\"cpu\":1}}}"),
         "{\"cpu\":1,\"plimsoll.dev/vram\":\"12Gi\"}"},
        {CAPACITY "markerLimit: true",
         VRAM_POD("\"plimsoll.dev/vram\":\"4Gi\"", "{\"name\":\"a\"}"),
         "{\"plimsoll.dev/vram\":\"4Gi\"}"},
        /* the user's word */
        {CAPACITY,
         VRAM_POD("\"plimsoll.dev/vram\":\"4Gi\"",
                  "{\"name\":\"a\",\"resources\":{\"limits\":{\"plimsoll.dev/vram\":\"0\"}}}"),
         "{\"plimsoll.dev/vram\":\"0\"}"},
        {CAPACITY,
         VRAM_POD("\"plimsoll.dev/vram\":\"4Gi\"",
                  "{\"name\":\"a\"},{\"name\":\"b\",\"resources\":{\"limits\":"
                  "{\"plimsoll.dev/vram\":\"4Gi\"}}}"),
         NULL},
        /* how much it is depends on the card */
        {CAPACITY, VRAM_POD("\"plimsoll.dev/vram\":\"50%\"", "{\"name\":\"a\"}"), NULL},
        {CAPACITY, BARE, "{\"nvidia.com/gpu\":\"1\"}"},
        /* no pod of ours */
        {CAPACITY, VRAM_POD("", "{\"name\":\"a\"}"), NULL},
        {"markerLimit: false", VRAM_POD("\"plimsoll.dev/vram\":\"4Gi\"", "{\"name\":\"a\"}"), NULL},
    };
    struct plimsoll_facts facts = home_lab();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        autopassed passed = pass_with(cases[i].config, &facts, cases[i].pod);
        const json_t *container = json_array_get(spec(&passed, "containers"), 0);
        const json_t *limits = json_object_get(json_object_get(container, "resources"), "limits");
        if (cases[i].limits == NULL) {
            assert_null(limits);
        } else {
            equals(limits, cases[i].limits);
        }
    }
}

static void what_a_profile_asks_for_becomes_a_limit_too(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    autopassed bytes =
        pass_with(CAPACITY "profiles: [{name: mine, extends: nvidia, vram: 6Gi}]", &facts,
                  VRAM_POD("\"plimsoll.dev/profile\":\"mine\"",
                           "{\"name\":\"a\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":2}}}"));
    equals(
        json_object_get(json_object_get(json_array_get(spec(&bytes, "containers"), 0), "resources"),
                        "limits"),
        "{\"nvidia.com/gpu\":2,\"plimsoll.dev/vram\":\"12Gi\"}");
}

/* ---- reserved annotations ---- */

static void a_claim_that_is_brought_along_is_removed(void **state)
{
    (void)state;
    const char *const pods[] = {
        "{\"metadata\":{\"annotations\":{\"plimsoll.dev/claim\":\"{}\",\"plimsoll.dev/vram\":"
        "\"1Gi\"}},\"spec\":{\"containers\":[{\"name\":\"a\"}]}}",
        "{\"metadata\":{\"annotations\":{\"plimsoll.dev/claim\":\"x\"}},\"spec\":{\"containers\":[{"
        "\"name\":\"a\"}]}}",
        "{\"metadata\":{\"annotations\":{\"plimsoll.dev/claim\":null,\"plimsoll.dev/inject\":"
        "\"false\"}},\"spec\":{\"containers\":[{\"name\":\"a\"}]}}",
    };
    for (size_t i = 0; i < sizeof pods / sizeof *pods; i++) {
        autopassed passed = pass(pods[i]);
        assert_null(annotation(&passed, "plimsoll.dev/claim"));
        assert_true(warns(&passed, "annotation plimsoll.dev/claim is removed"));
    }
}

static void visible_devices_become_void_where_our_env_reads_them(void **state)
{
    (void)state;
    autopassed read =
        pass("{\"metadata\":{\"annotations\":{\"plimsoll.dev/visible-devices\":\"GPU-1\","
             "\"plimsoll.dev/visible-devices.1\":\"GPU-2\",\"plimsoll.dev/visible-devices.01\":"
             "\"all\",\"plimsoll.dev/visible-devices.99\":\"all\",\"plimsoll.dev/vram\":\"1Gi\"}},"
             "\"spec\":{\"containers\":[{\"name\":\"a\"}]}}");
    equals(annotation(&read, "plimsoll.dev/visible-devices"), "\"void\"");
    assert_null(annotation(&read, "plimsoll.dev/visible-devices.1"));
    assert_null(annotation(&read, "plimsoll.dev/visible-devices.01"));
    assert_null(annotation(&read, "plimsoll.dev/visible-devices.99"));
    assert_true(warns(&read, "visible-devices is Plimsoll's to write: its value is set to void"));
    assert_true(warns(&read, "visible-devices.1 is Plimsoll's to write: its value is removed"));
    autopassed plain =
        pass("{\"metadata\":{\"annotations\":{\"plimsoll.dev/visible-devices\":\"all\"}},\"spec\":{"
             "\"containers\":[{\"name\":\"a\"}]}}");
    assert_null(annotation(&plain, "plimsoll.dev/visible-devices"));
    assert_true(warns(&plain, "its value is removed"));
}

static void the_webhooks_own_value_is_no_warning(void **state)
{
    (void)state;
    autopassed passed =
        pass("{\"metadata\":{\"annotations\":{\"plimsoll.dev/visible-devices\":\"void\","
             "\"plimsoll.dev/visible-devices.3\":\"void\",\"plimsoll.dev/vram\":\"1Gi\"}},"
             "\"spec\":{\"containers\":[{\"name\":\"a\"}]}}");
    equals(annotation(&passed, "plimsoll.dev/visible-devices"), "\"void\"");
    assert_null(annotation(&passed, "plimsoll.dev/visible-devices.3"));
    quiet(&passed);
}

static void a_copied_manifest_with_our_env_fails_closed(void **state)
{
    (void)state;
    autopassed passed = pass(
        "{\"metadata\":{\"annotations\":{\"plimsoll.dev/visible-devices\":\"GPU-1\","
        "\"plimsoll.dev/claim\":\"{}\"}},\"spec\":{\"containers\":[{\"name\":\"a\",\"env\":" DOWN(
            "") "}]}}");
    equals(annotation(&passed, "plimsoll.dev/visible-devices"), "\"void\"");
    autopassed bare = pass(
        "{\"metadata\":{},\"spec\":{\"containers\":[{\"name\":\"a\",\"env\":" DOWN(".2") "}]}}");
    equals(annotation(&bare, "plimsoll.dev/visible-devices.2"), "\"void\"");
}

/* ---- who is left alone, who is told ---- */

static void inject_false_leaves_the_spec_alone(void **state)
{
    (void)state;
    autopassed passed = pass(
        "{\"metadata\":{\"annotations\":{\"plimsoll.dev/inject\":\"false\"}},\"spec\":{"
        "\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":1}}}]}}");
    unchanged(&passed);
    quiet(&passed);
}

static void inject_true_gives_cards_to_a_pod_that_asks_for_none(void **state)
{
    (void)state;
    autopassed passed =
        pass("{\"metadata\":{\"annotations\":{\"plimsoll.dev/inject\":\"true\","
             "\"plimsoll.dev/containers\":\"exporter\"}},\"spec\":{\"containers\":[{\"name\":"
             "\"proxy\"},{\"name\":\"exporter\"}]}}");
    equals(spec(&passed, "runtimeClassName"), "\"nvidia\"");
    equals(spec(&passed, "nodeSelector"), "{\"nvidia.com/gpu.present\":\"true\"}");
    assert_int_equal(json_array_size(spec(&passed, "tolerations")), 1);
    equals(env(&passed, "containers", 0), VOID);
    equals(env(&passed, "containers", 1), ALL);
    assert_null(spec(&passed, "schedulerName"));
    assert_null(annotation(&passed, "plimsoll.dev/vram"));
    quiet(&passed);
    denied("{\"metadata\":{\"annotations\":{\"plimsoll.dev/inject\":\"true\","
           "\"plimsoll.dev/containers\":\"no\"}},\"spec\":{\"containers\":[{\"name\":\"a\"}]}}",
           "plimsoll.dev/containers: the pod has no container \"no\"");
    denied("{\"metadata\":{\"annotations\":{\"plimsoll.dev/inject\":\"maybe\"}},\"spec\":{}}",
           "plimsoll.dev/inject: \"maybe\" is neither \"true\" nor \"false\"");
}

static void bound_and_mirror_pods_are_left_alone(void **state)
{
    (void)state;
    autopassed bound =
        pass("{\"metadata\":{\"annotations\":{\"plimsoll.dev/claim\":\"x\",\"plimsoll.dev/vram\":"
             "\"12\"}},\"spec\":{\"nodeName\":\"n\",\"containers\":[{\"name\":\"a\"}]}}");
    unchanged(&bound);
    autopassed mirror = pass(
        "{\"metadata\":{\"annotations\":{\"kubernetes.io/config.mirror\":\"x\"}},\"spec\":{"
        "\"containers\":[{\"name\":\"a\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":1}}}]}}");
    unchanged(&mirror);
}

static void a_pod_with_the_class_that_asks_for_nothing_is_told(void **state)
{
    (void)state;
    autopassed passed = pass("{\"metadata\":{},\"spec\":{\"runtimeClassName\":\"nvidia\","
                             "\"containers\":[{\"name\":\"a\"}]}}");
    unchanged(&passed);
    assert_true(warns(&passed, "not accounted"));
    autopassed words = pass("{\"metadata\":{\"annotations\":{\"plimsoll.dev/gpus\":\"2\"}},"
                            "\"spec\":{\"containers\":[{\"name\":\"a\"}]}}");
    unchanged(&words);
    assert_true(warns(&words, "plimsoll.dev/gpus has no effect"));
}

static void an_ill_formed_request_is_denied_with_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *annotation, *value, *part;
    } cases[] = {
        {"vram", "\"12\"", "12Gi"},
        {"vram", "\"lots\"", "plimsoll.dev/vram"},
        {"vram", "\"0%\"", "0%"},
        {"vram", "12", "plimsoll.dev/vram"},
        {"vram", "null", ""},
        {"vram", "\"-1Gi\"", "-1Gi"},
        {"vram", "\"1Gi\\u0000\"", "vram"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plimsoll_autotext pod = plimsoll_text_make(2000);
        plimsoll_text_add_format(&pod,
                                 "{\"metadata\":{\"annotations\":{\"plimsoll.dev/%s\":%s}},"
                                 "\"spec\":{\"containers\":[{\"name\":\"a\"}]}}",
                                 cases[i].annotation, cases[i].value);
        if (strcmp(cases[i].value, "null") == 0) {
            continue; /* the model's to say */
        }
        denied(pod.data, cases[i].part);
    }
    denied("{\"metadata\":{\"annotations\":{\"plimsoll.dev/gpus\":\"many\",\"plimsoll.dev/vram\":"
           "\"1Gi\"}},\"spec\":{\"containers\":[{\"name\":\"a\"}]}}",
           "plimsoll.dev/gpus: \"many\"");
}

/* ---- warnings ---- */

static void warnings_are_cut_and_counted(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    facts.multi_card[PLIMSOLL_VENDOR_NVIDIA] = 1;
    plimsoll_autotext pod = plimsoll_text_make(100000);
    plimsoll_text_add_string(&pod, "{\"metadata\":{\"annotations\":{\"plimsoll.dev/vram\":\"1Gi\"}}"
                                   ",\"spec\":{\"schedulerName\":\"");
    for (int i = 0; i < 38; i++) {
        plimsoll_text_add_string(&pod, "x");
    }
    plimsoll_text_add_string(&pod, "\xC3\xA4\xC3\xA4\xC3\xA4\",\"containers\":[");
    for (int i = 0; i < 40; i++) {
        plimsoll_text_add_format(&pod,
                                 "%s{\"name\":\"container-with-quite-a-long-name-%d\","
                                 "\"securityContext\":{\"privileged\":true},\"env\":" ALL "}",
                                 i > 0 ? "," : "", i);
    }
    plimsoll_text_add_string(&pod, "]}}");
    autopassed passed = pass_with("", &facts, pod.data);
    const json_t *warnings = json_object_get(passed.response, "warnings");
    assert_int_equal(json_array_size(warnings), 16);
    bool cut = false;
    for (size_t i = 0; i < 16; i++) {
        cut = cut || strstr(json_string_value(json_array_get(warnings, i)), "\xE2\x80\xA6") != NULL;
    }
    assert_true(cut);
}

static void control_characters_never_reach_a_warning(void **state)
{
    (void)state;
    autopassed passed =
        pass("{\"metadata\":{\"annotations\":{\"plimsoll.dev/vram\":\"1Gi\"}},\"spec\":{"
             "\"schedulerName\":\"a\\nb\\u0085c\",\"runtimeClassName\":\"\\u0007\\u007f\","
             "\"containers\":[{\"name\":\"x\\ny\",\"securityContext\":{\"privileged\":true}}]}}");
    assert_true(warns(&passed, "schedulerName"));
}

/* ---- the envelope ---- */

static enum plimsoll_error_kind fails(struct plimsoll_span request, size_t room, char *message)
{
    struct plimsoll_config *config = configured("");
    struct plimsoll_facts facts = home_lab();
    struct plimsoll_error err = {0};
    enum plimsoll_admission_result result;
    plimsoll_autotext answer = plimsoll_text_make(room);
    plimsoll_text_add_string(&answer, "before");
    int status = plimsoll_admission_review(config, &facts, request, &answer, &result, &err);
    if (status != 0) {
        assert_string_equal(answer.data, "before");
        assert_false(answer.overflowed);
    }
    plimsoll_config_free(&config);
    if (message != NULL) {
        memcpy(message, err.message, sizeof err.message);
    }
    return status == 0 ? PLIMSOLL_ERR_NONE : err.kind;
}

static void bytes_that_are_no_review_are_invalid(void **state)
{
    (void)state;
    const char *const bad[] = {
        "",
        "{",
        "null",
        "[]",
        "7",
        "{}",
        "\xff",
        "{\"kind\":\"AdmissionReview\"}",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1beta1\",\"request\":{"
        "\"uid\":\"a\"}}",
        "{\"Kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":"
        "\"a\"}}",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\"}",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":null}",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":"
        "\"\"}}",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":"
        "\"a\",\"uid\":\"b\"}}",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":"
        "\"a\",\"operation\":\"CREATE\",\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":"
        "\"Pod\"},\"resource\":{\"resource\":\"pods\"},\"object\":null}}",
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":"
        "\"a\",\"operation\":\"CREATE\",\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":"
        "\"Pod\"},\"resource\":{\"resource\":\"pods\"},\"object\":{}}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char message[PLIMSOLL_ERROR_MESSAGE_SIZE];
        assert_int_equal(fails(plimsoll_span_of(bad[i]), 10000, message), PLIMSOLL_ERR_INVALID);
        assert_true(strlen(message) > 10);
    }
}

static void every_cut_of_a_review_is_invalid(void **state)
{
    (void)state;
    json_auto_t *pod = json_of(VRAM_ONLY);
    plimsoll_autofree char *request = review_of(pod);
    size_t size = strlen(request);
    for (size_t cut = 0; cut < size; cut++) {
        struct plimsoll_span span = {.data = request, .size = cut};
        assert_int_equal(fails(span, 10000, NULL), PLIMSOLL_ERR_INVALID);
    }
    assert_int_equal(fails(plimsoll_span_of(request), 10000, NULL), PLIMSOLL_ERR_NONE);
}

static void other_objects_and_operations_are_allowed_untouched(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "\"operation\":\"UPDATE\",\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},"
        "\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"}",
        "\"operation\":\"CREATE\",\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":"
        "\"Binding\"},\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},"
        "\"subResource\":\"binding\"",
        "\"operation\":\"CREATE\",\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},"
        "\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},\"subResource\":"
        "\"ephemeralcontainers\"",
        "\"operation\":\"CREATE\",\"kind\":{\"group\":\"x\",\"version\":\"v1\",\"kind\":\"Pod\"},"
        "\"resource\":{\"group\":\"x\",\"version\":\"v1\",\"resource\":\"pods\"}",
        "\"operation\":\"DELETE\",\"object\":null",
        "\"dryRun\":true",
    };
    struct plimsoll_config *config = configured("");
    struct plimsoll_facts facts = home_lab();
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct plimsoll_error err = {0};
        enum plimsoll_admission_result result = PLIMSOLL_ADMISSION_DENIED;
        plimsoll_autotext request = plimsoll_text_make(10000), answer = plimsoll_text_make(10000);
        plimsoll_text_add_format(&request,
                                 "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/"
                                 "v1\",\"request\":{\"uid\":\"u\\\"1\",%s%s}}",
                                 requests[i],
                                 strstr(requests[i], "object") == NULL ? ",\"object\":" BARE : "");
        assert_int_equal(plimsoll_admission_review(config, &facts, plimsoll_text_span(&request),
                                                   &answer, &result, &err),
                         0);
        assert_int_equal(result, PLIMSOLL_ADMISSION_SKIPPED);
        json_auto_t *response = checked_answer(answer.data, answer.size);
        equals(response, "{\"uid\":\"u\\\"1\",\"allowed\":true}");
    }
    plimsoll_config_free(&config);
}

static void an_answer_that_does_not_fit_is_too_large(void **state)
{
    (void)state;
    json_auto_t *pod = json_of(BARE);
    plimsoll_autofree char *request = review_of(pod);
    assert_int_equal(fails(plimsoll_span_of(request), 200, NULL), PLIMSOLL_ERR_TOO_LARGE);
    assert_int_equal(fails(plimsoll_span_of(request), 6, NULL), PLIMSOLL_ERR_TOO_LARGE);
    assert_int_equal(fails(plimsoll_span_of(request), 4000, NULL), PLIMSOLL_ERR_NONE);
}

static void a_review_over_the_ceiling_is_too_large(void **state)
{
    (void)state;
    size_t size = PLIMSOLL_REVIEW_BYTES_MAX + 1;
    plimsoll_autofree char *spaces = plimsoll_alloc(size, 1);
    memset(spaces, ' ', size);
    struct plimsoll_span span = {.data = spaces, .size = size};
    assert_int_equal(fails(span, 4000, NULL), PLIMSOLL_ERR_TOO_LARGE);
}

/* The answer for 60 000 containers to guard is larger than what a server gives it. */
static void a_pod_of_too_many_containers_is_too_large(void **state)
{
    (void)state;
    plimsoll_autotext pod = plimsoll_text_make(PLIMSOLL_REVIEW_BYTES_MAX);
    plimsoll_text_add_string(&pod, "{\"metadata\":{\"annotations\":{\"plimsoll.dev/vram\":"
                                   "\"1Gi\"}},\"spec\":{\"containers\":[{}");
    for (int i = 0; i < 60000; i++) {
        plimsoll_text_add_string(&pod, ",{}");
    }
    plimsoll_text_add_string(&pod, "]}}");
    json_auto_t *many = json_of(pod.data);
    plimsoll_autofree char *request = review_of(many);
    assert_int_equal(fails(plimsoll_span_of(request), PLIMSOLL_REVIEW_BYTES_MAX, NULL),
                     PLIMSOLL_ERR_TOO_LARGE);
}

static void duplicate_keys_are_refused_wherever_they_are_read(void **state)
{
    (void)state;
    const char *const pods[] = {
        "{\"metadata\":{},\"metadata\":{},\"spec\":{}}",
        "{\"metadata\":{},\"spec\":{},\"spec\":{}}",
        "{\"metadata\":{\"annotations\":{},\"annotations\":{}},\"spec\":{}}",
        "{\"metadata\":{\"annotations\":{\"a\":\"b\",\"\\u0061\":\"c\"}},\"spec\":{}}",
        "{\"metadata\":{\"labels\":{\"a\":\"b\",\"a\":\"c\"}},\"spec\":{}}",
        "{\"metadata\":{},\"spec\":{\"containers\":[],\"containers\":[]}}",
        "{\"metadata\":{},\"spec\":{\"containers\":[{\"env\":[],\"env\":[]}]}}",
    };
    for (size_t i = 0; i < sizeof pods / sizeof *pods; i++) {
        plimsoll_autotext request = plimsoll_text_make(10000);
        plimsoll_text_add_format(&request,
                                 "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/"
                                 "v1\",\"request\":{\"uid\":\"a\",\"operation\":\"CREATE\","
                                 "\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},"
                                 "\"resource\":{\"resource\":\"pods\"},\"object\":%s}}",
                                 pods[i]);
        if (fails(plimsoll_text_span(&request), 10000, NULL) != PLIMSOLL_ERR_INVALID) {
            fail_msg("accepted: %s", pods[i]);
        }
    }
}

static void the_namespace_of_the_request_counts(void **state)
{
    (void)state;
    struct plimsoll_facts facts = home_lab();
    const char *yaml = "profiles: [{name: p, extends: nvidia, match: {namespaces: [default]}},"
                       " {name: q, extends: nvidia, match: {namespaces: [other]}}]";
    autopassed passed =
        pass_with(yaml, &facts,
                  "{\"metadata\":{\"namespace\":\"other\"},\"spec\":{\"containers\":[{\"name\":"
                  "\"a\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":1}}}]}}");
    equals(annotation(&passed, "plimsoll.dev/profile"), "\"p\"");
}

static void hostile_shapes_are_answered_with_patches_that_apply(void **state)
{
    (void)state;
    static const char *const specs[] = {
        "{\"containers\":{\"a\":1}}",
        "{\"containers\":[null,7,\"x\",[],{}]}",
        "{\"containers\":[{\"name\":\"a\",\"env\":{}}]}",
        "{\"containers\":[{\"name\":\"a\",\"env\":[null,[],{\"name\":null},{\"name\":7}]}]}",
        "{\"containers\":[{\"name\":\"a\"}],\"tolerations\":{},\"nodeSelector\":[],"
        "\"affinity\":\"x\",\"runtimeClassName\":null,\"schedulerName\":7}",
        "{\"containers\":[{\"name\":\"a\"}],\"initContainers\":\"x\"}",
        "{\"containers\":[{\"name\":\"a\",\"resources\":null,\"env\":null,\"securityContext\":null}"
        "],"
        "\"initContainers\":null,\"tolerations\":null,\"nodeSelector\":null,\"affinity\":null}",
        "{\"containers\":[]}",
        "{\"containers\":[{}]}",
        "null",
        "[]",
    };
    struct plimsoll_facts facts = home_lab();
    size_t answered = 0;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        struct plimsoll_config *config = configured(vllm);
        plimsoll_autotext text = plimsoll_text_make(4000);
        plimsoll_text_add_format(&text,
                                 "{\"metadata\":{\"annotations\":{\"plimsoll.dev/vram\":\"1Gi\","
                                 "\"plimsoll.dev/profile\":\"vllm\"}},\"spec\":%s}",
                                 specs[i]);
        json_auto_t *pod = json_of(text.data);
        plimsoll_autofree char *request = review_of(pod);
        plimsoll_autotext answer = plimsoll_text_make(100000);
        struct plimsoll_error err = {0};
        enum plimsoll_admission_result result;
        if (plimsoll_admission_review(config, &facts, plimsoll_span_of(request), &answer, &result,
                                      &err) == 0) {
            json_auto_t *response = checked_answer(answer.data, answer.size);
            decode_patch(response);
            json_t *patch = json_object_get(response, "patch");
            if (patch != NULL && !json_patch_apply(pod, patch)) {
                fail_msg("the patch does not apply to %s", specs[i]);
            }
            answered++;
        } else {
            assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
        }
        plimsoll_config_free(&config);
    }
    assert_true(answered >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_gpu_pod_comes_out_as_people_write_it_by_hand),
        cmocka_unit_test(a_pod_written_by_hand_gets_scheduler_and_profile_only),
        cmocka_unit_test(a_pod_without_a_gpu_is_not_touched),
        cmocka_unit_test(a_vram_only_pod_gets_a_downward_env_that_fails_closed),
        cmocka_unit_test(every_gpu_container_reads_an_annotation_of_its_own),
        cmocka_unit_test(the_env_of_a_plugin_pod_is_added_only_where_it_cannot_be_wrong),
        cmocka_unit_test(mig_amd_and_intel_never_get_the_env),
        cmocka_unit_test(the_leak_guard_closes_the_other_containers),
        cmocka_unit_test(the_leak_guard_is_only_for_a_class_of_ours),
        cmocka_unit_test(a_runtime_class_is_added_only_if_it_exists),
        cmocka_unit_test(a_selector_is_added_only_if_every_known_node_carries_it),
        cmocka_unit_test(facts_that_are_not_complete_hold_gpu_pods_only),
        cmocka_unit_test(what_the_user_wrote_stays_with_a_warning),
        cmocka_unit_test(a_literal_all_on_single_cards_is_no_warning),
        cmocka_unit_test(a_toleration_that_covers_is_enough),
        cmocka_unit_test(an_equal_toleration_covers_its_own_value_only),
        cmocka_unit_test(a_matching_profile_brings_its_settings),
        cmocka_unit_test(a_profile_that_does_not_match_is_passed_by),
        cmocka_unit_test(what_a_pod_has_already_a_profile_leaves),
        cmocka_unit_test(the_annotation_names_the_profile),
        cmocka_unit_test(an_unknown_profile_is_denied_with_the_known_ones),
        cmocka_unit_test(a_resource_of_a_narrow_profile_falls_back_to_the_vendor),
        cmocka_unit_test(two_vendors_get_the_first_and_a_warning),
        cmocka_unit_test(two_replicas_of_one_card_are_one_card),
        cmocka_unit_test(an_empty_scheduler_name_leaves_the_pods),
        cmocka_unit_test(a_marker_limit_calls_the_extender_for_pods_it_would_not_see),
        cmocka_unit_test(where_nodes_advertise_vram_the_request_becomes_a_limit),
        cmocka_unit_test(what_a_profile_asks_for_becomes_a_limit_too),
        cmocka_unit_test(a_claim_that_is_brought_along_is_removed),
        cmocka_unit_test(visible_devices_become_void_where_our_env_reads_them),
        cmocka_unit_test(the_webhooks_own_value_is_no_warning),
        cmocka_unit_test(a_copied_manifest_with_our_env_fails_closed),
        cmocka_unit_test(inject_false_leaves_the_spec_alone),
        cmocka_unit_test(inject_true_gives_cards_to_a_pod_that_asks_for_none),
        cmocka_unit_test(bound_and_mirror_pods_are_left_alone),
        cmocka_unit_test(a_pod_with_the_class_that_asks_for_nothing_is_told),
        cmocka_unit_test(an_ill_formed_request_is_denied_with_a_sentence),
        cmocka_unit_test(warnings_are_cut_and_counted),
        cmocka_unit_test(control_characters_never_reach_a_warning),
        cmocka_unit_test(bytes_that_are_no_review_are_invalid),
        cmocka_unit_test(every_cut_of_a_review_is_invalid),
        cmocka_unit_test(other_objects_and_operations_are_allowed_untouched),
        cmocka_unit_test(an_answer_that_does_not_fit_is_too_large),
        cmocka_unit_test(a_review_over_the_ceiling_is_too_large),
        cmocka_unit_test(a_pod_of_too_many_containers_is_too_large),
        cmocka_unit_test(duplicate_keys_are_refused_wherever_they_are_read),
        cmocka_unit_test(the_namespace_of_the_request_counts),
        cmocka_unit_test(hostile_shapes_are_answered_with_patches_that_apply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
