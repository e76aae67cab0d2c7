/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/config.h>
#include <plimsoll/limits.h>
#include <plimsoll/text.h>

#include <string.h>
#include <unistd.h>

static struct plimsoll_config *parsed_bytes(struct plimsoll_span yaml)
{
    struct plimsoll_error err = {0};
    struct plimsoll_config *config = NULL;
    if (plimsoll_config_parse(yaml, "plimsoll.yaml", &config, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return config;
}

static struct plimsoll_config *parsed(const char *yaml)
{
    return parsed_bytes(plimsoll_span_of(yaml));
}

static void refused_bytes(struct plimsoll_span yaml, const char *message)
{
    struct plimsoll_error err = {0};
    struct plimsoll_config *config = NULL;
    if (plimsoll_config_parse(yaml, "plimsoll.yaml", &config, &err) == 0) {
        fail_msg("accepted: %.*s", PLIMSOLL_SPAN_ARG(yaml));
    }
    assert_null(config);
    assert_true(err.kind == PLIMSOLL_ERR_INVALID || err.kind == PLIMSOLL_ERR_TOO_LARGE);
    if (strncmp(err.message, message, strlen(message)) != 0) {
        fail_msg("\"%s\" does not begin with \"%s\"", err.message, message);
    }
}

static void refused(const char *yaml, const char *message)
{
    refused_bytes(plimsoll_span_of(yaml), message);
}

static const struct plimsoll_profile *profile(const struct plimsoll_config *config,
                                              const char *name)
{
    for (size_t i = 0; i < config->profile_count; i++) {
        if (strcmp(config->profiles[i].name, name) == 0) {
            return &config->profiles[i];
        }
    }
    fail_msg("no profile %s", name);
    return NULL;
}

/* ---- the shipped document ---- */

static void the_shipped_profile_nvidia_is_what_people_write_by_hand(void **state)
{
    (void)state;
    struct plimsoll_config *config = plimsoll_config_default();
    const struct plimsoll_profile *nvidia = profile(config, "nvidia");
    assert_int_equal(nvidia->vendor, PLIMSOLL_VENDOR_NVIDIA);
    assert_false(nvidia->mig);
    assert_true(nvidia->vram_only);
    assert_int_equal(nvidia->resources.count, 2);
    assert_string_equal(nvidia->resources.list[0], "nvidia.com/gpu");
    assert_string_equal(nvidia->resources.list[1], "nvidia.com/gpu.shared");
    assert_string_equal(nvidia->runtime_class, "nvidia");
    assert_int_equal(nvidia->runtime_class_require, PLIMSOLL_REQUIRE_AUTO);
    assert_int_equal(nvidia->node_selector.count, 1);
    assert_string_equal(nvidia->node_selector.list[0].key, "nvidia.com/gpu.present");
    assert_string_equal(nvidia->node_selector.list[0].value, "true");
    assert_int_equal(nvidia->node_selector_require, PLIMSOLL_REQUIRE_AUTO);
    assert_string_equal(
        nvidia->tolerations_json,
        "[{\"key\":\"nvidia.com/gpu\",\"operator\":\"Exists\",\"effect\":\"NoSchedule\"}]");
    assert_string_equal(nvidia->scheduler_name, "plimsoll-scheduler");
    assert_int_equal(nvidia->visible_devices, PLIMSOLL_DEVICES_AUTO);
    assert_true(nvidia->leak_guard);
    assert_null(nvidia->vram);
    assert_null(nvidia->node_affinity_json);
    plimsoll_config_free(&config);
    assert_null(config);
}

static void the_other_shipped_profiles_never_touch_the_env(void **state)
{
    (void)state;
    struct plimsoll_config *config = plimsoll_config_default();
    assert_int_equal(config->profile_count, 4);
    const struct plimsoll_profile *mig = profile(config, "nvidia-mig");
    assert_true(mig->mig);
    assert_false(mig->vram_only);
    assert_int_equal(mig->visible_devices, PLIMSOLL_DEVICES_NONE);
    assert_string_equal(mig->resources.list[0], "nvidia.com/mig-*");
    assert_string_equal(mig->runtime_class, "nvidia");
    const char *const others[] = {"amd", "intel"};
    for (size_t i = 0; i < 2; i++) {
        const struct plimsoll_profile *other = profile(config, others[i]);
        assert_null(other->runtime_class);
        assert_int_equal(other->runtime_class_index, -1);
        assert_int_equal(other->visible_devices, PLIMSOLL_DEVICES_NONE);
        assert_false(other->leak_guard);
        assert_false(other->vram_only);
        assert_string_equal(other->scheduler_name, "plimsoll-scheduler");
        assert_int_equal(other->node_selector.count, 1);
        assert_non_null(other->tolerations_json);
    }
    plimsoll_config_free(&config);
}

static void the_defaults_are_the_designs(void **state)
{
    (void)state;
    struct plimsoll_config *config = plimsoll_config_default();
    assert_int_equal(config->placement.reserve_bytes, 512u << 20);
    assert_int_equal(config->placement.reserve_percent_milli, 0);
    assert_int_equal(config->placement.default_request, PLIMSOLL_DEFAULT_SHARE);
    assert_int_equal(config->placement.policy, PLIMSOLL_POLICY_PACK);
    assert_int_equal(config->max_report_age_ms, 600000);
    assert_false(config->marker_limit);
    assert_false(config->node_capacity);
    assert_string_equal(config->log_format, "json");
    assert_string_equal(config->log_level, "info");
    assert_null(config->listen);
    assert_null(config->tls_cert);
    plimsoll_config_free(&config);
}

static void the_reading_covers_every_profile(void **state)
{
    (void)state;
    struct plimsoll_config *config = plimsoll_config_default();
    const struct plimsoll_resources *resources = &config->reading.resources;
    assert_int_equal(resources->count, 5);
    const struct plimsoll_resource *found =
        plimsoll_resources_find(resources, plimsoll_span_of("nvidia.com/mig-1g.10gb"));
    assert_non_null(found);
    assert_true(found->mig);
    found = plimsoll_resources_find(resources, plimsoll_span_of("gpu.intel.com/xe"));
    assert_non_null(found);
    assert_int_equal(found->vendor, PLIMSOLL_VENDOR_INTEL);
    assert_null(plimsoll_resources_find(resources, plimsoll_span_of("nvidia.com/other")));
    assert_int_equal(config->reading.selector_count, 3);
    const struct plimsoll_profile *amd = profile(config, "amd");
    for (unsigned bit = 0; bit < 3; bit++) {
        bool named =
            strcmp(config->reading.selectors[bit].key, "feature.node.kubernetes.io/amd-gpu") == 0;
        assert_int_equal(named, amd->selectors >> bit & 1);
    }
    assert_int_equal(config->runtime_classes.count, 1);
    assert_int_equal(profile(config, "nvidia-mig")->runtime_class_index, 0);
    plimsoll_config_free(&config);
}

static void empty_documents_are_the_defaults(void **state)
{
    (void)state;
    const char *const empty[] = {"", "\n\n", "# nothing\n", "{}", "---\n{}\n"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        struct plimsoll_config *config = parsed(empty[i]);
        assert_int_equal(config->profile_count, 4);
        plimsoll_config_free(&config);
    }
    struct plimsoll_config *config = parsed_bytes((struct plimsoll_span){0});
    assert_int_equal(config->profile_count, 4);
    plimsoll_config_free(&config);
}

/* ---- settings ---- */

static void flags_have_keys_of_the_same_name(void **state)
{
    (void)state;
    struct plimsoll_config *config = parsed("listen: 0.0.0.0:8443\n"
                                            "tls-cert: /tls/tls.crt\n"
                                            "tls-key: '/tls/tls.key'\n"
                                            "client-ca: \"/tls/ca.crt\"\n"
                                            "extender-listen: \"[::1]:8888\"\n"
                                            "metrics-listen: localhost:0\n"
                                            "cluster-state: state.json\n"
                                            "kubeconfig: admin.conf\n"
                                            "log-format: text\n"
                                            "log-level: debug\n"
                                            "tls-secret: plimsoll-tls\n"
                                            "webhook: plimsoll\n"
                                            "service: gpu.plimsoll\n"
                                            "ca-configmap: plimsoll-ca\n"
                                            "tls-dns: [gpu.example.com, 10.0.0.7]\n");
    assert_string_equal(config->tls_secret, "plimsoll-tls");
    assert_string_equal(config->webhook, "plimsoll");
    assert_string_equal(config->service, "gpu.plimsoll");
    assert_string_equal(config->ca_configmap, "plimsoll-ca");
    assert_int_equal(config->tls_dns.count, 2);
    assert_string_equal(config->tls_dns.list[0], "gpu.example.com");
    assert_string_equal(config->tls_dns.list[1], "10.0.0.7");
    assert_string_equal(config->listen, "0.0.0.0:8443");
    assert_string_equal(config->tls_cert, "/tls/tls.crt");
    assert_string_equal(config->tls_key, "/tls/tls.key");
    assert_string_equal(config->client_ca, "/tls/ca.crt");
    assert_string_equal(config->extender_listen, "[::1]:8888");
    assert_string_equal(config->metrics_listen, "localhost:0");
    assert_string_equal(config->cluster_state, "state.json");
    assert_string_equal(config->kubeconfig, "admin.conf");
    assert_string_equal(config->log_format, "text");
    assert_string_equal(config->log_level, "debug");
    plimsoll_config_free(&config);
}

static void a_bad_address_says_what_would_be_right(void **state)
{
    (void)state;
    const char *const bad[] = {"8443",       "\":8443\"",  "host",   "host:http",
                               "host:65536", "\"::1:80\"", "host:-1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        plimsoll_autotext yaml = plimsoll_text_make(100);
        plimsoll_text_add_format(&yaml, "\nlisten: %s\n", bad[i]);
        refused(yaml.data, "plimsoll.yaml:2: listen: \"");
    }
    refused("listen: [a]", "plimsoll.yaml:1: listen: must be a single value, is a list");
    refused("listen:", "plimsoll.yaml:1: listen: has no value");
    refused("tls-cert: \"\"", "plimsoll.yaml:1: tls-cert: is empty");
    refused("tls-secret: Plimsoll_TLS", "plimsoll.yaml:1: tls-secret: \"Plimsoll_TLS\" ");
    refused("webhook: [a]", "plimsoll.yaml:1: webhook: must be a single value, is a list");
    refused("service: a..b", "plimsoll.yaml:1: service: \"a..b\" ");
    refused("tls-dns: a", "plimsoll.yaml:1: tls-dns: ");
    refused("tls-dns: [\"\"]", "plimsoll.yaml:1: tls-dns[0]: is empty");
    refused("log-level: loud", "plimsoll.yaml:1: log-level: \"loud\" is none of debug, info, warn");
}

static void the_reserve_is_bytes_or_percent(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        uint64_t bytes;
        uint32_t percent_milli;
    } cases[] = {
        {"reserve: 1Gi", 1u << 30, 0}, {"reserve: 1048576", 1u << 20, 0}, {"reserve: 0", 0, 0},
        {"reserve: 5%", 0, 5000},      {"reserve: \"12.5%\"", 0, 12500},  {"reserve: 0.001%", 0, 1},
        {"reserve: 99.999%", 0, 99999}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plimsoll_config *config = parsed(cases[i].yaml);
        assert_int_equal(config->placement.reserve_bytes, cases[i].bytes);
        assert_int_equal(config->placement.reserve_percent_milli, cases[i].percent_milli);
        plimsoll_config_free(&config);
    }
    const char *const bad[] = {"reserve: 100%", "reserve: 0%",      "reserve: 5.1234%",
                               "reserve: -1%",  "reserve: 5%%",     "reserve: \"%\"",
                               "reserve: 5.%",  "reserve: lots",    "reserve: -1Gi",
                               "reserve: \"\"", "reserve: 1000000%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        refused(bad[i], "plimsoll.yaml:1: reserve: ");
    }
}

static void the_default_request_is_share_whole_or_a_quantity(void **state)
{
    (void)state;
    struct plimsoll_config *config = parsed("defaultRequest: whole\npolicy: spread\n");
    assert_int_equal(config->placement.default_request, PLIMSOLL_DEFAULT_WHOLE);
    assert_int_equal(config->placement.policy, PLIMSOLL_POLICY_SPREAD);
    plimsoll_config_free(&config);
    config = parsed("defaultRequest: 4Gi");
    assert_int_equal(config->placement.default_request, PLIMSOLL_DEFAULT_BYTES);
    assert_int_equal(config->placement.default_bytes, 4ull << 30);
    plimsoll_config_free(&config);
    refused("defaultRequest: 12",
            "plimsoll.yaml:1: defaultRequest: \"12\" is below 1Mi; did you mean 12Gi?");
    refused("defaultRequest: half", "plimsoll.yaml:1: defaultRequest: ");
    refused("policy: tight", "plimsoll.yaml:1: policy: \"tight\" is none of pack, spread");
}

static void durations_have_units(void **state)
{
    (void)state;
    struct plimsoll_config *config = parsed("maxReportAge: 1h30m15s");
    assert_int_equal(config->max_report_age_ms, 5415000);
    plimsoll_config_free(&config);
    const char *const bad[] = {
        "10", "10d", "m", "0s", "169h", "1.5h", "\"\"", "-1m", "99999999999999999999h"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        plimsoll_autotext yaml = plimsoll_text_make(100);
        plimsoll_text_add_format(&yaml, "maxReportAge: %s", bad[i]);
        refused(yaml.data, "plimsoll.yaml:1: maxReportAge: \"");
    }
}

static void resource_lists_replace_the_shipped_ones(void **state)
{
    (void)state;
    struct plimsoll_config *config = parsed("resources:\n"
                                            "  nvidia: [example.com/gpu]\n"
                                            "  amd: [amd.com/gpu, 'amd.com/cpx_*']\n");
    const struct plimsoll_resources *resources = &config->reading.resources;
    assert_null(plimsoll_resources_find(resources, plimsoll_span_of("nvidia.com/gpu")));
    assert_non_null(plimsoll_resources_find(resources, plimsoll_span_of("example.com/gpu")));
    assert_non_null(plimsoll_resources_find(resources, plimsoll_span_of("amd.com/cpx_nps4")));
    assert_non_null(plimsoll_resources_find(resources, plimsoll_span_of("gpu.intel.com/i915")));
    assert_string_equal(profile(config, "nvidia")->resources.list[0], "example.com/gpu");
    assert_true(profile(config, "nvidia")->vram_only);
    plimsoll_config_free(&config);
}

static void a_prefix_of_nvidia_com_is_refused(void **state)
{
    (void)state;
    refused("resources:\n  nvidia: ['nvidia.com/*']",
            "plimsoll.yaml:2: resources.nvidia[0]: \"nvidia.com/*\" would match resources that "
            "are no GPU");
    refused("resources:\n  nvidia: ['nvidia.com/gpu*']", "plimsoll.yaml:2: resources.nvidia[0]: ");
    refused("resources:\n  nvidia: [gpu]",
            "plimsoll.yaml:2: resources.nvidia[0]: \"gpu\" must be an extended resource");
    refused("resources:\n  nvidia: ['a*/b', ok.com/gpu]", "plimsoll.yaml:2: resources.nvidia[0]: ");
    refused("resources:\n  nvidia: ['*']", "plimsoll.yaml:2: resources.nvidia[0]: ");
    refused("resources:\n  nvidia: nvidia.com/gpu",
            "plimsoll.yaml:2: resources.nvidia: must be a list, is a string");
    refused("resources:\n  nvida: []", "plimsoll.yaml:2: resources.nvida: unknown key; known "
                                       "here: nvidia, nvidia-mig, amd, intel");
}

static void the_scheduler_name_reaches_every_shipped_profile(void **state)
{
    (void)state;
    struct plimsoll_config *config = parsed("schedulerName: \"\"\n"
                                            "profiles:\n"
                                            "- {name: a, extends: amd}\n"
                                            "- {name: b, extends: nvidia, schedulerName: other}\n");
    assert_string_equal(profile(config, "nvidia")->scheduler_name, "");
    assert_string_equal(profile(config, "intel")->scheduler_name, "");
    assert_string_equal(profile(config, "a")->scheduler_name, "");
    assert_string_equal(profile(config, "b")->scheduler_name, "other");
    plimsoll_config_free(&config);
    refused("schedulerName: A B", "plimsoll.yaml:1: schedulerName: \"A B\" must be lower case");
}

/* ---- profiles ---- */

static const char dedicated[] = "profiles:\n"
                                "  - name: vllm\n"
                                "    extends: nvidia\n"
                                "    match:\n"
                                "      namespaces: [llm, 'llm-*']\n"
                                "      podLabels: {app: vllm}\n"
                                "      images: ['*/vllm-openai:*']\n"
                                "    nodeSelector: {kubernetes.io/hostname: dgx-3}\n"
                                "    tolerations:\n"
                                "      - {key: dedicated, operator: Equal, value: vllm, effect: "
                                "NoSchedule}\n"
                                "      - {key: slow, operator: Exists, effect: NoExecute, "
                                "tolerationSeconds: 60}\n"
                                "    nodeAffinity:\n"
                                "      requiredDuringSchedulingIgnoredDuringExecution:\n"
                                "        nodeSelectorTerms:\n"
                                "          - matchExpressions:\n"
                                "              - {key: kubernetes.io/hostname, operator: In, "
                                "values: [dgx-3, dgx-4]}\n"
                                "              - {key: gen, operator: Gt, values: ['7']}\n"
                                "              - {key: spot, operator: DoesNotExist}\n"
                                "      preferredDuringSchedulingIgnoredDuringExecution:\n"
                                "        - weight: 10\n"
                                "          preference:\n"
                                "            matchExpressions: [{key: a, operator: Exists}]\n"
                                "    env: {CUDA_DEVICE_ORDER: PCI_BUS_ID, EMPTY: \"\"}\n"
                                "    priorityClassName: gpu-high\n"
                                "    annotations: {plimsoll.dev/policy: spread, a.b/c: \"1\"}\n"
                                "    vram: 50%\n"
                                "    visibleDevices: assigned\n"
                                "    leakGuard: false\n"
                                "    runtimeClassRequire: require\n"
                                "  - name: vllm-small\n"
                                "    extends: vllm\n"
                                "    vram: 4Gi\n"
                                "    runtimeClassName: \"\"\n";

static void a_profile_takes_what_it_extends_and_its_own(void **state)
{
    (void)state;
    struct plimsoll_config *config = parsed(dedicated);
    const struct plimsoll_profile *vllm = profile(config, "vllm");
    assert_string_equal(vllm->runtime_class, "nvidia");
    assert_int_equal(vllm->runtime_class_require, PLIMSOLL_REQUIRE_ALWAYS);
    assert_int_equal(vllm->resources.count, 2);
    assert_true(vllm->vram_only);
    assert_int_equal(vllm->namespaces.count, 2);
    assert_string_equal(vllm->pod_labels.list[0].value, "vllm");
    assert_int_equal(vllm->node_selector.count, 1);
    assert_string_equal(vllm->node_selector.list[0].value, "dgx-3");
    assert_string_equal(
        vllm->tolerations_json,
        "[{\"key\":\"dedicated\",\"operator\":\"Equal\",\"value\":\"vllm\",\"effect\":"
        "\"NoSchedule\"},{\"key\":\"slow\",\"operator\":\"Exists\",\"effect\":\"NoExecute\","
        "\"tolerationSeconds\":60}]");
    assert_string_equal(
        vllm->node_affinity_json,
        "{\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{"
        "\"matchExpressions\":[{\"key\":\"kubernetes.io/hostname\",\"operator\":\"In\",\"values\":"
        "[\"dgx-3\",\"dgx-4\"]},{\"key\":\"gen\",\"operator\":\"Gt\",\"values\":[\"7\"]},{\"key\":"
        "\"spot\",\"operator\":\"DoesNotExist\"}]}]},"
        "\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":10,\"preference\":{"
        "\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}}]}");
    assert_int_equal(vllm->env.count, 2);
    assert_string_equal(vllm->env.list[1].value, "");
    assert_string_equal(vllm->priority_class_name, "gpu-high");
    assert_int_equal(vllm->annotations.count, 2);
    assert_string_equal(vllm->vram, "50%");
    assert_int_equal(vllm->visible_devices, PLIMSOLL_DEVICES_ASSIGNED);
    assert_false(vllm->leak_guard);
    assert_string_equal(vllm->scheduler_name, "plimsoll-scheduler");
    const struct plimsoll_profile *small = profile(config, "vllm-small");
    assert_string_equal(small->vram, "4Gi");
    assert_null(small->runtime_class);
    assert_int_equal(small->runtime_class_index, -1);
    assert_string_equal(small->priority_class_name, "gpu-high");
    plimsoll_config_free(&config);
}

static void user_profiles_come_first(void **state)
{
    (void)state;
    struct plimsoll_config *config = parsed(dedicated);
    const char *const order[] = {"vllm", "vllm-small", "nvidia", "nvidia-mig", "amd", "intel"};
    assert_int_equal(config->profile_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(config->profiles[i].name, order[i]);
    }
    plimsoll_config_free(&config);
}

static void a_profile_without_match_is_chosen_by_name_only(void **state)
{
    (void)state;
    struct plimsoll_config *config =
        parsed("profiles: [{name: a, extends: nvidia}, {name: b, extends: nvidia, match: {}},"
               " {name: c, extends: a, match: {namespaces: [x]}}]");
    assert_int_equal(profile(config, "a")->resources.count, 0);
    assert_false(profile(config, "a")->vram_only);
    assert_int_equal(profile(config, "b")->resources.count, 2);
    assert_true(profile(config, "b")->vram_only);
    assert_int_equal(profile(config, "c")->resources.count, 2);
    plimsoll_config_free(&config);
}

static void what_a_person_writes_as_node_selector_is_required(void **state)
{
    (void)state;
    struct plimsoll_config *config =
        parsed("profiles:\n"
               "- {name: a, extends: nvidia, nodeSelector: {x: y}}\n"
               "- {name: b, extends: nvidia, nodeSelectorRequire: auto, nodeSelector: {x: y}}\n"
               "- {name: c, extends: nvidia, nodeSelectorRequire: never}\n");
    assert_int_equal(profile(config, "a")->node_selector_require, PLIMSOLL_REQUIRE_ALWAYS);
    assert_int_equal(profile(config, "b")->node_selector_require, PLIMSOLL_REQUIRE_AUTO);
    assert_int_equal(profile(config, "c")->node_selector_require, PLIMSOLL_REQUIRE_NEVER);
    assert_int_equal(profile(config, "a")->selectors, profile(config, "b")->selectors);
    plimsoll_config_free(&config);
}

static void the_vram_resource_in_match_means_pods_without_another(void **state)
{
    (void)state;
    struct plimsoll_config *config =
        parsed("profiles: [{name: a, extends: nvidia, match: {resources: [plimsoll.dev/vram]}},"
               "{name: b, extends: nvidia, match: {resources: [nvidia.com/gpu]}}]");
    assert_true(profile(config, "a")->vram_only);
    assert_int_equal(profile(config, "a")->resources.count, 0);
    assert_false(profile(config, "b")->vram_only);
    assert_null(
        plimsoll_resources_find(&config->reading.resources, plimsoll_span_of("plimsoll.dev/vram")));
    plimsoll_config_free(&config);
    refused("profiles: [{name: a, extends: amd, match: {resources: [plimsoll.dev/vram]}}]",
            "plimsoll.yaml:1: profiles[0].match.resources[0]: pods that ask for VRAM alone are "
            "NVIDIA's");
}

static void a_profile_may_bring_resources_of_its_own(void **state)
{
    (void)state;
    struct plimsoll_config *config =
        parsed("profiles: [{name: a, extends: amd, match: {resources: [example.com/gpu]}}]");
    const struct plimsoll_resource *found =
        plimsoll_resources_find(&config->reading.resources, plimsoll_span_of("example.com/gpu"));
    assert_non_null(found);
    assert_int_equal(found->vendor, PLIMSOLL_VENDOR_AMD);
    plimsoll_config_free(&config);
    refused("profiles:\n- {name: a, extends: nvidia, match: {resources: [amd.com/gpu]}}",
            "plimsoll.yaml:2: profiles[0]: matches amd.com/gpu, a resource of amd; extend amd");
    refused("profiles:\n- {name: a, extends: nvidia, match: {resources: [nvidia.com/mig-1g.5gb]}}",
            "plimsoll.yaml:2: profiles[0]: matches nvidia.com/mig-1g.5gb, a resource of "
            "nvidia-mig");
}

static void a_profile_says_what_it_extends(void **state)
{
    (void)state;
    refused("profiles:\n- name: a\n",
            "plimsoll.yaml:2: profiles[0]: needs extends, like extends: nvidia");
    refused("profiles:\n- extends: nvidia\n",
            "plimsoll.yaml:2: profiles[0]: needs name, like name: vllm");
    refused("profiles:\n- name: a\n  extends: nvidea\n",
            "plimsoll.yaml:3: profiles[0].extends: unknown profile \"nvidea\"; a profile extends a "
            "shipped or an earlier one: nvidia, nvidia-mig, amd, intel");
    refused("profiles:\n- name: a\n  extends: b\n- name: b\n  extends: nvidia\n",
            "plimsoll.yaml:3: profiles[0].extends: unknown profile \"b\"");
    refused("profiles: [{name: nvidia, extends: nvidia}]",
            "plimsoll.yaml:1: profiles[0].name: there is a profile \"nvidia\" already");
    refused("profiles: [{name: A, extends: nvidia}]", "plimsoll.yaml:1: profiles[0].name: \"A\"");
    refused("profiles: [{name: a, extends: nvidia, vendor: amd}]",
            "plimsoll.yaml:1: profiles[0].vendor: unknown key; known here: name, extends, match");
    refused("profiles: [nvidia]", "plimsoll.yaml:1: profiles[0]: must be a mapping");
    refused("profiles: {a: b}", "plimsoll.yaml:1: profiles: must be a list, is a mapping");
    refused("profiles:\n", "plimsoll.yaml:1: profiles: must be a list, is empty");
}

static void a_wrong_setting_names_its_line_and_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *message;
    } cases[] = {
        {"runtimeClassName: Nvidia", "runtimeClassName: \"Nvidia\" must be lower case"},
        {"runtimeClassName:", "runtimeClassName: has no value"},
        {"runtimeClassRequire: yes", "runtimeClassRequire: \"yes\" is none of auto, require"},
        {"nodeSelector: {a: true}",
         "nodeSelector.a: must be a string, is a boolean; quote it: \"true\""},
        {"nodeSelector: {a: 7}", "nodeSelector.a: must be a string, is a number; quote it: \"7\""},
        {"nodeSelector: {'a b': c}", "nodeSelector.a b: must be a key"},
        {"nodeSelector: {a: 'b c'}", "nodeSelector.a: must be a label value"},
        {"nodeSelector: [a]", "nodeSelector: must be a mapping"},
        {"env: {NVIDIA_VISIBLE_DEVICES: all}",
         "env.NVIDIA_VISIBLE_DEVICES: is set by visibleDevices"},
        {"env: {'A=B': c}", "env.A=B: must be the name of an environment variable"},
        {"env: {A: on}", "env.A: must be a string, is a boolean; quote it: \"on\""},
        {"annotations: {plimsoll.dev/claim: x}",
         "annotations.plimsoll.dev/claim: cannot be set by a profile"},
        {"annotations: {plimsoll.dev/vram: 1Gi}", "annotations.plimsoll.dev/vram: is set by vram"},
        {"annotations: {plimsoll.dev/policy: tight}",
         "annotations.plimsoll.dev/policy: \"tight\" is none of pack, spread"},
        {"vram: 12", "vram: \"12\" is below 1Mi; did you mean 12Gi?"},
        {"vram: 0%", "vram: \"0%\" must be above 0% and at most 100%"},
        {"vram: lots", "vram: "},
        {"visibleDevices: some", "visibleDevices: \"some\" is none of auto, all, assigned, none"},
        {"leakGuard: \"true\"", "leakGuard: must be true or false, is \"true\""},
        {"leakGuard: on", "leakGuard: must be true or false, is \"on\""},
        {"match: {namespaces: llm}", "match.namespaces: must be a list, is a string"},
        {"match: {images: ['']}", "match.images[0]: is empty"},
        {"match: {image: [a]}", "match.image: unknown key; known here: resources, namespaces"},
        {"tolerations: {key: a}", "tolerations: must be a list, is a mapping"},
        {"tolerations: [{kye: a}]", "tolerations[0].kye: unknown key; known here: key, operator"},
        {"tolerations: [{key: a, operator: exists}]",
         "tolerations[0].operator: \"exists\" is none of Exists, Equal"},
        {"tolerations: [{key: a, operator: Exists, value: b}]",
         "tolerations[0]: with operator Exists there is no value"},
        {"tolerations: [{effect: NoSchedule}]",
         "tolerations[0]: without a key the operator must be Exists"},
        {"tolerations: [{key: a, effect: NoScheduling}]",
         "tolerations[0].effect: \"NoScheduling\" is none of NoSchedule"},
        {"tolerations: [{key: a, effect: NoSchedule, tolerationSeconds: 3}]",
         "tolerations[0]: tolerationSeconds goes with effect NoExecute only"},
        {"tolerations: [{key: a, effect: NoExecute, tolerationSeconds: soon}]",
         "tolerations[0].tolerationSeconds: must be a number of seconds"},
        {"tolerations: [{key: a, effect: NoExecute, tolerationSeconds: 99999999999999999999}]",
         "tolerations[0].tolerationSeconds: must be a number of seconds"},
        {"tolerations: [{key: 'a b', operator: Exists}]", "tolerations[0]: key \"a b\" must be"},
        {"nodeAffinity: {required: {}}", "nodeAffinity.required: unknown key; known here: "
                                         "requiredDuringSchedulingIgnoredDuringExecution"},
        {"nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}",
         "nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution: needs nodeSelectorTerms"},
        {"nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 101}]}",
         "nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: must be a "
         "number from 1 to 100"},
        {"nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1}]}",
         "nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]: needs weight"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plimsoll_autotext yaml = plimsoll_text_make(1000), message = plimsoll_text_make(1000);
        plimsoll_text_add_format(&yaml, "profiles:\n- name: a\n  extends: nvidia\n  %s\n",
                                 cases[i].setting);
        plimsoll_text_add_format(&message, "plimsoll.yaml:4: profiles[0].%s", cases[i].message);
        refused(yaml.data, message.data);
    }
}

