/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"
#include "wire.h"

#include <plimsoll/attribution.h>

#define UID        "7c1f9c52-3a2b-4a55-9d3c-0d7b6a3f1e01"
#define UID_SLICE  "7c1f9c52_3a2b_4a55_9d3c_0d7b6a3f1e01"
#define UID_OTHER  "7c1f9c52-3a2b-4a55-9d3c-0d7b6a3f1e02"
#define UID_STATIC "0123456789abcdef0123456789abcdef"
#define CONTAINER  "5f3c1e0d9b8a7f6e5d4c3b2a19080706f5e4d3c2b1a0918273645546372819a0"
#define CARD_A     "GPU-5d0f2c1a-0c2e-4b6d-8a53-0f6f5b1c7e11"
#define CARD_B     "GPU-9a7b1c2d-3e4f-4a5b-9c6d-7e8f9a0b1c2d"

static const struct plimsoll_uid untouched = {"untouched"};

static bool pod_of(const char *cgroup, struct plimsoll_uid *pod)
{
    *pod = untouched;
    bool found = plimsoll_cgroup_pod(plimsoll_span_of(cgroup), pod);
    assert_true(found || strcmp(pod->text, untouched.text) == 0);
    return found;
}

static void assert_pod(const char *cgroup, const char *expected)
{
    struct plimsoll_uid pod;
    if (!pod_of(cgroup, &pod)) {
        fail_msg("no pod in %s", cgroup);
    }
    assert_string_equal(pod.text, expected);
}

static void pods_are_found_under_version_2(void **state)
{
    (void)state;
    /* systemd: containerd, CRI-O (with its inner group), Docker; each class */
    assert_pod("0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_SLICE
               ".slice/cri-containerd-" CONTAINER ".scope\n",
               UID);
    assert_pod("0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_SLICE
               ".slice/crio-" CONTAINER ".scope/container\n",
               UID);
    assert_pod("0::/kubepods.slice/kubepods-pod" UID_SLICE ".slice/docker-" CONTAINER ".scope\n",
               UID);
    /* cgroupfs */
    assert_pod("0::/kubepods/burstable/pod" UID "/" CONTAINER "\n", UID);
    assert_pod("0::/kubepods/besteffort/pod" UID "/" CONTAINER "\n", UID);
    assert_pod("0::/kubepods/pod" UID "/" CONTAINER "\n", UID);
    /* kubelet with systemd, containerd without */
    assert_pod("0::/system.slice/containerd.service/kubepods-burstable-pod" UID_SLICE
               ".slice:cri-containerd:" CONTAINER "\n",
               UID);
    /* without a newline at the end, and of a group that has gone */
    assert_pod("0::/kubepods/pod" UID "/" CONTAINER, UID);
    assert_pod("0::/kubepods.slice/kubepods-pod" UID_SLICE ".slice/crio-x.scope (deleted)\n", UID);
}

static void pods_are_found_under_version_1(void **state)
{
    (void)state;
    assert_pod("12:memory:/kubepods/burstable/pod" UID "/" CONTAINER "\n"
               "11:cpu,cpuacct:/kubepods/burstable/pod" UID "/" CONTAINER "\n"
               "1:name=systemd:/kubepods/burstable/pod" UID "/" CONTAINER "\n",
               UID);
    assert_pod(
        "11:devices:/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_SLICE
        ".slice/docker-" CONTAINER ".scope\n",
        UID);
    /* kubelet with systemd, containerd without */
    assert_pod("9:devices:/system.slice/containerd.service/kubepods-burstable-pod" UID_SLICE
               ".slice:cri-containerd:" CONTAINER "\n",
               UID);
    /* hybrid: the unified line, which comes last or first, is not the kubelet's */
    assert_pod("0::/system.slice/containerd.service\n"
               "13:misc:/\n"
               "9:memory:/kubepods/pod" UID "/" CONTAINER "\n",
               UID);
}

