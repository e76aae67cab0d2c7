/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe.h"

#include <plimsoll/pod.h>

#include <openssl/evp.h>

#include <stdarg.h>
#include <string.h>

static const char *const names[] = {
    [PLIMSOLL_RECIPE_SECOND] = "second", [PLIMSOLL_RECIPE_KUBEADM] = "kubeadm",
    [PLIMSOLL_RECIPE_K3S] = "k3s",       [PLIMSOLL_RECIPE_RKE2] = "rke2",
    [PLIMSOLL_RECIPE_TALOS] = "talos",
};

/* Where the cluster's own scheduler has its kubeconfig. */
static const char *const kubeconfigs[] = {
    [PLIMSOLL_RECIPE_SECOND] = NULL, /* the pod's own account */
    [PLIMSOLL_RECIPE_KUBEADM] = "/etc/kubernetes/scheduler.conf",
    [PLIMSOLL_RECIPE_K3S] = "/var/lib/rancher/k3s/server/cred/scheduler.kubeconfig",
    [PLIMSOLL_RECIPE_RKE2] = "/var/lib/rancher/rke2/server/cred/scheduler.kubeconfig",
    [PLIMSOLL_RECIPE_TALOS] = NULL, /* Talos sets it */
};

bool plimsoll_recipe_named(const char *name, enum plimsoll_recipe *recipe)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *recipe = (enum plimsoll_recipe)i;
            return true;
        }
    }
    return false;
}

/* -- lines ---------------------------------------------------------------------------------------
 */

struct lines {
    struct plimsoll_text *out;
    const char *indent;
};

static void line(const struct lines *lines, const char *format, ...) PLIMSOLL_PRINTF(2, 3);

static void line(const struct lines *lines, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    plimsoll_text_add_format(lines->out, "%s%s\n", lines->indent, text);
}

/* A key with the base64 of a file, on one long line. */
static void data_line(const struct lines *lines, const char *key, struct plimsoll_span bytes)
{
    plimsoll_autofree unsigned char *encoded = plimsoll_alloc(bytes.size / 3 * 4 + 5, 1);
    (void)EVP_EncodeBlock(encoded, (const unsigned char *)bytes.data, (int)bytes.size);
    plimsoll_text_add_format(lines->out, "%s%s: %s\n", lines->indent, key, (const char *)encoded);
}

/* -- the scheduler's configuration ---------------------------------------------------------------
 */

static void write_profile(const struct lines *lines, const char *scheduler, bool ignores)
{
    line(lines, "profiles:");
    line(lines, "- schedulerName: %s", scheduler);
    line(lines,
         "  # Otherwise it asks about a sample of the nodes, and what the sample refuses waits.");
    line(lines, "  percentageOfNodesToScore: 100");
    if (ignores) {
        line(lines, "  pluginConfig:");
        line(lines, "  - name: NodeResourcesFit");
        line(lines, "    args:");
        line(lines, "      # No node advertises it: Plimsoll counts it.");
        line(lines, "      ignoredResources: [%s]", PLIMSOLL_RESOURCE_VRAM);
    }
}

static void write_extender(const struct lines *lines, const char *scheme, const char *address)
{
    line(lines, "extenders:");
    line(lines, "- urlPrefix: %s://%s", scheme, address);
    line(lines, "  filterVerb: filter");
    line(lines, "  prioritizeVerb: prioritize");
    line(lines, "  bindVerb: bind");
    line(lines, "  # The scheduler finds victims for devices; this adds those that VRAM needs.");
    line(lines, "  preemptVerb: preempt");
    line(lines, "  weight: 20");
    line(lines, "  nodeCacheCapable: true");
    line(lines, "  # A GPU pod waits while Plimsoll is away; it is never placed without it.");
    line(lines, "  ignorable: false");
    line(lines, "  # Longer than the 5 s in which a binding is decided.");
    line(lines, "  httpTimeout: 8s");
}

static bool is_pattern(const char *resource)
{
    return strchr(resource, '*') != NULL;
}

/* Which pods are asked about. Patterns cannot stand here; the marker limit brings those pods. */
static void write_resources(const struct lines *lines, const struct plimsoll_recipe_values *values)
{
    const struct plimsoll_resources *resources = values->resources;
    line(lines, "  # Only pods that ask for one of these; the others never wait for Plimsoll.");
    line(lines, "  managedResources:");
    if (values->node_capacity) {
        line(lines, "  - {name: %s}", PLIMSOLL_RESOURCE_VRAM);
    } else {
        line(lines, "  # No node advertises it: Plimsoll counts it.");
        line(lines, "  - {name: %s, ignoredByScheduler: true}", PLIMSOLL_RESOURCE_VRAM);
    }
    for (size_t i = 0; i < resources->count; i++) {
        if (!is_pattern(resources->list[i].name)) {
            line(lines, "  - {name: %s}", resources->list[i].name);
        }
    }
}