static void requirements_of_a_node_affinity_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *requirement, *message;
    } cases[] = {
        {"{operator: In}", "needs key and operator"},
        {"{key: a}", "needs key and operator"},
        {"{key: a, operator: In}", "with operator In there must be values"},
        {"{key: a, operator: NotIn, values: []}", "with operator NotIn there must be values"},
        {"{key: a, operator: Exists, values: [b]}", "with operator Exists there are no values"},
        {"{key: a, operator: Gt, values: [b]}", "with operator Gt there must be one value"},
        {"{key: a, operator: Lt, values: ['1', '2']}", "with operator Lt there must be one value"},
        {"{key: ' ', operator: Exists}", "key \" \" must be a key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plimsoll_autotext yaml = plimsoll_text_make(1000), message = plimsoll_text_make(1000);
        plimsoll_text_add_format(
            &yaml,
            "profiles:\n- name: a\n  extends: nvidia\n  nodeAffinity:\n"
            "    requiredDuringSchedulingIgnoredDuringExecution:\n"
            "      nodeSelectorTerms:\n      - matchExpressions:\n        - %s\n",
            cases[i].requirement);
        plimsoll_text_add_format(
            &message,
            "plimsoll.yaml:8: profiles[0].nodeAffinity.requiredDuringSchedulingIgnoredDuring"
            "Execution.nodeSelectorTerms[0].matchExpressions[0]: %s",
            cases[i].message);
        refused(yaml.data, message.data);
    }
}