static void pods_are_found_from_within_a_namespace_and_in_nested_nodes(void **state)
{
    (void)state;
    /* seen by an agent in a control group namespace of its own */
    assert_pod("0::/../../pod" UID "/" CONTAINER "\n", UID);
    assert_pod("0::/../../../besteffort/pod" UID "/" CONTAINER "\n", UID);
    assert_pod("0::/../../kubepods-burstable-pod" UID_SLICE ".slice/cri-containerd-x.scope\n", UID);
    /* kind: the node is a container, its kubelet has a root of its own */
    assert_pod("0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
               "kubelet-kubepods-burstable-pod" UID_SLICE ".slice/cri-containerd-x.scope\n",
               UID);
    assert_pod("0::/docker/" CONTAINER "/kubelet/kubepods/burstable/pod" UID "/x\n", UID);
    /* a cluster inside a pod: to this node it is that pod */
    assert_pod("0::/kubepods/pod" UID "/" CONTAINER "/kubepods/besteffort/pod" UID_OTHER "/x\n",
               UID);
}

/* Each `%s` of the pattern is the next of `words`; the last one for all further ones. */
static void add_filled(struct plimsoll_text *out, const char *pattern, const char *const *words)
{
    for (const char *at = pattern; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 's') {
            plimsoll_text_add_string(out, *words);
            words += words[1] != NULL;
            at++;
        } else {
            plimsoll_text_add_char(out, *at);
        }
    }
}

/* Every runtime with every driver of control groups: where the kubelet puts the pod, and how the
 * runtime calls the container below it. `%s` of a pod is its class. */
static void every_runtime_and_driver_names_the_pod(void **state)
{
    (void)state;
    static const struct {
        const char *pod, *guaranteed; /* with a class, and of the class that has no name */
        const char *containers[4];
    } drivers[] = {
        {"/kubepods.slice/kubepods-%s.slice/kubepods-%s-pod" UID_SLICE ".slice/",
         "/kubepods.slice/kubepods-pod" UID_SLICE ".slice/",
         {"cri-containerd-" CONTAINER ".scope", "crio-" CONTAINER ".scope/container",
          "docker-" CONTAINER ".scope", "crio-conmon-" CONTAINER ".scope"}},
        {"/kubepods/%s/pod" UID "/",
         "/kubepods/pod" UID "/",
         {CONTAINER, "crio-" CONTAINER, "crio-" CONTAINER "/container", "crio-conmon-" CONTAINER}},
        /* kind: the node's kubelet has a root of its own */
        {"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-%s.slice/"
         "kubelet-kubepods-%s-pod" UID_SLICE ".slice/",
         "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_SLICE ".slice/",
         {"cri-containerd-" CONTAINER ".scope", "crio-" CONTAINER ".scope"}},
        {"/kubelet/kubepods/%s/pod" UID "/",
         "/kubelet/kubepods/pod" UID "/",
         {CONTAINER, "crio-" CONTAINER}},
    };
    static const char *const nodes[] = {
        "", "/docker/" CONTAINER, "/system.slice/docker-" CONTAINER ".scope",
        "/machine.slice/libpod-" CONTAINER ".scope/container", "/.."};
    static const char *const classes[] = {"burstable", "besteffort", NULL};
    static const char *const forms[] = {
        "0::%s%s%s\n",
        "12:pids:%s%s%s\n",
        "13:rdma:/\n11:cpu,cpuacct:%s%s%s\n1:name=systemd:/init.scope\n0::/\n",
        "0::/system.slice/kubelet.service\n4:devices:%s%s%s\n",
    };
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0] * 4 * 3 * 5 * 4; i++) {
        const char *container = drivers[i % 4].containers[i / 4 % 4];
        const char *class = classes[i / 16 % 3];
        plimsoll_autotext pod = plimsoll_text_make(1024), cgroup = plimsoll_text_make(4096);
        if (container == NULL) {
            continue;
        }
        add_filled(&pod, class != NULL ? drivers[i % 4].pod : drivers[i % 4].guaranteed,
                   (const char *const[]){class, NULL});
        add_filled(&cgroup, forms[i / 240 % 4],
                   (const char *const[]){nodes[i / 48 % 5], pod.data, container, NULL});
        assert_pod(cgroup.data, UID);
    }
}

static void static_pods_have_a_hash_for_a_uid(void **state)
{
    (void)state;
    assert_pod("0::/kubepods/burstable/pod" UID_STATIC "/" CONTAINER "\n", UID_STATIC);
    assert_pod("0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_STATIC
               ".slice/crio-" CONTAINER ".scope\n",
               UID_STATIC);
}