static void write_tls(const struct lines *lines, const struct plimsoll_recipe_values *values)
{
    const struct lines deeper = {.out = lines->out,
                                 .indent = lines->indent[0] == '\0' ? "    " : "          "};
    line(lines, "  enableHTTPS: true");
    line(lines, "  tlsConfig:");
    line(&deeper, "serverName: %s", values->server_name);
    line(&deeper, "# Without it the scheduler would trust anybody.");
    data_line(&deeper, "caData", values->ca);
    line(&deeper, "# By these Plimsoll knows who may bind.");
    data_line(&deeper, "certData", values->client_cert);
    data_line(&deeper, "keyData", values->client_key);
}

static void write_head(const struct lines *lines)
{
    line(lines, "apiVersion: kubescheduler.config.k8s.io/v1");
    line(lines, "kind: KubeSchedulerConfiguration");
}

static void write_second(const struct lines *lines, const struct plimsoll_recipe_values *values)
{
    line(lines,
         "# A second kube-scheduler in the same pod as the server, which listens on loopback:");
    line(lines, "# plimsoll serve --extender-listen=%s", values->address);
    line(lines, "# kube-scheduler --config=FILE (this one)");
    if (values->kubernetes[0] != '\0') {
        line(lines, "# The API server is %s: kube-scheduler is that, or one minor version older.",
             values->kubernetes);
    }
    line(lines, "# Pods choose it by schedulerName: %s, which the webhook writes where the",
         values->scheduler_name);
    line(lines, "# server's configuration has the same schedulerName.");
    write_head(lines);
    line(lines, "leaderElection:");
    line(lines, "  leaderElect: true");
    line(lines, "  # Its own Lease: with that of the cluster's scheduler it would wait for ever.");
    line(lines, "  resourceNamespace: %s", values->namespace_);
    line(lines, "  resourceName: %s", values->scheduler_name);
    write_profile(lines, values->scheduler_name, !values->node_capacity);
    write_extender(lines, "http", values->address);
}

/* What every cluster's own scheduler gets, after its head. */
static void write_own(const struct lines *lines, const struct plimsoll_recipe_values *values)
{
    write_profile(lines, "default-scheduler", false);
    write_extender(lines, "https", values->address);
    write_resources(lines, values);
    write_tls(lines, values);
}

static void write_own_file(const struct lines *lines, enum plimsoll_recipe recipe,
                           const struct plimsoll_recipe_values *values)
{
    write_head(lines);
    line(lines, "clientConnection:");
    line(lines, "  # The flag --kubeconfig counts no more once --config is given.");
    line(lines, "  kubeconfig: %s", kubeconfigs[recipe]);
    line(lines, "leaderElection:");
    line(lines, "  leaderElect: true");
    write_own(lines, values);
}

/* -- what to do with it --------------------------------------------------------------------------
 */

static void write_server_advice(const struct lines *lines,
                                const struct plimsoll_recipe_values *values)
{
    line(lines, "# Plimsoll with the cluster's own kube-scheduler%s%s.",
         values->kubernetes[0] != '\0' ? ", Kubernetes " : "", values->kubernetes);
    line(lines, "#");
    line(lines,
         "# The server: --listen and --client-ca with the CA that signed the client certificate");
    line(lines, "# below, and in its configuration");
    line(lines, "#   schedulerName: \"\"     pods stay with the cluster's scheduler");
    line(lines,
         "#   markerLimit: true     brings it the GPU pods that ask for none of managedResources,");
    for (size_t i = 0; i < values->resources->count; i++) {
        if (is_pattern(values->resources->list[i].name)) {
            line(lines, "#                         like %s", values->resources->list[i].name);
        }
    }
    line(lines,
         "# %s must be reachable from the control plane nodes; a name would make DNS a part of",
         values->address);
    line(lines, "# scheduling. Where the scheduler has HTTPS_PROXY, add the address to NO_PROXY.");
    line(lines,
         "# The scheduler reads these certificates when it starts: print this again and restart");
    line(lines, "# it when the CA or the client certificate changes.");
    line(lines, "# keyData is a private key: keep what is printed where only root reads.");
    line(lines, "#");
}