/* ---- hostile and broken documents ---- */

static void an_unknown_key_lists_the_known_ones(void **state)
{
    (void)state;
    refused("reserve: 1Gi\nlsten: a:1\n",
            "plimsoll.yaml:2: lsten: unknown key; known here: listen, tls-cert, tls-key");
}

static void duplicate_keys_are_refused_with_both_lines(void **state)
{
    (void)state;
    refused("policy: pack\nreserve: 1Gi\npolicy: spread\n",
            "plimsoll.yaml:3: duplicate key \"policy\", first on line 1");
    refused("profiles:\n- name: a\n  extends: nvidia\n  env:\n    A: b\n    A: c\n",
            "plimsoll.yaml:6: duplicate key \"A\", first on line 5");
}

static void anchors_aliases_and_tags_are_refused(void **state)
{
    (void)state;
    refused("policy: &p pack\n", "plimsoll.yaml:1: anchors and aliases are not supported");
    refused("a: 1\npolicy: *p\n", "plimsoll.yaml:2: anchors and aliases are not supported");
    refused("policy: !!str pack\n", "plimsoll.yaml:1: tags are not supported");
    refused("resources: &r\n  nvidia: []\n", "plimsoll.yaml:1: anchors and aliases");
    refused("? [a]\n: b\n", "plimsoll.yaml:1: a key must be a word");
    refused("*x : b\n", "plimsoll.yaml:1: anchors and aliases");
}