static void what_is_no_pod_is_none(void **state)
{
    (void)state;
    static const char *const cgroups[] = {
        "",
        "\n\n\n",
        ":",
        "::",
        "0::",
        "0::/",
        "0::/../..",
        "0::/user.slice/user-1000.slice/session-2.scope\n",
        "0::/system.slice/docker-" CONTAINER ".scope\n",
        "0::/kubepods.slice/kubepods-burstable.slice\n",
        "0::/kubepods/burstable/pod\n",
        "0::/kubepods/burstable/pod" UID "0/x\n",
        "0::/kubepods/burstable/pod7c1f9c52\n",
        "0::/kubepods/burstable/pod7c1f9c52-3a2b-4a55-9d3c-0d7b6a3f1e0g/x\n",
        "0::/kubepods/burstable/pod7c1f9c5203a2b04a5509d3c00d7b6a3f1e01/x\n",
        /* a person's groups that only look alike */
        "0::/user.slice/pod" UID "/x\n",
        "0::/mine-pod" UID_SLICE ".slice/x\n",
        "0::/notkubepods-pod" UID_SLICE ".slice/x\n",
        "0::/kubepods-burstable-pod" UID_SLICE ".scope/x\n",
        "0::/kubepods-burstable-burstable-pod" UID_SLICE ".slice/x\n",
        /* no third part */
        "/kubepods/pod" UID "/x\n",
        "0:/kubepods/pod" UID "/x\n",
    };
    for (size_t i = 0; i < sizeof cgroups / sizeof cgroups[0]; i++) {
        struct plimsoll_uid pod;
        if (pod_of(cgroups[i], &pod)) {
            fail_msg("%s: %s", cgroups[i], pod.text);
        }
    }
}

static void groups_longer_than_the_ceiling_are_no_pods(void **state)
{
    (void)state;
    static const char last[] = "0::/kubepods/pod" UID "/x";
    plimsoll_autotext text = plimsoll_text_make(2 * PLIMSOLL_CGROUP_BYTES_MAX);
    struct plimsoll_uid pod;
    while (text.size < PLIMSOLL_CGROUP_BYTES_MAX - sizeof last + 1) {
        plimsoll_text_add_char(&text, '\n');
    }
    plimsoll_text_add_string(&text, last);
    assert_int_equal(text.size, PLIMSOLL_CGROUP_BYTES_MAX);
    assert_true(plimsoll_cgroup_pod(plimsoll_text_span(&text), &pod));
    plimsoll_text_add_char(&text, '\n');
    assert_false(plimsoll_cgroup_pod(plimsoll_text_span(&text), &pod));
}

static void a_process_is_found_by_its_file(void **state)
{
    (void)state;
    struct tree tree = tree_make();
    struct plimsoll_uid pod = untouched;
    plimsoll_autofree char *long_file = plimsoll_alloc(PLIMSOLL_CGROUP_BYTES_MAX + 2, 1);
    memset(long_file, '\n', PLIMSOLL_CGROUP_BYTES_MAX + 1);
    tree_write(&tree, "proc/77/cgroup", "0::/kubepods/pod" UID "/x\n");
    tree_write(&tree, "proc/78/cgroup", "0::/init.scope\n");
    tree_write(&tree, "proc/79/cgroup", long_file);
    assert_int_equal(plimsoll_attribution_pod(tree.root, 78, &pod), PLIMSOLL_NO);
    assert_int_equal(plimsoll_attribution_pod(tree.root, 79, &pod), PLIMSOLL_NO);
    /* has ended, or never was */
    assert_int_equal(plimsoll_attribution_pod(tree.root, 80, &pod), PLIMSOLL_UNKNOWN);
    assert_int_equal(plimsoll_attribution_pod(tree.root, 0, &pod), PLIMSOLL_UNKNOWN);
    assert_int_equal(plimsoll_attribution_pod(tree.root, -1, &pod), PLIMSOLL_UNKNOWN);
    assert_string_equal(pod.text, untouched.text);
    assert_int_equal(plimsoll_attribution_pod(tree.root, 77, &pod), PLIMSOLL_YES);
    assert_string_equal(pod.text, UID);
    tree_remove(&tree);
}

