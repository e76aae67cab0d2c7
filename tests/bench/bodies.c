/* SPDX-License-Identifier: Apache-2.0 */
#include "bodies.h"

#define GIB (UINT64_C(1) << 30)

static const struct plimsoll_resource resources[] = {
    {.name = "nvidia.com/gpu", .vendor = PLIMSOLL_VENDOR_NVIDIA},
    {.name = "nvidia.com/gpu.shared", .vendor = PLIMSOLL_VENDOR_NVIDIA},
    {.name = "nvidia.com/mig-*", .vendor = PLIMSOLL_VENDOR_NVIDIA, .mig = true},
    {.name = "amd.com/gpu", .vendor = PLIMSOLL_VENDOR_AMD},
    {.name = "gpu.intel.com/*", .vendor = PLIMSOLL_VENDOR_INTEL},
};
static const struct plimsoll_selector selectors[] = {
    {.key = "nvidia.com/gpu.present", .value = "true"},
};
const struct plimsoll_reading bodies_reading = {
    .resources = {.list = resources, .count = sizeof resources / sizeof resources[0]},
    .selectors = selectors,
    .selector_count = 1,
};
const struct plimsoll_placement_settings bodies_settings = {
    .reserve_bytes = GIB / 2,
    .default_request = PLIMSOLL_DEFAULT_SHARE,
    .policy = PLIMSOLL_POLICY_PACK,
};

const char *bodies_node_name(size_t node, char out[BODIES_NAME_SIZE])
{
    snprintf(out, BODIES_NAME_SIZE, "ip-10-%03zu-%03zu.eu-central-1.compute.internal",
             node / 250 % 1000, node % 250);
    return out;
}

static void write_uid(struct plimsoll_text *out, size_t pod, bool gpu)
{
    plimsoll_text_add_format(out, "3b1f0c52-7d52-4b0e-%s-%012zu", gpu ? "9f0e" : "8000", pod);
}

static void write_inventory(struct plimsoll_text *out, size_t node)
{
    plimsoll_text_add_string(out, "{\"v\":1,\"driver\":\"580.95.05\",\"env\":true,\"deviceList\":"
                                  "\"cdi\",\"cards\":[");
    for (unsigned card = 0; card < BODIES_CARDS; card++) {
        plimsoll_text_add_format(out,
                                 "%s{\"id\":\"GPU-8f6d7a0e-0c41-7a7b-31c1-%011zu%u\",\"index\":%u,"
                                 "\"vendor\":\"nvidia\",\"product\":\"NVIDIA A100-SXM4-80GB\","
                                 "\"vram\":85899345920,\"pci\":\"00000000:%02x:00.0\",\"numa\":%u,"
                                 "\"health\":\"ok\"}",
                                 card > 0 ? "," : "", node, card, card, 7 + 8 * card, card / 4);
    }
    plimsoll_text_add_string(out, "]}");
}

static void write_usage(struct plimsoll_text *out, size_t node, bool busy)
{
    uint64_t foreign = (busy ? 65 : 28) * GIB, held = 12 * GIB;
    plimsoll_text_add_string(out, "{\"v\":1,\"time\":\"2026-11-22T05:10:00Z\",\"cards\":[");
    for (unsigned card = 0; card < BODIES_CARDS; card++) {
        bool holds = card < BODIES_PODS_PER_NODE;
        plimsoll_text_add_format(out,
                                 "%s{\"id\":\"GPU-8f6d7a0e-0c41-7a7b-31c1-%011zu%u\",\"used\":%llu,"
                                 "\"attributed\":true,\"pods\":{",
                                 card > 0 ? "," : "", node, card,
                                 (unsigned long long)(foreign + held));
        if (holds) {
            plimsoll_text_add_char(out, '"');
            write_uid(out, node * BODIES_PODS_PER_NODE + card, true);
            plimsoll_text_add_format(out, "\":%llu", (unsigned long long)held);
        }
        plimsoll_text_add_string(out, "}}");
    }
    plimsoll_text_add_string(out, "]}");
}