static void broken_yaml_names_the_line(void **state)
{
    (void)state;
    refused("reserve: 1Gi\n\tpolicy: pack\n", "plimsoll.yaml:2: no YAML: ");
    refused("a: [1, 2\n", "plimsoll.yaml:");
    refused("a: 'x\n", "plimsoll.yaml:");
    refused("policy: pack\n---\npolicy: pack\n", "plimsoll.yaml:2: a second document");
    refused("- a\n", "plimsoll.yaml:1: must be a mapping");
    refused("just words", "plimsoll.yaml:1: must be a mapping (key: value), is a string");
    refused("policy: \"a\\0b\"\n", "plimsoll.yaml:1: a NUL character");
    refused_bytes((struct plimsoll_span){"reserve: 1Gi\npolicy: \xff\n", 23},
                  "plimsoll.yaml:2: no YAML: ");
    refused_bytes((struct plimsoll_span){"policy: a\0b\n", 12}, "plimsoll.yaml:1: no YAML: ");
}

static void every_cut_of_a_good_file_is_answered(void **state)
{
    (void)state;
    size_t accepted = 0;
    for (size_t size = 0; size < sizeof dedicated; size++) {
        struct plimsoll_error err = {0};
        struct plimsoll_config *config = NULL;
        struct plimsoll_span cut = {.data = dedicated, .size = size};
        if (plimsoll_config_parse(cut, "cut.yaml", &config, &err) == 0) {
            accepted++;
            plimsoll_config_free(&config);
        } else {
            assert_int_equal(strncmp(err.message, "cut.yaml:", 9), 0);
        }
    }
    assert_in_range(accepted, 1, sizeof dedicated - 1);
}