/* The agent's own machine: whatever it says, it says it without harm. */
static void the_machine_itself_can_be_asked(void **state)
{
    (void)state;
    struct plimsoll_uid pod = untouched;
    enum plimsoll_trilean found = plimsoll_attribution_pod("", (int32_t)getpid(), &pod);
    assert_int_not_equal(found, PLIMSOLL_UNKNOWN);
    assert_true((found == PLIMSOLL_YES) == (strcmp(pod.text, untouched.text) != 0));
}

static void assert_checkpoint(const char *fixture, enum plimsoll_device_list expected)
{
    struct plimsoll_text text = wire_file(fixture);
    struct plimsoll_checkpoint checkpoint;
    struct plimsoll_error err;
    if (plimsoll_checkpoint_parse(plimsoll_text_span(&text), &wire_reading.resources, &checkpoint,
                                  &err) < 0) {
        fail_msg("%s: %s", fixture, err.message);
    }
    assert_int_equal(checkpoint.device_list, expected);
    plimsoll_checkpoint_clear(&checkpoint);
    plimsoll_text_clear(&text);
}

static void the_way_the_plugin_passes_cards_is_read_from_its_answers(void **state)
{
    (void)state;
    assert_checkpoint("fixtures/device/checkpoint-env.json", PLIMSOLL_DEVICE_LIST_ENV);
    assert_checkpoint("fixtures/device/checkpoint-v1.json", PLIMSOLL_DEVICE_LIST_ENV);
    assert_checkpoint("fixtures/device/checkpoint-nodes.json", PLIMSOLL_DEVICE_LIST_ENV_NODES);
    assert_checkpoint("fixtures/device/checkpoint-cdi.json", PLIMSOLL_DEVICE_LIST_CDI);
    assert_checkpoint("fixtures/device/checkpoint-annotations.json", PLIMSOLL_DEVICE_LIST_CDI);
    assert_checkpoint("fixtures/device/checkpoint-mounts.json", PLIMSOLL_DEVICE_LIST_MOUNTS);
    /* set up anew while pods run: nothing that our env could rely on */
    assert_checkpoint("fixtures/device/checkpoint-mixed.json", PLIMSOLL_DEVICE_LIST_ENV_NODES);
    /* AMD's and Intel's nodes say nothing about NVIDIA's plugin */
    assert_checkpoint("fixtures/device/checkpoint-vendors.json", PLIMSOLL_DEVICE_LIST_ENV);
    assert_checkpoint("fixtures/device/checkpoint-empty.json", PLIMSOLL_DEVICE_LIST_UNKNOWN);
}

static void assert_holder(const struct plimsoll_checkpoint *checkpoint, size_t i, const char *card,
                          const char *pod)
{
    assert_true(i < checkpoint->holder_count);
    assert_string_equal(checkpoint->holders[i].card, card);
    assert_string_equal(checkpoint->holders[i].pod.text, pod);
}

static void parse_fixture(const char *fixture, struct plimsoll_checkpoint *checkpoint)
{
    struct plimsoll_text text = wire_file(fixture);
    struct plimsoll_error err;
    assert_int_equal(plimsoll_checkpoint_parse(plimsoll_text_span(&text), &wire_reading.resources,
                                               checkpoint, &err),
                     0);
    plimsoll_text_clear(&text);
}

static void holders_and_replicas_are_told_by_card(void **state)
{
    (void)state;
    struct plimsoll_checkpoint checkpoint;
    parse_fixture("fixtures/device/checkpoint-env.json", &checkpoint);
    /* two containers of one pod hold two replicas of one card: one holder */
    assert_int_equal(checkpoint.holder_count, 4);
    assert_holder(&checkpoint, 0, CARD_A, UID);
    assert_holder(&checkpoint, 1, CARD_A, UID_OTHER);
    assert_holder(&checkpoint, 2, CARD_B, UID_STATIC);
    assert_holder(&checkpoint, 3, CARD_B, UID_OTHER);
    assert_int_equal(checkpoint.card_count, 2);
    assert_string_equal(checkpoint.cards[0].card, CARD_A);
    assert_int_equal(checkpoint.cards[0].replicas, 4);
    assert_string_equal(checkpoint.cards[1].card, CARD_B);
    assert_int_equal(checkpoint.cards[1].replicas, 4);
    plimsoll_checkpoint_clear(&checkpoint);
    assert_null(checkpoint.holders);
}