static void write_labels(struct plimsoll_text *out, const char *name)
{
    static const char *const cpu[] = {
        "ADX",     "AESNI",    "AMXBF16", "AMXINT8",   "AMXTILE",  "AVX",     "AVX2", "AVX512BW",
        "AVX512F", "AVX512VL", "BMI1",    "CMPXCHG8",  "FMA3",     "FXSR",    "GFNI", "IBPB",
        "LAHF",    "MOVBE",    "OSXSAVE", "SERIALIZE", "SHA",      "SYSCALL", "VAES", "WBNOINVD",
        "X87",     "XGETBV1",  "XSAVE",   "XSAVEC",    "XSAVEOPT", "XSAVES"};
    static const char *const gpu[] = {"compute.major\":\"8", "compute.minor\":\"0",
                                      "count\":\"8",         "family\":\"ampere",
                                      "memory\":\"81920",    "mode\":\"compute",
                                      "present\":\"true",    "product\":\"NVIDIA-A100-SXM4-80GB",
                                      "replicas\":\"1",      "sharing-strategy\":\"none"};
    plimsoll_text_add_format(out,
                             "{\"beta.kubernetes.io/arch\":\"amd64\",\"kubernetes.io/arch\":"
                             "\"amd64\",\"kubernetes.io/hostname\":\"%s\",\"kubernetes.io/os\":"
                             "\"linux\",\"topology.kubernetes.io/zone\":\"eu-central-1a\"",
                             name);
    for (size_t i = 0; i < sizeof cpu / sizeof cpu[0]; i++) {
        plimsoll_text_add_format(out, ",\"feature.node.kubernetes.io/cpu-cpuid.%s\":\"true\"",
                                 cpu[i]);
    }
    for (size_t i = 0; i < sizeof gpu / sizeof gpu[0]; i++) {
        plimsoll_text_add_format(out, ",\"nvidia.com/gpu.%s\"", gpu[i]);
    }
    for (unsigned i = 0; i < 12; i++) {
        plimsoll_text_add_format(out, ",\"example.com/team-label-%02u\":\"value-%02u\"", i, i);
    }
    plimsoll_text_add_char(out, '}');
}

static void write_status(struct plimsoll_text *out)
{
    static const char amounts[] = "{\"cpu\":\"128\",\"ephemeral-storage\":\"1843269236Ki\","
                                  "\"hugepages-1Gi\":\"0\",\"memory\":\"1056270516Ki\","
                                  "\"nvidia.com/gpu\":\"8\",\"pods\":\"250\"}";
    static const char *const conditions[] = {"MemoryPressure", "DiskPressure", "PIDPressure",
                                             "Ready"};
    plimsoll_text_add_format(out, "{\"capacity\":%s,\"allocatable\":%s,\"conditions\":[", amounts,
                             amounts);
    for (size_t i = 0; i < 4; i++) {
        plimsoll_text_add_format(out,
                                 "%s{\"type\":\"%s\",\"status\":\"%s\",\"lastHeartbeatTime\":"
                                 "\"2026-11-22T05:10:00Z\",\"lastTransitionTime\":"
                                 "\"2026-10-01T00:00:00Z\",\"reason\":\"KubeletHas%s\",\"message\":"
                                 "\"kubelet has sufficient room\"}",
                                 i > 0 ? "," : "", conditions[i], i == 3 ? "True" : "False",
                                 conditions[i]);
    }
    plimsoll_text_add_string(out, "],\"addresses\":[{\"type\":\"InternalIP\",\"address\":"
                                  "\"10.0.0.1\"}],\"nodeInfo\":{\"machineID\":\"\",\"architecture\""
                                  ":\"amd64\",\"kubeletVersion\":\"v1.36.3\"},\"images\":[");
    for (unsigned i = 0; i < 50; i++) {
        plimsoll_text_add_format(out,
                                 "%s{\"names\":[\"registry.example.com/team/image-%02u@sha256:"
                                 "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                                 "\",\"registry.example.com/team/image-%02u:v1.2.3\"],"
                                 "\"sizeBytes\":123456789}",
                                 i > 0 ? "," : "", i, i);
    }
    plimsoll_text_add_string(out, "]}");
}

void bodies_write_node(struct plimsoll_text *out, size_t node, bool busy)
{
    char name[BODIES_NAME_SIZE];
    plimsoll_autotext value = plimsoll_text_make(1u << 16);
    bodies_node_name(node, name);
    plimsoll_text_add_format(out,
                             "{\"metadata\":{\"name\":\"%s\",\"uid\":\"aaaaaaaa-7d52-4b0e-9f0e-"
                             "%012zu\",\"resourceVersion\":\"%zu\",\"creationTimestamp\":"
                             "\"2026-10-01T00:00:00Z\",\"labels\":",
                             name, node, 100000 + node);
    write_labels(out, name);
    plimsoll_text_add_string(out, ",\"annotations\":{\"node.alpha.kubernetes.io/ttl\":\"0\","
                                  "\"plimsoll.dev/inventory\":");
    write_inventory(&value, node);
    plimsoll_text_add_json(out, plimsoll_text_span(&value));
    plimsoll_text_reset(&value);
    plimsoll_text_add_string(out, ",\"plimsoll.dev/usage\":");
    write_usage(&value, node, busy);
    plimsoll_text_add_json(out, plimsoll_text_span(&value));
    plimsoll_text_add_string(out, ",\"volumes.kubernetes.io/controller-managed-attach-detach\":"
                                  "\"true\"}},\"spec\":{\"podCIDR\":\"10.1.0.0/24\",\"taints\":"
                                  "[{\"key\":\"nvidia.com/gpu\",\"effect\":\"NoSchedule\"}]},"
                                  "\"status\":");
    write_status(out);
    plimsoll_text_add_char(out, '}');
}