static void a_document_as_deep_as_a_well_is_too_large(void **state)
{
    (void)state;
    plimsoll_autotext yaml = plimsoll_text_make(4096);
    for (unsigned i = 0; i < 1000; i++) {
        plimsoll_text_add_char(&yaml, '[');
    }
    refused(yaml.data, "plimsoll.yaml:1: nested too deeply");
}

static void a_document_of_too_many_values_is_too_large(void **state)
{
    (void)state;
    plimsoll_autotext yaml = plimsoll_text_make(PLIMSOLL_CONFIG_BYTES_MAX);
    plimsoll_text_add_string(&yaml, "resources:\n  nvidia:\n");
    for (unsigned i = 0; i < 65536; i++) {
        plimsoll_text_add_string(&yaml, "  - a\n");
    }
    refused(yaml.data, "plimsoll.yaml:65536: too many values");
}

static void a_file_larger_than_the_ceiling_is_refused(void **state)
{
    (void)state;
    plimsoll_autotext yaml = plimsoll_text_make(PLIMSOLL_CONFIG_BYTES_MAX + 1);
    plimsoll_text_add_string(&yaml, "#");
    while (yaml.size < PLIMSOLL_CONFIG_BYTES_MAX) {
        plimsoll_text_add_char(&yaml, 'x');
    }
    struct plimsoll_config *config = parsed_bytes(plimsoll_text_span(&yaml));
    plimsoll_config_free(&config);
    plimsoll_text_add_char(&yaml, 'x');
    refused_bytes(plimsoll_text_span(&yaml), "plimsoll.yaml: larger than 1048576 bytes");
}