static void all_vendors_and_both_forms_have_holders(void **state)
{
    (void)state;
    struct plimsoll_checkpoint checkpoint;
    parse_fixture("fixtures/device/checkpoint-vendors.json", &checkpoint);
    assert_int_equal(checkpoint.holder_count, 3);
    assert_holder(&checkpoint, 0, "0000:03:00.0", UID);
    assert_holder(&checkpoint, 1, "MIG-11111111-2222-3333-4444-555555555555", UID_OTHER);
    assert_holder(&checkpoint, 2, "card0", "7c1f9c52-3a2b-4a55-9d3c-0d7b6a3f1e04");
    assert_int_equal(checkpoint.card_count, 3);
    assert_string_equal(checkpoint.cards[2].card, "card0");
    assert_int_equal(checkpoint.cards[2].replicas, 2);
    plimsoll_checkpoint_clear(&checkpoint);
    parse_fixture("fixtures/device/checkpoint-v1.json", &checkpoint);
    assert_int_equal(checkpoint.holder_count, 1);
    assert_holder(&checkpoint, 0, CARD_A, UID);
    assert_int_equal(checkpoint.cards[1].replicas, 1);
    plimsoll_checkpoint_clear(&checkpoint);
    parse_fixture("fixtures/device/checkpoint-empty.json", &checkpoint);
    assert_int_equal(checkpoint.holder_count + checkpoint.card_count, 0);
    plimsoll_checkpoint_clear(&checkpoint);
}

#define ENTRY(uid, ids, answer)                                                                    \
    "{\"Data\":{\"PodDeviceEntries\":[{\"PodUID\":" uid                                            \
    ",\"ContainerName\":\"c\",\"ResourceName\":\"nvidia.com/gpu\",\"DeviceIDs\":" ids              \
    ",\"AllocResp\":" answer "}],\"RegisteredDevices\":{}},\"Checksum\":1}"
#define GOOD_UID "\"" UID "\""
#define GOOD_IDS "{\"-1\":[\"GPU-x\"]}"

/* Fails, leaves `out` alone, and says `part`. */
static void assert_refused(const char *text, const char *part)
{
    struct plimsoll_checkpoint checkpoint = {.holder_count = 77};
    struct plimsoll_error err;
    if (plimsoll_checkpoint_parse(plimsoll_span_of(text), &wire_reading.resources, &checkpoint,
                                  &err) == 0) {
        fail_msg("%s was taken", text);
    }
    assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
    assert_int_equal(checkpoint.holder_count, 77);
    if (strstr(err.message, part) == NULL) {
        fail_msg("%s does not say %s", err.message, part);
    }
}

static void unknown_forms_are_said_and_not_guessed(void **state)
{
    (void)state;
    static const char known[] = "known is the kubelet's form";
    assert_refused("[]", known);
    assert_refused("{}", "no Data with a Checksum");
    assert_refused("{\"Data\":{},\"Checksum\":1}", "without PodDeviceEntries");
    assert_refused("{\"Data\":[],\"Checksum\":1}", "Data that is no object");
    assert_refused("{\"Data\":{\"PodDeviceEntries\":[],\"RegisteredDevices\":{}}}", known);
    assert_refused("{\"Data\":{\"PodDeviceEntries\":[],\"RegisteredDevices\":{}},\"Checksum\":1,"
                   "\"Version\":2}",
                   "byte 68: a field that no known version has");
    assert_refused("{\"Data\":{\"PodDeviceEntries\":[],\"RegisteredDevices\":{},\"Claims\":[]},"
                   "\"Checksum\":1}",
                   "a field that no known version has");
    assert_refused("{\"Data\":{\"PodDeviceEntries\":{},\"RegisteredDevices\":{}},\"Checksum\":1}",
                   "PodDeviceEntries that are no list");
    assert_refused("{\"Data\":{\"PodDeviceEntries\":[7],\"RegisteredDevices\":{}},\"Checksum\":1}",
                   "no object");
    assert_refused("{\"Data\":{\"PodDeviceEntries\":[],\"RegisteredDevices\":[]},\"Checksum\":1}",
                   "RegisteredDevices that are no object");
    assert_refused("{\"Data\":{\"PodDeviceEntries\":[],\"RegisteredDevices\":{\"nvidia.com/gpu\":"
                   "{}}},\"Checksum\":1}",
                   "RegisteredDevices of a resource that are no list");
    assert_refused("{\"Data\":{\"PodDeviceEntries\":[{\"PodUID\":\"u\"}],\"RegisteredDevices\":{}},"
                   "\"Checksum\":1}",
                   "an entry without a ResourceName");
    assert_refused("{\"Data\":{\"PodDeviceEntries\":[{\"ResourceName\":\"nvidia.com/gpu\","
                   "\"PodUID\":\"u\"}],\"RegisteredDevices\":{}},\"Checksum\":1}",
                   "an entry without PodUID, DeviceIDs or AllocResp");
}

