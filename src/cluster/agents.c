/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

static void count(struct plimsoll_agent_entry *agent, int sign)
{
    struct plimsoll_node_entry *node = agent->place;
    uint32_t *counter = agent->ready         ? &node->agents_ready
                        : agent->terminating ? &node->agents_leaving
                                             : &node->agents_unready;
    *counter += sign > 0 ? 1u : UINT32_MAX;
}

void plimsoll_agents_set(struct plimsoll_cluster *cluster, const struct plimsoll_pod *pod)
{
    if (!pod->agent || pod->finished || pod->node[0] == '\0') {
        plimsoll_agents_remove(cluster, &pod->uid);
        return;
    }
    struct plimsoll_agent_entry *agent =
        plimsoll_table_find(&cluster->agents, plimsoll_uid_span(&pod->uid));
    if (agent == NULL) {
        agent = plimsoll_alloc(1, sizeof *agent);
        agent->uid = pod->uid;
        agent->place = plimsoll_nodes_entry(cluster, pod->node); /* bound once and for all */
        plimsoll_table_add(&cluster->agents, agent);
    } else {
        count(agent, -1);
    }
    agent->ready = pod->ready;
    agent->terminating = pod->terminating;
    agent->generation = cluster->generations[PLIMSOLL_KIND_PODS];
    count(agent, 1);
    plimsoll_nodes_refresh(cluster, agent->place);
}

static void forget_agent(struct plimsoll_cluster *cluster, struct plimsoll_agent_entry *agent)
{
    plimsoll_table_drop(&cluster->agents, plimsoll_uid_span(&agent->uid));
    count(agent, -1);
    plimsoll_nodes_refresh(cluster, agent->place);
    free(agent);
}

void plimsoll_agents_remove(struct plimsoll_cluster *cluster, const struct plimsoll_uid *uid)
{
    struct plimsoll_agent_entry *agent =
        plimsoll_table_find(&cluster->agents, plimsoll_uid_span(uid));
    if (agent != NULL) {
        forget_agent(cluster, agent);
    }
}

void plimsoll_agents_sweep(struct plimsoll_cluster *cluster)
{
    struct plimsoll_agent_entry **old = plimsoll_alloc(cluster->agents.count, sizeof(void *));
    size_t old_count = 0, at = 0;
    for (struct plimsoll_agent_entry *agent;
         (agent = plimsoll_table_next(&cluster->agents, &at)) != NULL;) {
        if (agent->generation != cluster->generations[PLIMSOLL_KIND_PODS]) {
            old[old_count++] = agent;
        }
    }
    for (size_t i = 0; i < old_count; i++) {
        forget_agent(cluster, old[i]);
    }
    free(old);
}

void plimsoll_agents_free(struct plimsoll_cluster *cluster)
{
    size_t at = 0;
    for (struct plimsoll_agent_entry *agent;
         (agent = plimsoll_table_next(&cluster->agents, &at)) != NULL;) {
        free(agent);
    }
    plimsoll_table_clear(&cluster->agents);
}
