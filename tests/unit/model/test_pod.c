/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#define MI (UINT64_C(1) << 20)
#define GI (UINT64_C(1) << 30)

static struct plimsoll_pod read_text(const char *object)
{
    struct plimsoll_pod pod = {0};
    struct plimsoll_error err = {0};
    if (plimsoll_pod_read(plimsoll_span_of(object), &wire_reading.resources, &pod, &err) != 0) {
        fail_msg("%s: %s", object, err.message);
    }
    return pod;
}

/* A pod with these annotations (JSON members) and this spec (JSON members); metadata comes last. */
static struct plimsoll_pod read_pod(const char *annotations, const char *spec)
{
    plimsoll_autotext text = plimsoll_text_make(1 << 22);
    plimsoll_text_add_format(&text, "{\"spec\":{%s},\"metadata\":{\"name\":\"p\",", spec);
    plimsoll_text_add_format(&text, "\"namespace\":\"ns\",\"annotations\":{%s}}}", annotations);
    return read_text(text.data);
}

/* The demand of a pod whose request can be read. */
static struct plimsoll_demand demand_of(const char *annotations, const char *spec)
{
    struct plimsoll_pod pod = read_pod(annotations, spec);
    if (pod.refusal != NULL) {
        fail_msg("%s %s: %s", annotations, spec, pod.refusal);
    }
    struct plimsoll_demand demand = pod.demand;
    plimsoll_pod_clear(&pod);
    return demand;
}

