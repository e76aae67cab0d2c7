/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes with GPUs, their agents and reports, and clocks. */
#include "parts.h"

#include <string.h>

/* -- taking --------------------------------------------------------------------------------------
 */

static bool has_gpu(const struct plimsoll_node *node)
{
    for (uint32_t i = 0; i < node->resource_count; i++) {
        if (node->resources[i].allocatable > 0) {
            return true;
        }
    }
    return node->card_count > 0;
}

static bool has_nvidia(const struct plimsoll_node *node)
{
    for (uint32_t i = 0; i < node->resource_count; i++) {
        if (node->resources[i].vendor == PLIMSOLL_VENDOR_NVIDIA &&
            node->resources[i].allocatable > 0) {
            return true;
        }
    }
    return node->card_count > 0 && node->cards[0].vendor == PLIMSOLL_VENDOR_NVIDIA;
}

static const struct agent *agent_of(const struct plimsoll_doctor *doctor, const char *node)
{
    const struct agent *found = NULL;
    for (size_t i = 0; i < doctor->agent_count; i++) {
        if (strcmp(doctor->agents[i].node, node) == 0 && (found == NULL || !found->ready)) {
            found = &doctor->agents[i];
        }
    }
    return found;
}

static void look_at(struct plimsoll_doctor *doctor, const struct plimsoll_node *node)
{
    const struct agent *agent = agent_of(doctor, node->name);
    int64_t ahead = node->report_time - doctor->now, oldest = doctor->options.max_report_age_ms;
    doctor->gpu_nodes++;
    doctor->nvidia_nodes += has_nvidia(node) ? 1 : 0;
    if (node->unusable != NULL) {
        plimsoll_doctor_name(&doctor->unusable, "", node->name);
    }
    if (agent == NULL && node->report == PLIMSOLL_REPORT_NONE) {
        plimsoll_doctor_name(&doctor->without_agent, "", node->name);
    } else if (agent != NULL && !agent->ready) {
        plimsoll_doctor_name(&doctor->unready, "", node->name);
    } else if (agent != NULL && !node->inventory) {
        plimsoll_doctor_name(&doctor->without_inventory, "", node->name);
    } else if (agent == NULL && oldest > 0 && node->report_time > 0 && -ahead > oldest) {
        plimsoll_doctor_name(&doctor->stale, "", node->name);
    }
    if (node->report_time > 0 && ahead > doctor->ahead_ms) {
        doctor->ahead_ms = ahead;
        free(doctor->ahead);
        doctor->ahead = plimsoll_copy(node->name, strlen(node->name));
    }
}

void plimsoll_doctor_node(struct plimsoll_doctor *doctor, struct plimsoll_json object)
{
    struct plimsoll_node node;
    struct plimsoll_error unused = {0};
    if (plimsoll_node_read(plimsoll_json_raw(object), doctor->options.reading, &node, &unused) <
        0) {
        return;
    }
    if (has_gpu(&node)) {
        look_at(doctor, &node);
    }
    plimsoll_node_clear(&node);
}

/* -- judging -------------------------------------------------------------------------------------
 */

static const char unreached[] =
    "The API server's log says why it does not reach the webhook: network policy, certificate or "
    "a server that is not ready.";

void plimsoll_doctor_judge_trial(struct plimsoll_doctor *doctor)
{
    int64_t apart = doctor->trial_unix_ms - doctor->options.now_unix_ms;
    const char *refused = doctor->unread[PLIMSOLL_DOCTOR_TRIAL];
    if (refused != NULL && strstr(refused, "failed calling webhook") != NULL) {
        plimsoll_doctor_find(doctor, "admission", PLIMSOLL_FINDING_PROBLEM, unreached,
                             "No GPU pod can be created now: %s", refused);
        return;
    }
    if (plimsoll_doctor_missed(doctor, "admission", PLIMSOLL_DOCTOR_TRIAL) || !doctor->tried) {
        return;
    }
    if (doctor->mutated) {
        plimsoll_doctor_find(doctor, "admission", PLIMSOLL_FINDING_OK, NULL,
                             "A GPU pod created now is changed, and goes to %s.",
                             doctor->trial_scheduler != NULL ? doctor->trial_scheduler
                                                             : "no scheduler");
    } else {
        plimsoll_doctor_find(doctor, "admission", PLIMSOLL_FINDING_PROBLEM, unreached,
                             "A GPU pod created now is not changed by the webhook.");
    }
    if (doctor->trial_unix_ms > 0 &&
        (apart > PLIMSOLL_DOCTOR_SKEW_MS || apart < -PLIMSOLL_DOCTOR_SKEW_MS)) {
        plimsoll_doctor_find(doctor, "clocks", PLIMSOLL_FINDING_WARNING,
                             "Set this machine's clock; ages shown here are wrong until then.",
                             "This machine and the API server are %lld s apart.",
                             (long long)((apart > 0 ? apart : -apart) / 1000));
    }
}