/* Everything of a pod's spec but what concerns cards: 5 KB of environment, volumes and probes. */
static void write_containers(struct plimsoll_text *out, const char *resource_list)
{
    plimsoll_text_add_format(out,
                             "\"containers\":[{\"name\":\"main\",\"image\":\"registry.example.com/"
                             "team/ollama:0.6.1\",\"resources\":%s,\"env\":[",
                             resource_list);
    for (unsigned i = 0; i < 37; i++) {
        plimsoll_text_add_format(out,
                                 "%s{\"name\":\"SETTING_%02u\",\"value\":\"https://service-%02u."
                                 "ai.svc.cluster.local:8443/v1/path?with=arguments\"}",
                                 i > 0 ? "," : "", i, i);
    }
    plimsoll_text_add_string(out, "],\"volumeMounts\":[");
    for (unsigned i = 0; i < 8; i++) {
        plimsoll_text_add_format(out, "%s{\"name\":\"volume-%u\",\"mountPath\":\"/data/%u\"}",
                                 i > 0 ? "," : "", i, i);
    }
    plimsoll_text_add_string(out, "],\"imagePullPolicy\":\"IfNotPresent\"}],\"volumes\":[");
    for (unsigned i = 0; i < 8; i++) {
        plimsoll_text_add_format(out,
                                 "%s{\"name\":\"volume-%u\",\"configMap\":{\"name\":"
                                 "\"configuration-of-the-service-%u\",\"defaultMode\":420}}",
                                 i > 0 ? "," : "", i, i);
    }
    plimsoll_text_add_string(out, "],\"restartPolicy\":\"Always\",\"dnsPolicy\":\"ClusterFirst\","
                                  "\"serviceAccountName\":\"default\",\"schedulerName\":"
                                  "\"default-scheduler\",\"tolerations\":[{\"key\":"
                                  "\"node.kubernetes.io/not-ready\",\"operator\":\"Exists\","
                                  "\"effect\":\"NoExecute\",\"tolerationSeconds\":300}],"
                                  "\"priority\":0,\"enableServiceLinks\":true");
}

static void write_conditions(struct plimsoll_text *out)
{
    static const char *const types[] = {"PodScheduled", "Initialized", "ContainersReady", "Ready"};
    plimsoll_text_add_string(out, "\"conditions\":[");
    for (size_t i = 0; i < 4; i++) {
        plimsoll_text_add_format(out,
                                 "%s{\"type\":\"%s\",\"status\":\"True\",\"lastProbeTime\":null,"
                                 "\"lastTransitionTime\":\"2026-10-01T00:00:00Z\"}",
                                 i > 0 ? "," : "", types[i]);
    }
    plimsoll_text_add_string(out, "]");
}

void bodies_write_asking_pod(struct plimsoll_text *out)
{
    plimsoll_text_add_string(out, "{\"metadata\":{\"name\":\"ollama-0\",\"namespace\":\"ai\","
                                  "\"uid\":\"5c9a3a52-2f6c-4d4c-8f4b-0e1d2c3b4a59\",\"labels\":{"
                                  "\"app\":\"ollama\"},\"annotations\":{\"plimsoll.dev/vram\":"
                                  "\"12Gi\"}},\"spec\":{");
    write_containers(out, "{}");
    plimsoll_text_add_string(out, "},\"status\":{\"phase\":\"Pending\"}}");
}

static void write_claim(struct plimsoll_text *out, size_t pod, size_t node)
{
    char name[BODIES_NAME_SIZE];
    plimsoll_text_add_string(out, "{\"v\":1,\"pod\":\"");
    write_uid(out, pod, true);
    plimsoll_text_add_format(out,
                             "\",\"node\":\"%s\",\"cards\":[{\"id\":\"GPU-8f6d7a0e-0c41-7a7b-31c1-"
                             "%011zu%zu\",\"vram\":12884901888,\"idle\":524288000}]}",
                             bodies_node_name(node, name), node, pod % BODIES_PODS_PER_NODE);
}

/* The same for every pod, so that a server that sends 150 000 of them does little else. */
static struct plimsoll_span running_tail(void)
{
    static struct plimsoll_text tail = {.size_max = 1u << 16};
    if (tail.size == 0) {
        write_containers(&tail, "{\"limits\":{\"memory\":\"4Gi\"},\"requests\":{\"cpu\":\"1\","
                                "\"memory\":\"4Gi\"}}");
        plimsoll_text_add_string(&tail, "},\"status\":{\"phase\":\"Running\",");
        write_conditions(&tail);
        plimsoll_text_add_string(&tail, ",\"hostIP\":\"10.0.0.1\",\"podIP\":\"10.1.0.9\"}}");
    }
    return plimsoll_text_span(&tail);
}