static void profiles_up_to_the_ceiling_are_taken(void **state)
{
    (void)state;
    plimsoll_autotext yaml = plimsoll_text_make(100000);
    plimsoll_text_add_string(&yaml, "profiles:\n");
    for (unsigned i = 0; i < PLIMSOLL_PROFILES_MAX - 4; i++) {
        plimsoll_text_add_format(&yaml, "- {name: p%u, extends: nvidia}\n", i);
    }
    struct plimsoll_config *config = parsed(yaml.data);
    assert_int_equal(config->profile_count, PLIMSOLL_PROFILES_MAX);
    plimsoll_config_free(&config);
    plimsoll_text_add_string(&yaml, "- {name: last, extends: nvidia}\n");
    refused(yaml.data, "plimsoll.yaml:62: profiles[60]: more than 64 profiles");
}

static void node_selectors_up_to_the_ceiling_are_taken(void **state)
{
    (void)state;
    plimsoll_autotext yaml = plimsoll_text_make(100000);
    plimsoll_text_add_string(&yaml, "profiles:\n- name: a\n  extends: nvidia\n  nodeSelector:\n");
    for (unsigned i = 0; i < PLIMSOLL_SELECTORS_MAX - 3; i++) {
        plimsoll_text_add_format(&yaml, "    k%u: v\n", i);
    }
    struct plimsoll_config *config = parsed(yaml.data);
    assert_int_equal(config->reading.selector_count, PLIMSOLL_SELECTORS_MAX);
    plimsoll_config_free(&config);
    plimsoll_text_add_string(&yaml, "    last: v\n");
    refused(yaml.data, "plimsoll.yaml: profile ");
}