static void judge_agents(struct plimsoll_doctor *doctor)
{
    size_t before = doctor->finding_count;
    plimsoll_doctor_list(
        doctor, "agents", PLIMSOLL_FINDING_WARNING, &doctor->without_agent,
        "GPU nodes without an agent",
        "The agent's DaemonSets go by the labels of NFD or GFD; see what kubectl get nodes "
        "--show-labels lacks there.");
    plimsoll_doctor_list(doctor, "agents", PLIMSOLL_FINDING_PROBLEM, &doctor->unready,
                         "Agents that are not ready, so that their nodes' reports are stale",
                         "kubectl describe the agent's pod there; its /readyz says why.");
    plimsoll_doctor_list(
        doctor, "agents", PLIMSOLL_FINDING_PROBLEM, &doctor->without_inventory,
        "Nodes whose agent has written no plimsoll.dev/inventory",
        "See the agent's log there: it may lack the right to write, or see no card.");
    plimsoll_doctor_list(
        doctor, "reports", PLIMSOLL_FINDING_WARNING, &doctor->stale, "Nodes whose report is stale",
        "See whether whatever publishes plimsoll.dev/free-vram or usage still runs.");
    plimsoll_doctor_list(
        doctor, "nodes", PLIMSOLL_FINDING_PROBLEM, &doctor->unusable,
        "Nodes that get no GPU pods because something written on them cannot be read",
        "kubectl plimsoll top names what it is.");
    if (doctor->finding_count == before) {
        plimsoll_doctor_find(doctor, "agents", PLIMSOLL_FINDING_OK, NULL,
                             "GPU nodes, all of them measured: %zu.", doctor->gpu_nodes);
    }
}

static void judge_runtime_classes(struct plimsoll_doctor *doctor)
{
    static const char check[] = "runtimeClasses";
    size_t missing = 0;
    if (doctor->nvidia_nodes == 0 ||
        plimsoll_doctor_missed(doctor, check, PLIMSOLL_DOCTOR_RUNTIME_CLASSES)) {
        return;
    }
    for (size_t i = 0; i < doctor->options.runtime_class_count && i < 64; i++) {
        if ((doctor->runtime_classes >> i & 1) == 0) {
            missing++;
            plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_WARNING,
                                 "Create it, unless the nodes' default runtime is already the "
                                 "vendor's: pods then need none, and "
                                 "agent.nvidia.runtimeClassName=\"\" lets the agents start.",
                                 "There is no RuntimeClass %s.",
                                 doctor->options.runtime_classes[i]);
        }
    }
    if (missing == 0) {
        plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_OK, NULL,
                             "Every RuntimeClass of the profiles is there.");
    }
}

void plimsoll_doctor_judge_nodes(struct plimsoll_doctor *doctor)
{
    if (plimsoll_doctor_missed(doctor, "agents", PLIMSOLL_DOCTOR_NODES)) {
        return;
    }
    if (doctor->gpu_nodes == 0) {
        plimsoll_doctor_find(doctor, "agents", PLIMSOLL_FINDING_WARNING,
                             "See whether the device plugin runs, and what the agents' logs say.",
                             "No node with a GPU is known.");
    } else {
        judge_agents(doctor);
    }
    if (doctor->ahead_ms > PLIMSOLL_DOCTOR_SKEW_MS) {
        plimsoll_doctor_find(doctor, "clocks", PLIMSOLL_FINDING_WARNING, "Set that node's clock.",
                             "The report of node %s is %lld s ahead of the API server.",
                             doctor->ahead, (long long)(doctor->ahead_ms / 1000));
    }
    judge_runtime_classes(doctor);
}