/* The form of kubeadm's own file changed with Kubernetes 1.31. */
static void write_kubeadm_flag(const struct lines *lines, unsigned kubernetes_minor)
{
    bool old = kubernetes_minor > 0 && kubernetes_minor < 31;
    if (kubernetes_minor == 0) {
        line(lines, "# (Before v1beta4 extraArgs is a mapping: {config: ...}.)");
    }
    line(lines, "apiVersion: kubeadm.k8s.io/%s", old ? "v1beta3" : "v1beta4");
    line(lines, "kind: ClusterConfiguration");
    line(lines, "scheduler:");
    line(lines, "  extraArgs:");
    line(lines, old ? "    config: /etc/kubernetes/plimsoll/scheduler.yaml"
                    : "  - {name: config, value: /etc/kubernetes/plimsoll/scheduler.yaml}");
}

static void write_kubeadm(const struct lines *lines, const struct plimsoll_recipe_values *values)
{
    line(lines,
         "# kubeadm: this document is /etc/kubernetes/plimsoll/scheduler.yaml on every control");
    line(lines,
         "# plane node. A changed file restarts nobody: move the scheduler's manifest out of");
    line(lines, "# /etc/kubernetes/manifests and back.");
    write_own_file(lines, PLIMSOLL_RECIPE_KUBEADM, values);
    line(lines, "---");
    line(lines, "# For kubeadm init, and in a running cluster for the ConfigMap kubeadm-config in");
    line(lines, "# kube-system, or the next upgrade undoes it. There also add to each node's");
    line(lines, "# /etc/kubernetes/manifests/kube-scheduler.yaml the flag and the mount by hand.");
    write_kubeadm_flag(lines, values->kubernetes_minor);
    line(lines, "  extraVolumes:");
    line(lines, "  # The folder, not the file: a mounted file stays what it was.");
    line(lines, "  - name: plimsoll");
    line(lines, "    hostPath: /etc/kubernetes/plimsoll");
    line(lines, "    mountPath: /etc/kubernetes/plimsoll");
    line(lines, "    readOnly: true");
    line(lines, "    pathType: DirectoryOrCreate");
}

static void write_k3s(const struct lines *lines, const struct plimsoll_recipe_values *values)
{
    line(
        lines,
        "# k3s: this document is /etc/rancher/k3s/scheduler.yaml on every server. It is a file of");
    line(lines, "# the scheduler; kubectl apply knows no such object.");
    write_own_file(lines, PLIMSOLL_RECIPE_K3S, values);
    line(lines, "---");
    line(lines, "# Into /etc/rancher/k3s/config.yaml; then restart k3s.");
    line(lines, "kube-scheduler-arg:");
    line(lines, "- config=/etc/rancher/k3s/scheduler.yaml");
}

static void write_rke2(const struct lines *lines, const struct plimsoll_recipe_values *values)
{
    line(lines,
         "# RKE2: this document is /etc/rancher/rke2/scheduler/config.yaml on every server.");
    write_own_file(lines, PLIMSOLL_RECIPE_RKE2, values);
    line(lines, "---");
    line(lines, "# Into /etc/rancher/rke2/config.yaml; then restart rke2-server.");
    line(lines, "kube-scheduler-arg:");
    line(lines, "- config=/etc/rancher/rke2/scheduler/config.yaml");
    line(lines, "kube-scheduler-extra-mount:");
    line(lines, "- /etc/rancher/rke2/scheduler:/etc/rancher/rke2/scheduler:ro");
}

static void write_talos(const struct lines *lines, const struct plimsoll_recipe_values *values)
{
    const struct lines nested = {.out = lines->out, .indent = "      "};
    line(lines, "# Talos: a patch of the machine configuration of the control plane nodes,");
    line(
        lines,
        "# talosctl patch machineconfig --patch @FILE. Talos itself sets apiVersion, kind and the");
    line(lines, "# kubeconfig. From Talos 1.14 on what is below config may stand in a document of "
                "its own:");
    line(lines, "# {apiVersion: v1alpha1, kind: KubeSchedulerConfig, config: ...}.");
    line(lines, "cluster:");
    line(lines, "  scheduler:");
    line(lines, "    config:");
    write_own(&nested, values);
}

void plimsoll_recipe_write(enum plimsoll_recipe recipe, const struct plimsoll_recipe_values *values,
                           struct plimsoll_text *out)
{
    const struct lines lines = {.out = out, .indent = ""};
    if (recipe != PLIMSOLL_RECIPE_SECOND) {
        write_server_advice(&lines, values);
    }
    switch (recipe) {
    case PLIMSOLL_RECIPE_SECOND:
        write_second(&lines, values);
        break;
    case PLIMSOLL_RECIPE_KUBEADM:
        write_kubeadm(&lines, values);
        break;
    case PLIMSOLL_RECIPE_K3S:
        write_k3s(&lines, values);
        break;
    case PLIMSOLL_RECIPE_RKE2:
        write_rke2(&lines, values);
        break;
    case PLIMSOLL_RECIPE_TALOS:
        write_talos(&lines, values);
        break;
    }
}