static void a_file_is_read_or_named(void **state)
{
    (void)state;
    char name[] = "/tmp/plimsoll-config-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "policy: spread\n", 15), 15);
    close(fd);
    struct plimsoll_error err = {0};
    struct plimsoll_config *config = NULL;
    assert_int_equal(plimsoll_config_load(name, &config, &err), 0);
    assert_int_equal(config->placement.policy, PLIMSOLL_POLICY_SPREAD);
    plimsoll_config_free(&config);
    unlink(name);
    assert_int_equal(plimsoll_config_load(name, &config, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, name));
    assert_int_equal(plimsoll_config_load("/", &config, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_profile_nvidia_is_what_people_write_by_hand),
        cmocka_unit_test(the_other_shipped_profiles_never_touch_the_env),
        cmocka_unit_test(the_defaults_are_the_designs),
        cmocka_unit_test(the_reading_covers_every_profile),
        cmocka_unit_test(empty_documents_are_the_defaults),
        cmocka_unit_test(flags_have_keys_of_the_same_name),
        cmocka_unit_test(a_bad_address_says_what_would_be_right),
        cmocka_unit_test(the_reserve_is_bytes_or_percent),
        cmocka_unit_test(the_default_request_is_share_whole_or_a_quantity),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(resource_lists_replace_the_shipped_ones),
        cmocka_unit_test(a_prefix_of_nvidia_com_is_refused),
        cmocka_unit_test(the_scheduler_name_reaches_every_shipped_profile),
        cmocka_unit_test(a_profile_takes_what_it_extends_and_its_own),
        cmocka_unit_test(user_profiles_come_first),
        cmocka_unit_test(a_profile_without_match_is_chosen_by_name_only),
        cmocka_unit_test(what_a_person_writes_as_node_selector_is_required),
        cmocka_unit_test(the_vram_resource_in_match_means_pods_without_another),
        cmocka_unit_test(a_profile_may_bring_resources_of_its_own),
        cmocka_unit_test(a_profile_says_what_it_extends),
        cmocka_unit_test(a_wrong_setting_names_its_line_and_what_would_be_right),
        cmocka_unit_test(requirements_of_a_node_affinity_are_checked),
        cmocka_unit_test(an_unknown_key_lists_the_known_ones),
        cmocka_unit_test(duplicate_keys_are_refused_with_both_lines),
        cmocka_unit_test(anchors_aliases_and_tags_are_refused),
        cmocka_unit_test(broken_yaml_names_the_line),
        cmocka_unit_test(every_cut_of_a_good_file_is_answered),
        cmocka_unit_test(a_document_as_deep_as_a_well_is_too_large),
        cmocka_unit_test(a_document_of_too_many_values_is_too_large),
        cmocka_unit_test(a_file_larger_than_the_ceiling_is_refused),
        cmocka_unit_test(profiles_up_to_the_ceiling_are_taken),
        cmocka_unit_test(node_selectors_up_to_the_ceiling_are_taken),
        cmocka_unit_test(a_file_is_read_or_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