static void broken_entries_are_refused_with_their_place(void **state)
{
    (void)state;
    static const char long_id[] =
        "{\"-1\":[\"GPU-0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789\"]}";
    assert_refused("", "");
    assert_refused("{\"Data\":", "");
    assert_refused("{\"Data\":1,\"Data\":2,\"Checksum\":1}", "");
    assert_refused(ENTRY("\"\"", GOOD_IDS, "\"\""), "a PodUID that is no uid");
    assert_refused(ENTRY("\"a\\u0000b\"", GOOD_IDS, "\"\""), "a PodUID that is no uid");
    assert_refused(ENTRY("\"7c1f9c52-3a2b-4a55-9d3c-0d7b6a3f1e0123456789\"", GOOD_IDS, "\"\""),
                   "a PodUID that is no uid");
    assert_refused(ENTRY("7", GOOD_IDS, "\"\""), "an entry without PodUID");
    assert_refused(ENTRY(GOOD_UID, "\"GPU-x\"", "\"\""), "DeviceIDs that are neither");
    assert_refused(ENTRY(GOOD_UID, "{\"0\":\"GPU-x\"}", "\"\""), "DeviceIDs that are neither");
    assert_refused(ENTRY(GOOD_UID, "{\"0\":[7]}", "\"\""), "a device id that is no string");
    assert_refused(ENTRY(GOOD_UID, "{\"0\":[\"\"]}", "\"\""), "a device id that is empty");
    assert_refused(ENTRY(GOOD_UID, "{\"0\":[\"::1\"]}", "\"\""), "a device id that is empty");
    assert_refused(ENTRY(GOOD_UID, "[\"a\\u0000b\"]", "\"\""), "a device id that is empty");
    assert_refused("{\"Data\":{\"PodDeviceEntries\":null,\"RegisteredDevices\":{\"amd.com/gpu\":["
                   "null]}},\"Checksum\":1}",
                   "a device id that is no string");
    char text[512];
    snprintf(text, sizeof text, ENTRY(GOOD_UID, "%s", "\"\""), long_id);
    assert_refused(text, "too long to be a card's");
    assert_refused(ENTRY(GOOD_UID, GOOD_IDS, "7"), "an AllocResp that is no base64");
    assert_refused(ENTRY(GOOD_UID, GOOD_IDS, "\"abc\""), "an AllocResp that is no base64");
    assert_refused(ENTRY(GOOD_UID, GOOD_IDS, "\"ab*=\""), "an AllocResp that is no base64");
    assert_refused(ENTRY(GOOD_UID, GOOD_IDS, "\"  Cg==  \""), "an AllocResp that is no base64");
}

static void broken_answers_of_a_plugin_are_refused(void **state)
{
    (void)state;
    static const char what[] = "no ContainerAllocateResponse";
    assert_refused(ENTRY(GOOD_UID, GOOD_IDS, "\"Cg==\""), what); /* a length is missing */
    assert_refused(ENTRY(GOOD_UID, GOOD_IDS, "\"CgU=\""), what); /* shorter than its length */
    assert_refused(ENTRY(GOOD_UID, GOOD_IDS, "\"Cv//////////\""), what); /* endless number */
    assert_refused(ENTRY(GOOD_UID, GOOD_IDS, "\"CwA=\""), what);         /* a group */
    assert_refused(ENTRY(GOOD_UID, GOOD_IDS, "\"AgA=\""), what);         /* field 0 */
    assert_refused(ENTRY(GOOD_UID, GOOD_IDS, "\"CAE=\""), what);         /* envs as a number */
    assert_refused(ENTRY(GOOD_UID, GOOD_IDS, "\"CgIKBQ==\""), what);     /* broken inside */
}