static void refused(const char *annotations, const char *spec, const char *why)
{
    struct plimsoll_pod pod = read_pod(annotations, spec);
    if (pod.refusal == NULL || strstr(pod.refusal, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", pod.refusal != NULL ? pod.refusal : "accepted", why);
    }
    assert_true(pod.demand.gpu);
    assert_int_equal(pod.demand.request, PLIMSOLL_REQUEST_DEFAULT);
    assert_int_not_equal(pod.demand.vendor, PLIMSOLL_VENDOR_NONE);
    assert_true(pod.demand.cards >= 1 && pod.demand.cards <= PLIMSOLL_CARDS_MAX);
    plimsoll_pod_clear(&pod);
}

#define LIMITS(name, limits) "{\"name\":\"" name "\",\"resources\":{\"limits\":{" limits "}}}"
#define SIDECAR(name, limits)                                                                      \
    "{\"name\":\"" name "\",\"resources\":{\"limits\":{" limits "}},\"restartPolicy\":\"Always\"}"
#define ENV(name, env)   "{\"name\":\"" name "\",\"env\":[" env "]}"
#define VISIBLE(value)   "{\"name\":\"NVIDIA_VISIBLE_DEVICES\",\"value\":\"" value "\"}"
#define CONTAINERS(list) "\"containers\":[" list "]"
#define INIT(list)       "\"initContainers\":[" list "]"
#define GPU(n)           "\"nvidia.com/gpu\":\"" n "\""
#define VRAM(n)          "\"plimsoll.dev/vram\":\"" n "\""
#define ONE              CONTAINERS("{\"name\":\"main\"}")

static void a_pod_without_a_gpu_is_none(void **state)
{
    (void)state;
    struct plimsoll_pod pod = read_text(
        "{\"metadata\":{\"name\":\"web\",\"namespace\":\"ns\",\"uid\":\"u-1\",\"labels\":"
        "{\"app.kubernetes.io/part-of\":\"shop\",\"app.kubernetes.io/component\":\"agent\"}},"
        "\"spec\":{\"nodeName\":\"n1\",\"containers\":[" LIMITS(
            "c", "\"cpu\":\"1\"") "]},"
                                  "\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":"
                                  "\"Initialized\",\"status\":"
                                  "\"True\"},{\"status\":\"True\",\"type\":\"Ready\"}]}}");
    assert_false(pod.demand.gpu || pod.finished || pod.terminating || pod.mirror || pod.agent);
    assert_false(pod.ready); /* which is said of agents only */
    assert_string_equal(pod.uid.text, "u-1");
    assert_string_equal(pod.name, "web");
    assert_string_equal(pod.namespace_, "ns");
    assert_string_equal(pod.node, "n1");
    assert_string_equal(pod.nominated, "");
    assert_null(pod.refusal);
    assert_null(pod.claim_ignored);
    assert_false(plimsoll_pod_claimed(&pod));
    plimsoll_pod_clear(&pod);
    assert_null(pod.name);
}

static void everything_else_of_a_pod_is_read_in_any_order(void **state)
{
    (void)state;
    struct plimsoll_pod pod = read_text(
        "{\"status\":{\"nominatedNodeName\":\"n2\",\"phase\":\"Failed\"},\"spec\":{\"priority\":"
        "2000001000},\"metadata\":{\"labels\":{\"app.kubernetes.io/component\":\"agent\","
        "\"x\":\"y\",\"app.kubernetes.io/part-of\":\"plimsoll\"},\"deletionTimestamp\":"
        "\"2026-11-22T05:10:00Z\",\"annotations\":{\"kubernetes.io/config.mirror\":\"h\"}}}");
    assert_true(pod.finished && pod.terminating && pod.mirror && pod.agent && !pod.ready);
    assert_int_equal(pod.priority, 2000001000);
    assert_string_equal(pod.nominated, "n2");
    assert_string_equal(pod.name, ""); /* a review of a pod with generateName */
    assert_string_equal(pod.uid.text, "");
    plimsoll_pod_clear(&pod);
    pod = read_text("{\"metadata\":{\"deletionTimestamp\":null,\"annotations\":null,\"labels\":"
                    "null,\"uid\":null},\"spec\":null,\"status\":{\"phase\":\"Succeeded\"}}");
    assert_true(pod.finished && !pod.terminating && !pod.demand.gpu);
    plimsoll_pod_clear(&pod);
    pod = read_text("{\"metadata\":{},\"spec\":{\"priority\":-99999999999,\"containers\":null}}");
    assert_int_equal(pod.priority, INT32_MIN);
    plimsoll_pod_clear(&pod);
}

#define OWNER(kind, name, controller)                                                              \
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"" kind "\",\"name\":\"" name                           \
    "\",\"uid\":\"u-9\",\"controller\":" controller "}"
#define OWNED(owners, annotations)                                                                 \
    "{\"metadata\":{\"ownerReferences\":" owners ",\"annotations\":{" annotations "}}}"

static void a_gpu_pod_names_the_replica_set_that_controls_it(void **state)
{
    (void)state;
    const struct {
        const char *object, *replica_set;
    } cases[] = {
        {OWNED("[" OWNER("ReplicaSet", "ollama-5d9f", "true") "]", VRAM("4Gi")), "ollama-5d9f"},
        {OWNED("[" OWNER("Foo", "x", "false") "," OWNER("ReplicaSet", "a-1", "true") "]",
               VRAM("4Gi")),
         "a-1"},
        {OWNED("[" OWNER("ReplicaSet", "ollama-5d9f", "false") "]", VRAM("4Gi")), NULL},
        {OWNED("[" OWNER("StatefulSet", "ollama", "true") "]", VRAM("4Gi")), NULL},
        {OWNED("[" OWNER("ReplicaSet", "", "true") "]", VRAM("4Gi")), NULL},
        {OWNED("[]", VRAM("4Gi")), NULL},
        {OWNED("null", VRAM("4Gi")), NULL},
        {OWNED("[" OWNER("ReplicaSet", "web-5d9f", "true") "]", ""), NULL}, /* has no GPU */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plimsoll_pod pod = read_text(cases[i].object);
        if (cases[i].replica_set == NULL) {
            assert_null(pod.replica_set);
        } else {
            assert_non_null(pod.replica_set);
            assert_string_equal(pod.replica_set, cases[i].replica_set);
        }
        plimsoll_pod_clear(&pod);
    }
}

static void a_vendor_resource_makes_a_gpu_pod(void **state)
{
    (void)state;
    struct plimsoll_demand demand = demand_of("", CONTAINERS(LIMITS("c", GPU("2"))));
    assert_true(demand.gpu && demand.plugin && !demand.mig && !demand.every_card);
    assert_int_equal(demand.vendor, PLIMSOLL_VENDOR_NVIDIA);
    assert_int_equal(demand.request, PLIMSOLL_REQUEST_DEFAULT);
    assert_int_equal(demand.cards, 2);
    assert_string_equal(demand.resource, "nvidia.com/gpu");
    assert_int_equal(demand.container_count, 1);
    assert_int_equal(demand.containers, 1);
    assert_int_equal(demand.container_cards[0], 2);
    demand = demand_of("", CONTAINERS("{\"resources\":{\"requests\":{\"amd.com/gpu\":1}}}"));
    assert_int_equal(demand.vendor, PLIMSOLL_VENDOR_AMD);
    demand = demand_of("", CONTAINERS(LIMITS("c", "\"gpu.intel.com/i915\":\"1\"")));
    assert_int_equal(demand.vendor, PLIMSOLL_VENDOR_INTEL);
    assert_string_equal(demand.resource, "gpu.intel.com/i915");
}

static void a_quantity_of_0_is_no_request(void **state)
{
    (void)state;
    assert_false(demand_of("", CONTAINERS(LIMITS("c", GPU("0")))).gpu);
    assert_false(demand_of("", CONTAINERS(LIMITS("c", VRAM("0")))).gpu);
    struct plimsoll_demand demand =
        demand_of("", CONTAINERS(LIMITS("c", GPU("0") ",\"nvidia.com/gpu.shared\":\"1\"")));
    assert_string_equal(demand.resource, "nvidia.com/gpu.shared");
    /* The marker beside an annotation or a resource is no request of its own. */
    demand = demand_of(VRAM("12Gi"), CONTAINERS(LIMITS("c", VRAM("0"))));
    assert_int_equal(demand.vram, 12 * GI);
    demand = demand_of("", CONTAINERS(LIMITS("c", VRAM("0") "," GPU("1"))));
    assert_int_equal(demand.request, PLIMSOLL_REQUEST_DEFAULT);
    assert_false(demand_of("", CONTAINERS(LIMITS("c", "\"nvidia.com/gpu.memory\":\"5\""))).gpu);
}

static void a_mig_resource_names_its_profile(void **state)
{
    (void)state;
    struct plimsoll_demand demand =
        demand_of("", CONTAINERS(LIMITS("c", "\"nvidia.com/mig-1g.10gb\":\"1\"")));
    assert_true(demand.mig && demand.plugin);
    assert_string_equal(demand.mig_profile, "1g.10gb");
    refused("", CONTAINERS(LIMITS("c", "\"nvidia.com/mig-01234567890123456789012345678901\":1")),
            "at most 31 bytes");
    refused("",
            CONTAINERS(LIMITS("c", "\"nvidia.com/mig-0123456789012345678901234567890123456789012"
                                   "34567\":1")),
            "at most 31 bytes");
    refused("",
            CONTAINERS(LIMITS("c", "\"nvidia.com/mig-0123456789012345678901234567890123456789012"
                                   "345678\":1")),
            "longer than 63 bytes");
}

static void of_two_vendors_the_first_rule_wins(void **state)
{
    (void)state;
    struct plimsoll_demand demand =
        demand_of("", CONTAINERS(LIMITS("a", "\"amd.com/gpu\":\"3\"") "," LIMITS("b", GPU("1"))));
    assert_int_equal(demand.vendor, PLIMSOLL_VENDOR_NVIDIA);
    assert_int_equal(demand.cards, 1);
    assert_int_equal(demand.containers, 2);
}

static void devices_are_summed_as_the_kubelet_does(void **state)
{
    (void)state;
    /* main 1 + worker 2; init 4 alone is more; the sidecar started before it is added. */
    struct plimsoll_demand demand = demand_of(
        "", INIT(SIDECAR("s", GPU("1")) "," LIMITS("i", GPU("4"))) "," CONTAINERS(
                LIMITS("m", GPU("1")) "," LIMITS("n", "\"cpu\":\"1\"") "," LIMITS("w", GPU("2"))));
    assert_int_equal(demand.cards, 5);
    assert_int_equal(demand.containers, 5);
    assert_int_equal(demand.init_containers, 3);
    assert_int_equal(demand.container_count, 4);
    assert_int_equal(demand.container_cards[0], 1);
    assert_int_equal(demand.container_cards[1], 2);
    assert_int_equal(demand.container_cards[2], 1);
    assert_int_equal(demand.container_cards[3], 4);
    /* The sidecar that starts after the init container is not added to it. */
    demand = demand_of("", INIT(LIMITS("i", GPU("4")) "," SIDECAR("s", GPU("1"))) "," CONTAINERS(
                               LIMITS("m", GPU("1"))));
    assert_int_equal(demand.cards, 4);
    /* Containers and sidecars run together. */
    demand = demand_of("", INIT(SIDECAR("s", GPU("2")) "," LIMITS("i", GPU("1"))) "," CONTAINERS(
                               LIMITS("m", GPU("3"))));
    assert_int_equal(demand.cards, 5);
}

static void too_many_devices_or_containers_are_refused(void **state)
{
    (void)state;
    assert_int_equal(demand_of("", CONTAINERS(LIMITS("c", GPU("64")))).cards, 64);
    refused("", CONTAINERS(LIMITS("c", GPU("65"))), "nvidia.com/gpu: 65 devices");
    refused(
        "",
        CONTAINERS(LIMITS("a", GPU("9E")) "," LIMITS("b", GPU("9E")) "," LIMITS("c", GPU("9E"))),
        "a pod may ask for 1 to 64");
    plimsoll_autotext some = plimsoll_text_make(1 << 16), late = plimsoll_text_make(1 << 16);
    plimsoll_text_add_string(&some, "\"containers\":[");
    for (int i = 0; i < PLIMSOLL_GPU_CONTAINERS_MAX; i++) {
        plimsoll_text_add_format(&some, LIMITS("c%d", GPU("1")) "%s", i, i < 15 ? "," : "");
    }
    plimsoll_autotext more = plimsoll_text_make(1 << 16);
    plimsoll_text_add_span(&more, plimsoll_text_span(&some));
    plimsoll_text_add_string(&some, "]");
    plimsoll_text_add_string(&more, "," LIMITS("x", GPU("1")) "]");
    assert_int_equal(demand_of("", some.data).container_count, PLIMSOLL_GPU_CONTAINERS_MAX);
    refused("", more.data, "more than 16 containers use GPUs");
    plimsoll_text_add_string(&late, "\"containers\":[");
    for (int i = 0; i < 64; i++) {
        plimsoll_text_add_string(&late, "{},");
    }
    plimsoll_text_add_string(&late, LIMITS("x", GPU("1")) "]");
    refused("", late.data, "after the 64th");
    plimsoll_autotext wide = plimsoll_text_make(1 << 16);
    plimsoll_text_add_string(&wide, "\"containers\":[{\"resources\":{\"limits\":{");
    for (int i = 0; i < 65; i++) {
        plimsoll_text_add_format(&wide, "%s\"gpu.intel.com/x%d\":\"0\"", i > 0 ? "," : "", i);
    }
    plimsoll_text_add_string(&wide, "}}}]");
    refused("", wide.data, "more than 64 GPU resources");
}

static void a_bad_quantity_of_a_managed_resource_is_refused(void **state)
{
    (void)state;
    refused("", CONTAINERS(LIMITS("c", GPU("one"))), "container c: limit nvidia.com/gpu: \"one\"");
    refused("", CONTAINERS(LIMITS("c", GPU("-1"))), "negative");
    refused("", CONTAINERS(LIMITS("c", "\"nvidia.com/gpu\":null")), "nvidia.com/gpu");
    refused("", CONTAINERS(LIMITS("c", "\"amd.com/gpu\":{}")), "amd.com/gpu");
    refused("", CONTAINERS(LIMITS("c", VRAM("12Gb"))), "container c: limit plimsoll.dev/vram");
    /* What others ask for is their business. */
    assert_false(demand_of("", CONTAINERS(LIMITS("c", "\"cpu\":\"lots\""))).gpu);
}

static void the_annotation_is_bytes_on_each_card(void **state)
{
    (void)state;
    struct plimsoll_demand demand = demand_of(VRAM("12Gi"), ONE);
    assert_true(demand.gpu && !demand.plugin);
    assert_int_equal(demand.vendor, PLIMSOLL_VENDOR_NVIDIA);
    assert_int_equal(demand.request, PLIMSOLL_REQUEST_BYTES);
    assert_int_equal(demand.vram, 12 * GI);
    assert_int_equal(demand.cards, 1);
    assert_string_equal(demand.resource, "");
    assert_int_equal(demand.containers, 1);
    demand = demand_of(VRAM("1500M"), CONTAINERS(LIMITS("c", GPU("2"))));
    assert_int_equal(demand.vram, 1500000000);
    assert_int_equal(demand.cards, 2);
    demand = demand_of("\"plimsoll.dev\\/vram\":\"9\",\"plimsoll.dev/vram\":\"12\\u0047i\"", ONE);
    assert_int_equal(demand.vram, 12 * GI);
}

static void a_request_below_1mi_is_refused_with_a_hint(void **state)
{
    (void)state;
    refused(VRAM("12"), ONE, "annotation plimsoll.dev/vram: 12 bytes");
    refused(VRAM("12"), ONE, "write for example 12Gi");
    refused(VRAM("0"), ONE, "below 1Mi");
    refused(VRAM("1048575"), ONE, "below 1Mi");
    assert_int_equal(demand_of(VRAM("1Mi"), ONE).vram, MI);
    refused("", CONTAINERS(LIMITS("main", VRAM("12"))),
            "container main: limit plimsoll.dev/vram: 12");
    refused("\"plimsoll.dev/gpus\":\"2\"", CONTAINERS(LIMITS("main", VRAM("1Mi"))),
            "524288 bytes (512Ki) on each card is below 1Mi");
}

static void an_annotation_that_is_no_quantity_is_refused(void **state)
{
    (void)state;
    refused(VRAM(""), ONE, "\"\" is empty");
    refused(VRAM("12Gb"), ONE, "\"12Gb\" is no quantity");
    refused(VRAM(" 12Gi"), ONE, "no quantity");
    refused(VRAM("-12Gi"), ONE, "negative");
    refused(VRAM("9999999999Ei"), ONE, "too large");
    refused("\"plimsoll.dev/vram\":12", ONE, "annotation plimsoll.dev/vram: is no string");
    refused("\"plimsoll.dev/vram\":null", ONE, "is no string");
    plimsoll_autotext huge = plimsoll_text_make(1 << 20);
    plimsoll_text_add_string(&huge, "\"plimsoll.dev/vram\":\"");
    for (unsigned i = 0; i <= PLIMSOLL_ANNOTATION_BYTES_MAX; i++) {
        plimsoll_text_add_char(&huge, '1');
    }
    plimsoll_text_add_char(&huge, '"');
    refused(huge.data, ONE, "larger than 256 KiB");
}

static void a_percent_is_a_share_of_the_card(void **state)
{
    (void)state;
    struct plimsoll_demand demand = demand_of(VRAM("50%"), ONE);
    assert_int_equal(demand.request, PLIMSOLL_REQUEST_PERCENT);
    assert_int_equal(demand.percent_milli, 50000);
    assert_int_equal(demand_of(VRAM("0.001%"), ONE).percent_milli, 1);
    assert_int_equal(demand_of(VRAM("33.33%"), ONE).percent_milli, 33330);
    assert_int_equal(demand_of(VRAM("100%"), ONE).percent_milli, 100000);
    assert_int_equal(demand_of(VRAM("100.0%"), ONE).percent_milli, 100000);
    static const char *const bad[] = {"0%",   "0.000%", "100.001%", "101%",  "%",
                                      "-5%",  "5 %",    "1e1%",     ".5%",   "5.%",
                                      "50%%", "1000%",  "1.0005%",  "12Gi%", "1..5%"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        plimsoll_autotext text = plimsoll_text_make(256);
        plimsoll_text_add_format(&text, VRAM("%s"), bad[i]);
        refused(text.data, ONE, "is no share of a card");
    }
    refused(VRAM("50%"), CONTAINERS(LIMITS("c", VRAM("12Gi"))), "write one of them");
}

static void limits_are_the_pods_total_by_the_kubelets_rule(void **state)
{
    (void)state;
    struct plimsoll_demand demand = demand_of("", CONTAINERS(LIMITS("c", VRAM("12Gi"))));
    assert_int_equal(demand.request, PLIMSOLL_REQUEST_BYTES);
    assert_int_equal(demand.vram, 12 * GI);
    demand = demand_of("", CONTAINERS(LIMITS("a", VRAM("3Gi")) "," LIMITS("b", VRAM("4Gi"))));
    assert_int_equal(demand.vram, 7 * GI);
    assert_int_equal(demand.containers, 3);
    demand = demand_of("", INIT(SIDECAR("s", VRAM("1Gi")) "," LIMITS(
                               "i", VRAM("9Gi"))) "," CONTAINERS(LIMITS("a", VRAM("3Gi"))));
    assert_int_equal(demand.vram, 10 * GI);
    /* Per card: total / cards, rounded up. */
    demand = demand_of("", CONTAINERS(LIMITS("c", GPU("3") "," VRAM("10Gi"))));
    assert_int_equal(demand.vram, 3579139414);
    demand = demand_of("\"plimsoll.dev/gpus\":\"2\"", CONTAINERS(LIMITS("c", VRAM("10Gi"))));
    assert_int_equal(demand.vram, 5 * GI);
    assert_int_equal(demand.cards, 2);
    /* A request counts where there is no limit. */
    demand =
        demand_of("", CONTAINERS("{\"resources\":{\"requests\":{\"plimsoll.dev/vram\":\"2Gi\"}}}"));
    assert_int_equal(demand.vram, 2 * GI);
}

static void annotation_and_limits_must_agree(void **state)
{
    (void)state;
    const char *spec = CONTAINERS(LIMITS("c", GPU("2") "," VRAM("10Gi")));
    assert_int_equal(demand_of(VRAM("5Gi"), spec).vram, 5 * GI);
    refused(VRAM("10Gi"), spec,
            "the annotation asks for 10Gi on each card, the limits for "
            "10737418240 bytes in total on 2 cards");
    refused(VRAM("4Gi"), spec, "write one of them, or the same in both");
    refused(VRAM("50%"), spec, "the annotation asks for 50%");
    /* What the kubelet counts stays known. */
    struct plimsoll_pod torn = read_pod(VRAM("4Gi"), spec);
    assert_int_equal(torn.demand.vram_limit, 10 * GI);
    plimsoll_pod_clear(&torn);
    /* Per card equal, though the total is no multiple. */
    assert_int_equal(
        demand_of(VRAM("3579139414"), CONTAINERS(LIMITS("c", GPU("3") "," VRAM("10Gi")))).vram,
        3579139414);
}

static void gpus_counts_cards_where_no_resource_does(void **state)
{
    (void)state;
    assert_int_equal(demand_of("\"plimsoll.dev/gpus\":\"4\"," VRAM("1Gi"), ONE).cards, 4);
    assert_int_equal(demand_of("\"plimsoll.dev/gpus\":\"4\"," VRAM("1Gi"), ONE).container_cards[0],
                     4);
    assert_int_equal(
        demand_of("\"plimsoll.dev/gpus\":\"4\"", CONTAINERS(LIMITS("c", GPU("2")))).cards, 2);
    assert_false(demand_of("\"plimsoll.dev/gpus\":\"4\"", ONE).gpu);
    refused("\"plimsoll.dev/gpus\":\"0\"," VRAM("1Gi"), ONE, "plimsoll.dev/gpus: \"0\"");
    refused("\"plimsoll.dev/gpus\":\"65\"," VRAM("1Gi"), ONE, "from 1 to 64");
    refused("\"plimsoll.dev/gpus\":\"two\"," VRAM("1Gi"), ONE, "\"two\"");
    refused("\"plimsoll.dev/gpus\":\"\"," VRAM("1Gi"), ONE, "plimsoll.dev/gpus");
    refused("\"plimsoll.dev/gpus\":2," VRAM("1Gi"), ONE, "is no string");
}

static void containers_names_those_that_use_the_card(void **state)
{
    (void)state;
    const char *spec = INIT("{\"name\":\"load\"}") "," CONTAINERS(
        "{\"name\":\"proxy\"},{\"name\":\"main\"},{\"name\":\"worker\"}");
    struct plimsoll_demand demand = demand_of(VRAM("1Gi"), spec);
    assert_int_equal(demand.containers, 1);
    demand = demand_of(VRAM("1Gi") ",\"plimsoll.dev/containers\":\"worker, main\"", spec);
    assert_int_equal(demand.containers, 6);
    assert_int_equal(demand.container_count, 2);
    assert_int_equal(demand.container_cards[1], 1);
    demand = demand_of(VRAM("1Gi") ",\"plimsoll.dev/containers\":\"main,load\"", spec);
    assert_int_equal(demand.containers, 2);
    assert_int_equal(demand.init_containers, 1);
    refused(VRAM("1Gi") ",\"plimsoll.dev/containers\":\"main,mein\"", spec,
            "the pod has no container \"mein\"");
    refused(VRAM("1Gi") ",\"plimsoll.dev/containers\":\"\"", spec, "a name is empty");
    refused(VRAM("1Gi") ",\"plimsoll.dev/containers\":\"main,\"", spec, "a name is empty");
    refused(VRAM("1Gi") ",\"plimsoll.dev/containers\":\"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\"", spec,
            "more than 16 containers");
    refused(VRAM("1Gi") ",\"plimsoll.dev/containers\":[]", spec, "is no string");
    /* A vendor resource says it itself. */
    demand = demand_of("\"plimsoll.dev/containers\":\"nobody\"", CONTAINERS(LIMITS("c", GPU("1"))));
    assert_int_equal(demand.containers, 1);
    /* So does a VRAM limit. */
    demand = demand_of("", CONTAINERS("{\"name\":\"proxy\"}"
                                      "," LIMITS("main", VRAM("1Gi"))));
    assert_int_equal(demand.containers, 2);
}

static void topology_and_policy_are_read_or_refused(void **state)
{
    (void)state;
    struct plimsoll_demand demand = demand_of(VRAM("1Gi"), ONE);
    assert_int_equal(demand.topology, PLIMSOLL_TOPOLOGY_ANY);
    assert_int_equal(demand.policy, PLIMSOLL_POLICY_UNSET);
    demand = demand_of(VRAM("1Gi") ",\"plimsoll.dev/gpu-topology\":\"nvlink\","
                                   "\"plimsoll.dev/policy\":\"spread\"",
                       ONE);
    assert_int_equal(demand.topology, PLIMSOLL_TOPOLOGY_NVLINK);
    assert_int_equal(demand.policy, PLIMSOLL_POLICY_SPREAD);
    demand = demand_of("\"plimsoll.dev/gpu-topology\":\"numa\",\"plimsoll.dev/policy\":\"pack\"",
                       CONTAINERS(LIMITS("c", GPU("2"))));
    assert_int_equal(demand.topology, PLIMSOLL_TOPOLOGY_NUMA);
    assert_int_equal(demand.policy, PLIMSOLL_POLICY_PACK);
    struct plimsoll_pod pod = read_pod(VRAM("1Gi") ",\"plimsoll.dev/gpu-topology\":\"ring\"", ONE);
    assert_string_equal(pod.refusal, "annotation plimsoll.dev/gpu-topology: \"ring\" is not known; "
                                     "write nvlink, numa or any");
    plimsoll_pod_clear(&pod);
    pod = read_pod(VRAM("1Gi") ",\"plimsoll.dev/policy\":\"\"", ONE);
    assert_non_null(strstr(pod.refusal, "write pack or spread"));
    plimsoll_pod_clear(&pod);
    assert_false(demand_of("\"plimsoll.dev/policy\":\"best\"", ONE).gpu);
}

static void a_literal_all_or_privilege_is_booked_on_every_card(void **state)
{
    (void)state;
    const struct {
        const char *value;
        bool every;
    } values[] = {{"all", true},   {"GPU-x,all", true}, {" all ", true},    {"all,void", false},
                  {"void", false}, {"none,all", false}, {"all,none", true}, {"", false},
                  {"0,1", false},  {"ALL", false}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        plimsoll_autotext text = plimsoll_text_make(1024);
        plimsoll_text_add_format(
            &text, CONTAINERS(LIMITS("c", GPU("1")) "," ENV("d", VISIBLE("%s"))), values[i].value);
        assert_int_equal(demand_of("", text.data).every_card, values[i].every);
    }
    const char *privileged = "{\"name\":\"d\",\"securityContext\":{\"privileged\":true}}";
    plimsoll_autotext text = plimsoll_text_make(1024);
    plimsoll_text_add_format(&text, CONTAINERS(LIMITS("c", GPU("1")) ",%s"), privileged);
    assert_true(demand_of("", text.data).every_card);
    /* Of several variables the last counts; a source is no literal. */
    assert_false(demand_of("", CONTAINERS(LIMITS("c", GPU("1")) "," ENV(
                                   "d", VISIBLE("all") "," VISIBLE("void"))))
                     .every_card);
    assert_false(demand_of("", CONTAINERS(LIMITS("c", GPU("1")) "," ENV(
                                   "d", VISIBLE("all") ",{\"name\":\"NVIDIA_VISIBLE_"
                                                       "DEVICES\",\"valueFrom\":{}}")))
                     .every_card);
    /* The variable means nothing to AMD's cards. */
    assert_false(
        demand_of("", CONTAINERS(LIMITS("c", "\"amd.com/gpu\":\"1\"") "," ENV("d", VISIBLE("all"))))
            .every_card);
}

static void a_pod_that_asks_for_nothing_is_none_of_ours(void **state)
{
    (void)state;
    assert_false(
        demand_of("\"plimsoll.dev/inject\":\"true\"", CONTAINERS(ENV("exporter", VISIBLE("all"))))
            .gpu);
    assert_false(demand_of("", "\"runtimeClassName\":\"nvidia\"," ONE).gpu);
    assert_false(
        demand_of("", CONTAINERS("{\"securityContext\":{\"privileged\":true}}")).every_card);
}

#define OURS(path)                                                                                 \
    "{\"name\":\"NVIDIA_VISIBLE_DEVICES\",\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\","     \
    "\"fieldPath\":\"" path "\"}}}"

static void our_downward_env_is_recognised(void **state)
{
    (void)state;
    const struct {
        const char *path;
        bool ours;
    } paths[] = {
        {"metadata.annotations['plimsoll.dev/visible-devices']", true},
        {"metadata.annotations['plimsoll.dev/visible-devices.1']", true},
        {"metadata.annotations['plimsoll.dev/visible-devices.15']", true},
        {"metadata.annotations[\\u0027plimsoll.dev/visible-devices']", true},
        {"metadata.annotations['plimsoll.dev/visible-devices.0']", false},
        {"metadata.annotations['plimsoll.dev/visible-devices.']", false},
        {"metadata.annotations['plimsoll.dev/visible-devices2']", false},
        {"metadata.annotations['plimsoll.dev/visible-devices'", false},
        {"metadata.labels['plimsoll.dev/visible-devices']", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        plimsoll_autotext text = plimsoll_text_make(1024);
        plimsoll_text_add_format(&text, CONTAINERS(ENV("c", OURS("%s"))), paths[i].path);
        assert_int_equal(demand_of(VRAM("1Gi"), text.data).env_ours, paths[i].ours);
    }
}

static void visible_devices_are_read_token_by_token(void **state)
{
    (void)state;
    plimsoll_autotext file = wire_file("fixtures/formats/visible-devices.txt");
    const enum plimsoll_visible expected[] = {PLIMSOLL_VISIBLE_ALL,  PLIMSOLL_VISIBLE_NONE,
                                              PLIMSOLL_VISIBLE_NONE, PLIMSOLL_VISIBLE_LIST,
                                              PLIMSOLL_VISIBLE_LIST, PLIMSOLL_VISIBLE_LIST};
    struct plimsoll_span rest = plimsoll_span_trim(plimsoll_text_span(&file)), line;
    size_t lines = 0;
    while (plimsoll_span_cut(&rest, '\n', &line)) {
        assert_true(lines < sizeof expected / sizeof expected[0]);
        assert_int_equal(plimsoll_visible_parse(line), expected[lines++]);
    }
    assert_int_equal(lines, 6);
    assert_int_equal(plimsoll_visible_parse((struct plimsoll_span){0}), PLIMSOLL_VISIBLE_NONE);
}

#define CLAIM(pod, node)                                                                           \
    "\"plimsoll.dev/claim\":\"{\\\"v\\\":1,\\\"pod\\\":\\\"" pod "\\\",\\\"node\\\":\\\"" node     \
    "\\\",\\\"cards\\\":[{\\\"id\\\":\\\"GPU-a\\\",\\\"vram\\\":5368709120}]}\""
#define META(annotations) "\"metadata\":{\"annotations\":{" annotations "},\"uid\":\"u-1\"}"
#define ON(node)          "\"spec\":{\"nodeName\":\"" node "\"," CONTAINERS(LIMITS("c", GPU("1"))) "}"

static void a_claim_of_its_own_counts_in_any_order(void **state)
{
    (void)state;
    const char *orders[] = {"{" META(CLAIM("u-1", "n1")) "," ON("n1") "}",
                            "{" ON("n1") "," META(CLAIM("u-1", "n1")) "}"};
    for (size_t i = 0; i < 2; i++) {
        struct plimsoll_pod pod = read_text(orders[i]);
        assert_true(plimsoll_pod_claimed(&pod));
        assert_null(pod.claim_ignored);
        assert_int_equal(pod.claim.card_count, 1);
        assert_int_equal(pod.claim.cards[0].vram, 5 * GI);
        plimsoll_pod_clear(&pod);
    }
}

static void ignored(const char *object, const char *why)
{
    struct plimsoll_pod pod = read_text(object);
    assert_false(plimsoll_pod_claimed(&pod));
    assert_null(pod.refusal);
    if (pod.claim_ignored == NULL || strstr(pod.claim_ignored, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", pod.claim_ignored != NULL ? pod.claim_ignored : "",
                 why);
    }
    plimsoll_pod_clear(&pod);
}

static void a_claim_that_is_not_its_own_is_ignored_and_said(void **state)
{
    (void)state;
    ignored("{" META(CLAIM("u-2", "n1")) "," ON("n1") "}", "the claim of pod uid u-2");
    ignored("{" META(CLAIM("u-1", "n2")) "," ON("n1") "}", "for node n2, but the pod is on n1");
    ignored("{" META(CLAIM("u-1", "n1")) "," ON("") "}", "the pod is not bound");
    ignored("{\"metadata\":{\"annotations\":{" CLAIM("u-1", "n1") "}}," ON("n1") "}",
            "the claim of pod uid u-1");
    ignored("{" META("\"plimsoll.dev/claim\":\"{\\\"v\\\":2}\"") "," ON("n1") "}", "version");
    ignored("{" META("\"plimsoll.dev/claim\":\"\"") "," ON("n1") "}", "byte");
    ignored("{" META("\"plimsoll.dev/claim\":{}") "," ON("n1") "}", "is no string");
}

static void who_holds_a_claim_is_a_gpu_pod(void **state)
{
    (void)state;
    struct plimsoll_pod pod =
        read_text("{" META(CLAIM("u-1", "n1")) ",\"spec\":{\"nodeName\":\"n1\"," ONE "}}");
    assert_true(pod.demand.gpu && plimsoll_pod_claimed(&pod));
    assert_int_equal(pod.demand.vram, 5 * GI);
    assert_int_equal(pod.demand.cards, 1);
    plimsoll_pod_clear(&pod);
    pod = read_text("{" META(CLAIM("u-1", "n1") "," VRAM("x")) "," ON("n1") "}");
    assert_non_null(pod.refusal);
    assert_true(plimsoll_pod_claimed(&pod));
    plimsoll_pod_clear(&pod);
}

static void no_pod(struct plimsoll_span object, const char *why)
{
    struct plimsoll_pod pod = {.priority = 47};
    struct plimsoll_error err = {0};
    assert_int_equal(plimsoll_pod_read(object, &wire_reading.resources, &pod, &err), -1);
    assert_int_equal(pod.priority, 47);
    assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
    if (strstr(err.message, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, why);
    }
}

static void what_is_no_pod_is_refused(void **state)
{
    (void)state;
    const char *bad[] = {
        "",
        "null",
        "[]",
        "\"pod\"",
        "{}",
        "{\"metadata\":[]}",
        "{\"metadata\":{\"name\":5}}",
        "{\"metadata\":{\"labels\":[]}}",
        "{\"metadata\":{\"annotations\":7}}",
        OWNED("{}", VRAM("4Gi")),
        OWNED("[5]", VRAM("4Gi")),
        OWNED("[{\"controller\":\"yes\"}]", VRAM("4Gi")),
        "{\"metadata\":{},\"spec\":\"x\"}",
        "{\"metadata\":{},\"spec\":{\"priority\":\"high\"}}",
        "{\"metadata\":{},\"spec\":{\"nodeName\":{}}}",
        "{\"metadata\":{},\"spec\":{\"containers\":{}}}",
        "{\"metadata\":{},\"spec\":{\"containers\":[5]}}",
        "{\"metadata\":{},\"spec\":{\"initContainers\":5}}",
        "{\"metadata\":{},\"spec\":{\"containers\":[{\"resources\":5}]}}",
        "{\"metadata\":{},\"spec\":{\"containers\":[{\"resources\":{\"limits\":[]}}]}}",
        "{\"metadata\":{},\"spec\":{\"containers\":[{\"resources\":{\"limits\":{\"a\" 1}}}]}}",
        "{\"metadata\":{},\"spec\":{\"containers\":[{\"resources\":{\"limits\":{" GPU(
            "1") "}},\"env\":{}}]}}",
        "{\"metadata\":{},\"spec\":{\"containers\":[{\"resources\":{\"limits\":{" GPU(
            "1") "}},\"env\":[{\"name\":5}," VISIBLE("all") "]}]}}",
        "{\"metadata\":{},\"status\":{\"phase\":5}}",
        "{\"metadata\":{},\"status\":{\"conditions\":{}}}",
        "{\"metadata\":{}} {}",
        "{\"metadata\":{\"name\":\"a\xff\"}}",
        "{\"metadata\":{\"uid\":\"0123456789012345678901234567890123456789\"}}",
        "{\"metadata\":{\"namespace\":\"\\u0000\"}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        no_pod(plimsoll_span_of(bad[i]), "no Pod");
    }
    plimsoll_autotext text = plimsoll_text_make(4096);
    plimsoll_text_add_string(&text, "{\"metadata\":{},\"spec\":{\"nodeName\":\"");
    for (int i = 0; i < 254; i++) {
        plimsoll_text_add_char(&text, 'n');
    }
    plimsoll_text_add_string(&text, "\"}}");
    no_pod(plimsoll_text_span(&text), "spec.nodeName");
}

static void nulls_in_containers_are_nothing(void **state)
{
    (void)state;
    const char *spec = "\"initContainers\":null,\"containers\":[null,{\"name\":null,\"env\":null,"
                       "\"resources\":null,\"securityContext\":null,\"restartPolicy\":null},"
                       "{\"resources\":{\"limits\":null,\"requests\":null},\"env\":[null,{\"name\":"
                       "null,\"value\":null,\"valueFrom\":null}],\"securityContext\":"
                       "{\"privileged\":null}}]";
    assert_false(demand_of("", spec).gpu);
    assert_int_equal(demand_of(VRAM("1Gi"), spec).containers, 1);
}

static void no_truncation_of_a_pod_is_one(void **state)
{
    (void)state;
    static const char object[] = "{" ON("n1") "," META(CLAIM("u-1", "n1") "," VRAM("5Gi")) "}";
    for (size_t size = 0; size < sizeof object - 1; size++) {
        plimsoll_autofree char *part = plimsoll_alloc(size + 1, 1);
        memcpy(part, object, size);
        no_pod((struct plimsoll_span){.data = part, .size = size}, "no Pod");
    }
}

#define REQUESTS(name, requests, more)                                                             \
    "{\"name\":\"" name "\",\"resources\":{" more "\"requests\":{" requests "}}}"

static void expect_requests(const char *spec, uint64_t cpu_milli, uint64_t memory)
{
    struct plimsoll_demand demand = demand_of("", spec);
    assert_int_equal(demand.requests.cpu_milli, cpu_milli);
    assert_int_equal(demand.requests.memory, memory);
}

static void requests_are_summed_with_and_without_a_gpu(void **state)
{
    (void)state;
    expect_requests(ONE, 0, 0);
    expect_requests(
        CONTAINERS(REQUESTS("a", "\"cpu\":\"250m\",\"memory\":\"1Gi\"",
                            "") "," REQUESTS("b", "\"memory\":\"512Mi\",\"cpu\":\"2\"", "")),
        2250, 1536 * MI);
    expect_requests(CONTAINERS(REQUESTS("a", "\"cpu\":\"250m\",\"memory\":\"1Gi\"",
                                        "\"limits\":{\"cpu\":\"9\"," GPU(
                                            "1") "},") "," REQUESTS("b", "\"cpu\":\"2\"", "")),
                    2250, 1024 * MI);
    /* The largest init container counts where it is more than all that run at once. */
    expect_requests(INIT(REQUESTS("i", "\"cpu\":\"4\"", "")) "," CONTAINERS(
                        REQUESTS("a", "\"cpu\":\"1\",\"memory\":\"1Gi\"", "")),
                    4000, GI);
    expect_requests("\"overhead\":{\"cpu\":\"100m\",\"memory\":\"64Mi\"}," CONTAINERS(
                        REQUESTS("a", "\"cpu\":\"1\"", "")),
                    1100, 64 * MI);
}

static void requests_are_read_as_kubectl_writes_them(void **state)
{
    (void)state;
    expect_requests(
        "\n \"overhead\": {\"cpu\": \"100m\", \"memory\": \"64Mi\"}, \"containers\": [\n "
        "{\"name\": "
        "\"a\", \"resources\": {\n \"requests\": {\n \"cpu\": \"2\",\n \"memory\": \"1Gi\"\n}}},\n "
        "{\"resources\": {\"requests\": {\"cpu\": 3, \"memory\": 1048576}}}]\n",
        5100, 1024 * MI + 65 * MI);
}

static void requests_take_every_form_and_what_cannot_be_read_is_0(void **state)
{
    (void)state;
    static const struct {
        const char *cpu;
        uint64_t milli;
    } cases[] = {
        {"0", 0},         {"0.5", 500}, {"1.5", 1500}, {"1e1", 10000}, {"2k", 2000000},
        {"1.0001", 1001}, {"", 0},      {"many", 0},   {"-1", 0},      {"99999999999999999999", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        plimsoll_autotext spec = plimsoll_text_make(1024);
        plimsoll_text_add_format(&spec, CONTAINERS(REQUESTS("a", "\"cpu\":\"%s\"", "")),
                                 cases[i].cpu);
        expect_requests(spec.data, cases[i].milli, 0);
    }
    expect_requests(CONTAINERS(REQUESTS("a", "\"memory\":\"lots\",\"cpu\":3", "")), 3000, 0);
}

static void equal_selections_of_nodes_are_told_from_others(void **state)
{
    (void)state;
    static const char *const specs[] = {"\"nodeSelector\":{\"gpu\":\"a100\"}," ONE,
                                        "\"nodeSelector\":{\"gpu\":\"t4\"}," ONE,
                                        "\"affinity\":{\"nodeAffinity\":{\"x\":[]}}," ONE};
    uint64_t seen[3];
    for (size_t i = 0; i < 3; i++) {
        seen[i] = demand_of(VRAM("1Gi"), specs[i]).selection;
        assert_int_not_equal(seen[i], 0);
        assert_int_equal(seen[i], demand_of(VRAM("2Gi"), specs[i]).selection);
        assert_true(i == 0 || seen[i] != seen[i - 1]);
    }
    assert_int_equal(demand_of(VRAM("1Gi"), ONE).selection, 0);
    assert_int_equal(
        demand_of(VRAM("1Gi"), "\"nodeSelector\":{},\"affinity\":{\"podAffinity\":{\"x\":1}}," ONE)
            .selection,
        0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_without_a_gpu_is_none),
        cmocka_unit_test(everything_else_of_a_pod_is_read_in_any_order),
        cmocka_unit_test(a_gpu_pod_names_the_replica_set_that_controls_it),
        cmocka_unit_test(a_vendor_resource_makes_a_gpu_pod),
        cmocka_unit_test(a_quantity_of_0_is_no_request),
        cmocka_unit_test(a_mig_resource_names_its_profile),
        cmocka_unit_test(of_two_vendors_the_first_rule_wins),
        cmocka_unit_test(devices_are_summed_as_the_kubelet_does),
        cmocka_unit_test(too_many_devices_or_containers_are_refused),
        cmocka_unit_test(a_bad_quantity_of_a_managed_resource_is_refused),
        cmocka_unit_test(the_annotation_is_bytes_on_each_card),
        cmocka_unit_test(a_request_below_1mi_is_refused_with_a_hint),
        cmocka_unit_test(an_annotation_that_is_no_quantity_is_refused),
        cmocka_unit_test(a_percent_is_a_share_of_the_card),
        cmocka_unit_test(limits_are_the_pods_total_by_the_kubelets_rule),
        cmocka_unit_test(annotation_and_limits_must_agree),
        cmocka_unit_test(gpus_counts_cards_where_no_resource_does),
        cmocka_unit_test(containers_names_those_that_use_the_card),
        cmocka_unit_test(topology_and_policy_are_read_or_refused),
        cmocka_unit_test(a_literal_all_or_privilege_is_booked_on_every_card),
        cmocka_unit_test(a_pod_that_asks_for_nothing_is_none_of_ours),
        cmocka_unit_test(our_downward_env_is_recognised),
        cmocka_unit_test(visible_devices_are_read_token_by_token),
        cmocka_unit_test(a_claim_of_its_own_counts_in_any_order),
        cmocka_unit_test(a_claim_that_is_not_its_own_is_ignored_and_said),
        cmocka_unit_test(who_holds_a_claim_is_a_gpu_pod),
        cmocka_unit_test(what_is_no_pod_is_refused),
        cmocka_unit_test(nulls_in_containers_are_nothing),
        cmocka_unit_test(no_truncation_of_a_pod_is_one),
        cmocka_unit_test(requests_are_summed_with_and_without_a_gpu),
        cmocka_unit_test(requests_are_read_as_kubectl_writes_them),
        cmocka_unit_test(requests_take_every_form_and_what_cannot_be_read_is_0),
        cmocka_unit_test(equal_selections_of_nodes_are_told_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