void bodies_write_pod(struct plimsoll_text *out, size_t pod, size_t node, bool gpu)
{
    char name[BODIES_NAME_SIZE];
    plimsoll_text_add_format(out,
                             "{\"metadata\":{\"name\":\"service-7d9c5b6f4-%09zu\",\"generateName\":"
                             "\"service-7d9c5b6f4-\",\"namespace\":\"team\",\"uid\":\"",
                             pod);
    write_uid(out, pod, gpu);
    plimsoll_text_add_format(out,
                             "\",\"resourceVersion\":\"%zu\",\"creationTimestamp\":"
                             "\"2026-10-01T00:00:00Z\",\"labels\":{\"app\":\"service\","
                             "\"pod-template-hash\":\"7d9c5b6f4\"},\"annotations\":{"
                             "\"prometheus.io/scrape\":\"true\"",
                             500000 + pod);
    if (gpu) {
        plimsoll_autotext claim = plimsoll_text_make(4096);
        write_claim(&claim, pod, node);
        plimsoll_text_add_string(out, ",\"plimsoll.dev/vram\":\"12Gi\",\"plimsoll.dev/claim\":");
        plimsoll_text_add_json(out, plimsoll_text_span(&claim));
    }
    plimsoll_text_add_format(out, "}},\"spec\":{\"nodeName\":\"%s\",",
                             bodies_node_name(node, name));
    plimsoll_text_add_span(out, running_tail());
}

void bodies_write_any_pod(struct plimsoll_text *out, size_t index, size_t nodes)
{
    size_t turn = index / BODIES_GPU_POD_OF, place = index % BODIES_GPU_POD_OF;
    size_t holder = turn * 2 + place;
    if (place < 2 && holder < nodes * BODIES_PODS_PER_NODE) {
        bodies_write_pod(out, holder, holder / BODIES_PODS_PER_NODE, true);
    } else {
        bodies_write_pod(out, index, index % nodes, false);
    }
}

void bodies_write_filter_nodes(struct plimsoll_text *out, size_t nodes, bool busy)
{
    plimsoll_text_add_string(out, "{\"Pod\":");
    bodies_write_asking_pod(out);
    plimsoll_text_add_string(out, ",\"Nodes\":{\"metadata\":{},\"items\":[");
    for (size_t i = 0; i < nodes; i++) {
        plimsoll_text_add_string(out, i > 0 ? "," : "");
        bodies_write_node(out, i, busy);
    }
    plimsoll_text_add_string(out, "]},\"NodeNames\":null}");
}

void bodies_write_filter_names(struct plimsoll_text *out, size_t nodes)
{
    char name[BODIES_NAME_SIZE];
    plimsoll_text_add_string(out, "{\"Pod\":");
    bodies_write_asking_pod(out);
    plimsoll_text_add_string(out, ",\"Nodes\":null,\"NodeNames\":[");
    for (size_t i = 0; i < nodes; i++) {
        plimsoll_text_add_format(out, "%s\"%s\"", i > 0 ? "," : "", bodies_node_name(i, name));
    }
    plimsoll_text_add_string(out, "]}");
}

void bodies_write_review(struct plimsoll_text *out)
{
    plimsoll_text_add_string(out,
                             "{\"kind\":\"AdmissionReview\",\"apiVersion\":"
                             "\"admission.k8s.io/v1\",\"request\":{\"uid\":"
                             "\"705ab4f5-6393-11e8-b7cc-42010a800002\",\"kind\":{\"group\":"
                             "\"\",\"version\":\"v1\",\"kind\":\"Pod\"},\"resource\":{"
                             "\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},"
                             "\"namespace\":\"ai\",\"operation\":\"CREATE\",\"userInfo\":{"
                             "\"username\":\"system:serviceaccount:kube-system:"
                             "replicaset-controller\"},\"object\":{\"kind\":\"Pod\","
                             "\"apiVersion\":\"v1\",\"metadata\":{\"generateName\":\"ollama-\","
                             "\"namespace\":\"ai\",\"labels\":{\"app\":\"ollama\"}},\"spec\":{");
    write_containers(out, "{\"limits\":{\"nvidia.com/gpu\":\"1\"},\"requests\":{\"nvidia.com/gpu\":"
                          "\"1\"}}");
    plimsoll_text_add_string(out, "},\"status\":{}},\"oldObject\":null,\"dryRun\":false,"
                                  "\"options\":{\"kind\":\"CreateOptions\",\"apiVersion\":"
                                  "\"meta.k8s.io/v1\"}}}");
}