static void assert_list(const char *answer, enum plimsoll_device_list expected)
{
    plimsoll_autotext text = plimsoll_text_make(1 << 12);
    struct plimsoll_checkpoint checkpoint;
    struct plimsoll_error err;
    plimsoll_text_add_format(&text, ENTRY(GOOD_UID, GOOD_IDS, "%s"), answer);
    assert_int_equal(plimsoll_checkpoint_parse(plimsoll_text_span(&text), &wire_reading.resources,
                                               &checkpoint, &err),
                     0);
    assert_int_equal(checkpoint.device_list, expected);
    assert_int_equal(checkpoint.holder_count, 1);
    plimsoll_checkpoint_clear(&checkpoint);
}

static void answers_that_name_no_card_say_nothing(void **state)
{
    (void)state;
    assert_list("null", PLIMSOLL_DEVICE_LIST_UNKNOWN);
    assert_list("\"\"", PLIMSOLL_DEVICE_LIST_UNKNOWN);
    /* NVIDIA_VISIBLE_DEVICES=void, FOO=GPU-x, NVIDIA_VISIBLE_DEVICES= */
    assert_list("\"Ch4KFk5WSURJQV9WSVNJQkxFX0RFVklDRVMSBHZvaWQ=\"", PLIMSOLL_DEVICE_LIST_UNKNOWN);
    assert_list("\"CgwKA0ZPTxIFR1BVLXg=\"", PLIMSOLL_DEVICE_LIST_UNKNOWN);
    assert_list("\"ChgKFk5WSURJQV9WSVNJQkxFX0RFVklDRVM=\"", PLIMSOLL_DEVICE_LIST_UNKNOWN);
    /* field 9 of each size, which a later API may have */
    assert_list("\"SAFKAkhJTQABAgNJAAECAwQFBgc=\"", PLIMSOLL_DEVICE_LIST_UNKNOWN);
    /* DeviceSpec /dev/nvidia0 alone; and a card's index in the env */
    assert_list("\"Gg4KDC9kZXYvbnZpZGlhMA==\"", PLIMSOLL_DEVICE_LIST_ENV_NODES);
    assert_list("\"ChsKFk5WSURJQV9WSVNJQkxFX0RFVklDRVMSATA=\"", PLIMSOLL_DEVICE_LIST_ENV);
}

static void a_checkpoint_over_the_ceiling_is_refused(void **state)
{
    (void)state;
    static const char text[] =
        "{\"Data\":{\"PodDeviceEntries\":null,\"RegisteredDevices\":null},\"Checksum\":1}";
    plimsoll_autotext bytes = plimsoll_text_make(PLIMSOLL_CHECKPOINT_BYTES_MAX + 1);
    struct plimsoll_checkpoint checkpoint;
    struct plimsoll_error err;
    plimsoll_text_add_string(&bytes, text);
    plimsoll_text_reserve(&bytes, PLIMSOLL_CHECKPOINT_BYTES_MAX);
    while (bytes.size < PLIMSOLL_CHECKPOINT_BYTES_MAX) {
        plimsoll_text_add_char(&bytes, ' ');
    }
    assert_int_equal(plimsoll_checkpoint_parse(plimsoll_text_span(&bytes), &wire_reading.resources,
                                               &checkpoint, &err),
                     0);
    plimsoll_checkpoint_clear(&checkpoint);
    plimsoll_text_add_char(&bytes, ' ');
    assert_int_equal(plimsoll_checkpoint_parse(plimsoll_text_span(&bytes), &wire_reading.resources,
                                               &checkpoint, &err),
                     -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
}

#define CHECKPOINT_PATH "device-plugins/kubelet_internal_checkpoint"

static int read_tree(const struct tree *tree, struct plimsoll_checkpoint *checkpoint,
                     struct plimsoll_error *err)
{
    return plimsoll_checkpoint_read(tree->root, &wire_reading.resources, checkpoint, err);
}

static void the_file_is_read_anew_only_when_it_is_another(void **state)
{
    (void)state;
    struct tree tree = tree_make();
    struct plimsoll_checkpoint checkpoint = {0};
    struct plimsoll_error err;
    assert_int_equal(read_tree(&tree, &checkpoint, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_NOT_FOUND);
    tree_write(&tree, CHECKPOINT_PATH, ENTRY(GOOD_UID, GOOD_IDS, "\"\""));
    assert_int_equal(read_tree(&tree, &checkpoint, &err), 0);
    assert_int_equal(checkpoint.holder_count, 1);
    /* what was read stays, and is not read again */
    const struct plimsoll_holder *holders = checkpoint.holders;
    assert_int_equal(read_tree(&tree, &checkpoint, &err), 0);
    assert_ptr_equal(checkpoint.holders, holders);
    /* the kubelet writes another file and moves it there */
    tree_write(&tree, "new", ENTRY(GOOD_UID, "[\"GPU-x\",\"GPU-y\"]", "\"\""));
    plimsoll_autofree char *from = tree_path(&tree, "new"), *to = tree_path(&tree, CHECKPOINT_PATH);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(read_tree(&tree, &checkpoint, &err), 0);
    assert_int_equal(checkpoint.holder_count, 2);
    /* a broken one is said each time, and the last good one stays with the caller */
    tree_write(&tree, CHECKPOINT_PATH, "{\"Data\":");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(read_tree(&tree, &checkpoint, &err), -1);
        assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
        assert_non_null(strstr(err.message, CHECKPOINT_PATH));
        assert_int_equal(checkpoint.holder_count, 2);
    }
    plimsoll_checkpoint_clear(&checkpoint);
    tree_remove(&tree);
}

static void a_file_over_the_ceiling_is_not_read_whole(void **state)
{
    (void)state;
    struct tree tree = tree_make();
    struct plimsoll_checkpoint checkpoint = {0};
    struct plimsoll_error err;
    tree_write(&tree, CHECKPOINT_PATH, "");
    plimsoll_autofree char *path = tree_path(&tree, CHECKPOINT_PATH);
    assert_int_equal(truncate(path, PLIMSOLL_CHECKPOINT_BYTES_MAX + 1), 0);
    assert_int_equal(read_tree(&tree, &checkpoint, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
    tree_drop(&tree, CHECKPOINT_PATH);
    assert_int_equal(mkfifo(path, 0600), 0); /* no writer ever comes */
    assert_int_equal(read_tree(&tree, &checkpoint, &err), -1);
    tree_remove(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods_are_found_under_version_2),
        cmocka_unit_test(pods_are_found_under_version_1),
        cmocka_unit_test(pods_are_found_from_within_a_namespace_and_in_nested_nodes),
        cmocka_unit_test(every_runtime_and_driver_names_the_pod),
        cmocka_unit_test(static_pods_have_a_hash_for_a_uid),
        cmocka_unit_test(what_is_no_pod_is_none),
        cmocka_unit_test(groups_longer_than_the_ceiling_are_no_pods),
        cmocka_unit_test(a_process_is_found_by_its_file),
        cmocka_unit_test(the_machine_itself_can_be_asked),
        cmocka_unit_test(the_way_the_plugin_passes_cards_is_read_from_its_answers),
        cmocka_unit_test(holders_and_replicas_are_told_by_card),
        cmocka_unit_test(all_vendors_and_both_forms_have_holders),
        cmocka_unit_test(unknown_forms_are_said_and_not_guessed),
        cmocka_unit_test(broken_entries_are_refused_with_their_place),
        cmocka_unit_test(broken_answers_of_a_plugin_are_refused),
        cmocka_unit_test(answers_that_name_no_card_say_nothing),
        cmocka_unit_test(a_checkpoint_over_the_ceiling_is_refused),
        cmocka_unit_test(the_file_is_read_anew_only_when_it_is_another),
        cmocka_unit_test(a_file_over_the_ceiling_is_not_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
