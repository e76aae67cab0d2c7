/* SPDX-License-Identifier: Apache-2.0 */
/* The API server: objects, their versions, Bindings and the Lease; and what nodes do with pods. */
#include "model.h"

#include <plimsoll/text.h>

#include <stdio.h>

#define OBJECT_BYTES_MAX (1u << 16)
#define MIB              (UINT64_C(1) << 20)

static const struct plimsoll_resource resources[] = {
    {.name = "nvidia.com/gpu", .vendor = PLIMSOLL_VENDOR_NVIDIA},
};
const struct plimsoll_reading model_reading = {.resources = {resources, 1}};
const struct plimsoll_placement_settings model_settings = {
    .reserve_bytes = 512 * MIB,
    .default_request = PLIMSOLL_DEFAULT_BYTES,
    .default_bytes = 4096 * MIB,
    .policy = PLIMSOLL_POLICY_PACK,
};

static const char *const node_names[MODEL_NODES] = {"node-0", "node-1", "node-2"};

const char *model_node_name(int node)
{
    return node >= 0 ? node_names[node] : "";
}

int model_node_number(const char *name)
{
    for (int i = 0; i < MODEL_NODES; i++) {
        if (strcmp(name, node_names[i]) == 0) {
            return i;
        }
    }
    return MODEL_NOWHERE;
}

/* -- versions ------------------------------------------------------------------------------------
 */

static size_t record(struct model_world *world, enum plimsoll_kind kind, bool deleted,
                     struct plimsoll_text *object)
{
    if ((world->change_count & (world->change_count + 1)) == 0) { /* doubles */
        world->changes =
            plimsoll_realloc(world->changes, 2 * (world->change_count + 1), sizeof *world->changes);
    }
    world->changes[world->change_count] = (struct model_change){kind, deleted, object->data};
    model_trace(world, "api: change %zu: %s %.40s", world->change_count,
                deleted ? "deletes" : "sets", strstr(object->data, "name"));
    world->change_count++;
    for (unsigned i = 0; i < world->replica_count; i++) {
        if (world->replicas[i].alive) {
            model_stream_wake(world, &world->replicas[i], kind);
        }
    }
    return world->change_count - 1;
}

static void write_claim(const struct plimsoll_claim *claim, struct plimsoll_text *out)
{
    plimsoll_autotext value = plimsoll_text_make(OBJECT_BYTES_MAX);
    if (claim->card_count > 0 || claim->floating_cards > 0) {
        plimsoll_claim_write(claim, &value);
        plimsoll_text_add_string(out, ",\"plimsoll.dev/claim\":");
        plimsoll_text_add_json(out, plimsoll_text_span(&value));
    }
}

static void write_request(const struct model_pod *pod, struct plimsoll_text *out)
{
    if (pod->gpu && pod->mib > 0 && !pod->bare) {
        plimsoll_text_add_format(out, ",\"plimsoll.dev/vram\":\"%llu%s\"",
                                 (unsigned long long)pod->mib, pod->percent ? "%" : "Mi");
    }
    if (pod->gpu && !pod->plugin && !pod->bare) {
        plimsoll_text_add_format(out, ",\"plimsoll.dev/gpus\":\"%u\"", pod->cards);
    }
}

static void write_pod(struct model_world *world, const struct model_pod *pod,
                      struct plimsoll_text *out)
{
    plimsoll_text_add_format(out,
                             "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\""
                             ",\"namespace\":\"ai\",\"uid\":\"%s\",\"resourceVersion\":\"%llu\"%s,"
                             "\"annotations\":{\"plimsoll.dev/woken\":\"%llu\"",
                             pod->name, pod->uid.text, (unsigned long long)++world->version,
                             pod->terminating ? ",\"deletionTimestamp\":\"2026-11-22T05:10:00Z\""
                                              : "",
                             (unsigned long long)pod->woken);
    write_request(pod, out);
    write_claim(&pod->claim, out);
    char limits[64] = "";
    if (pod->plugin) {
        (void)snprintf(limits, sizeof limits, "\"limits\":{\"nvidia.com/gpu\":\"%u\"}", pod->cards);
    }
    plimsoll_text_add_format(
        out,
        "}},\"spec\":{\"nodeName\":\"%s\",\"priority\":%d,\"containers\":[{\"name\":\"main\","
        "\"image\":\"x\",\"resources\":{%s}}]},\"status\":{\"phase\":\"%s\"}}",
        model_node_name(pod->node), pod->priority, limits,
        pod->finished                ? "Failed"
        : pod->node == MODEL_NOWHERE ? "Pending"
                                     : "Running");
}

static void write_node(struct model_world *world, int number, struct plimsoll_text *out)
{
    const struct model_node *node = &world->nodes[number];
    plimsoll_autotext inventory = plimsoll_text_make(OBJECT_BYTES_MAX);
    plimsoll_text_add_string(&inventory,
                             "{\"v\":1,\"env\":true,\"deviceList\":\"cdi\",\"cards\":[");
    for (unsigned i = 0; i < node->cards; i++) {
        plimsoll_text_add_format(&inventory,
                                 "%s{\"id\":\"GPU-%d-%u\",\"index\":%u,\"vendor\":\"nvidia\","
                                 "\"vram\":%llu,\"replicas\":%u,\"health\":\"%s\"}",
                                 i > 0 ? "," : "", number, i, i,
                                 (unsigned long long)(MODEL_CARD_MIB * MIB), world->devices,
                                 node->healthy[i] ? "ok" : "xid 79");
    }
    plimsoll_text_add_string(&inventory, "]}");
    plimsoll_text_add_format(
        out,
        "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\""
        ",\"resourceVersion\":\"%llu\",\"annotations\":{"
        "\"plimsoll.dev/inventory\":",
        node_names[number], (unsigned long long)++world->version);
    plimsoll_text_add_json(out, plimsoll_text_span(&inventory));
    if (node->usage.size > 0) {
        plimsoll_text_add_string(out, ",\"plimsoll.dev/usage\":");
        plimsoll_text_add_json(out, plimsoll_text_span(&node->usage));
    }
    plimsoll_text_add_format(out, "}},\"status\":{\"allocatable\":{\"nvidia.com/gpu\":\"%u\"}}}",
                             node->cards * world->devices);
}

/* -- pods and nodes ------------------------------------------------------------------------------
 */

/* Finished pods are not selected: to a watch they are deleted. */
void model_changed_pod(struct model_world *world, struct model_pod *pod)
{
    struct plimsoll_text object = plimsoll_text_make(OBJECT_BYTES_MAX);
    write_pod(world, pod, &object);
    pod->latest = record(world, PLIMSOLL_KIND_PODS, !pod->exists || pod->finished, &object);
}

void model_remove_pod(struct model_world *world, struct model_pod *pod)
{
    bool finished = pod->finished;
    pod->exists = false;
    if (!finished) {
        model_changed_pod(world, pod);
    }
}

void model_changed_node(struct model_world *world, int node)
{
    struct plimsoll_text object = plimsoll_text_make(OBJECT_BYTES_MAX);
    write_node(world, node, &object);
    world->nodes[node].latest =
        record(world, PLIMSOLL_KIND_NODES, !world->nodes[node].exists, &object);
}

void model_remove_node(struct model_world *world, int node)
{
    world->nodes[node].exists = false;
    model_changed_node(world, node);
}

struct model_pod *model_find_pod(struct model_world *world, const struct plimsoll_uid *uid)
{
    unsigned long number = strtoul(uid->text + strlen("uid-"), NULL, 10);
    return number < world->pod_count ? &world->pods[number] : NULL;
}

static struct model_pod *find_named(struct model_world *world, const char *name)
{
    for (size_t i = world->pod_count; i-- > 0;) {
        if (world->pods[i].exists && strcmp(world->pods[i].name, name) == 0) {
            return &world->pods[i];
        }
    }
    return NULL;
}

size_t model_create_pod(struct model_world *world, const char *name)
{
    struct model_dice *dice = &world->dice;
    if ((world->pod_count & (world->pod_count + 1)) == 0) {
        world->pods =
            plimsoll_realloc(world->pods, 2 * (world->pod_count + 1), sizeof *world->pods);
    }
    struct model_pod *pod = &world->pods[world->pod_count];
    *pod = (struct model_pod){.exists = true,
                              .gpu = !model_chance(dice, 60),
                              .node = MODEL_NOWHERE,
                              .bound_by = MODEL_BY_NOBODY,
                              .priority = (int32_t)model_below(dice, 3)};
    (void)snprintf(pod->name, sizeof pod->name, "%s", name);
    (void)snprintf(pod->uid.text, sizeof pod->uid.text, "uid-%zu", world->pod_count);
    pod->plugin = pod->gpu && model_chance(dice, world->plugin);
    pod->percent = pod->gpu && model_chance(dice, 100);
    pod->mib =
        pod->percent ? 10 + model_below(dice, 60) : 1024 + 512 * (uint64_t)model_below(dice, 24);
    pod->mib = pod->plugin && model_chance(dice, 150) ? 0 : pod->mib;
    pod->use_mib = model_below(dice, 6000);
    pod->cards = model_chance(dice, 200) ? 2 : 1;
    model_changed_pod(world, pod);
    return world->pod_count++;
}

/* -- what nodes do -------------------------------------------------------------------------------
 */

static bool is_on(const struct model_pod *pod, int node, unsigned card)
{
    return pod->exists && !pod->finished && pod->node == node && pod->on[card] > 0;
}

static unsigned count_taken(const struct model_world *world, int node, unsigned card)
{
    unsigned taken = 0;
    for (size_t i = 0; i < world->pod_count; i++) {
        const struct model_pod *pod = &world->pods[i];
        taken += pod->plugin && is_on(pod, node, card) ? pod->on[card] : 0;
    }
    return taken;
}

/* One device more, of any card that has one left. @return false: there is none */
static bool give_device(struct model_world *world, struct model_pod *pod)
{
    unsigned cards[MODEL_CARDS], count = 0;
    for (unsigned i = 0; i < world->nodes[pod->node].cards; i++) {
        if (!pod->plugin || count_taken(world, pod->node, i) < world->devices) {
            cards[count++] = i;
        }
    }
    if (count > 0) {
        pod->on[cards[model_below(&world->dice, count)]]++;
    }
    return count > 0;
}

/* The kubelet fails a pod for which the plugin has too few devices left. */
void model_start_pod(struct model_world *world, struct model_pod *pod)
{
    if (!pod->exists || pod->finished || pod->node == MODEL_NOWHERE || pod->started) {
        return;
    }
    pod->started = true;
    if (!pod->plugin && pod->claim.card_count > 0) {
        for (uint32_t i = 0; i < pod->claim.card_count; i++) {
            pod->on[pod->claim.cards[i].id[strlen("GPU-0-")] - '0'] = 1;
        }
    } else {
        for (unsigned i = 0; i < pod->cards && !pod->finished; i++) {
            pod->finished = !give_device(world, pod);
        }
    }
    model_changed_pod(world, pod);
}

static uint64_t write_users(const struct model_world *world, int node, unsigned card,
                            struct plimsoll_text *out)
{
    uint64_t used = 0;
    for (size_t i = 0; i < world->pod_count; i++) {
        const struct model_pod *pod = &world->pods[i];
        if (is_on(pod, node, card)) {
            plimsoll_text_add_format(out, "%s\"%s\":%llu", out->size > 0 ? "," : "", pod->uid.text,
                                     (unsigned long long)(pod->use_mib * MIB));
            used += pod->use_mib;
        }
    }
    return used;
}

static void write_holders(const struct model_world *world, int node, unsigned card,
                          struct plimsoll_text *out)
{
    const char *comma = "";
    for (size_t i = 0; i < world->pod_count; i++) {
        const struct model_pod *pod = &world->pods[i];
        if (pod->plugin && is_on(pod, node, card)) {
            plimsoll_text_add_format(out, "%s\"%s\"", comma, pod->uid.text);
            comma = ",";
        }
    }
}

void model_report(struct model_world *world, int number, bool attributed)
{
    struct model_node *node = &world->nodes[number];
    uint64_t host = model_below(&world->dice, 900);
    plimsoll_text_reset(&node->usage);
    plimsoll_text_add_string(&node->usage,
                             "{\"v\":1,\"time\":\"2026-11-22T05:10:00Z\",\"cards\":[");
    for (unsigned i = 0; i < node->cards; i++) {
        plimsoll_autotext users = plimsoll_text_make(OBJECT_BYTES_MAX);
        uint64_t used = write_users(world, number, i, &users) + host;
        plimsoll_text_add_format(
            &node->usage, "%s{\"id\":\"GPU-%d-%u\",\"used\":%llu,", i > 0 ? "," : "", number, i,
            (unsigned long long)((used < MODEL_CARD_MIB ? used : MODEL_CARD_MIB) * MIB));
        plimsoll_text_add_format(&node->usage, "\"attributed\":%s,\"pods\":{%s},\"holders\":[",
                                 attributed ? "true" : "false",
                                 attributed && users.data != NULL ? users.data : "");
        write_holders(world, number, i, &node->usage);
        plimsoll_text_add_string(&node->usage, "]}");
    }
    bool torn = !world->quiet && model_chance(&world->dice, 20);
    plimsoll_text_add_string(&node->usage, torn ? "]" : "]}"); /* who publishes may be anybody */
    model_changed_node(world, number);
}

/* -- a fresh list --------------------------------------------------------------------------------
 */

static void give(struct plimsoll_cluster *cluster, const struct model_change *change)
{
    struct plimsoll_error err;
    if (plimsoll_cluster_set(cluster, change->kind, plimsoll_span_of(change->object), &err) != 0) {
        abort(); /* the model writes objects that can be read */
    }
}

void model_fill(const struct model_world *world, struct plimsoll_cluster *cluster)
{
    plimsoll_cluster_list_begin(cluster, PLIMSOLL_KIND_NODES);
    for (int i = 0; i < MODEL_NODES; i++) {
        if (world->nodes[i].exists) {
            give(cluster, &world->changes[world->nodes[i].latest]);
        }
    }
    plimsoll_cluster_list_end(cluster, PLIMSOLL_KIND_NODES);
    plimsoll_cluster_list_begin(cluster, PLIMSOLL_KIND_PODS);
    for (size_t i = 0; i < world->pod_count; i++) {
        if (world->pods[i].exists && !world->pods[i].finished) {
            give(cluster, &world->changes[world->pods[i].latest]);
        }
    }
    plimsoll_cluster_list_end(cluster, PLIMSOLL_KIND_PODS);
}

/* -- requests ------------------------------------------------------------------------------------
 */

static void reply(struct model_world *world, const struct model_mail *mail,
                  struct model_mail *answer)
{
    answer->replica = mail->replica;
    answer->life = mail->life;
    model_send(world, answer, mail->reply_ms - world->now_ms);
}

static void write_binding(struct model_world *world, struct model_pod *pod,
                          const struct model_mail *mail)
{
    const struct plimsoll_books_effect *effect = &mail->effect;
    pod->node = model_node_number(effect->request.node);
    pod->bound_by = (int)mail->replica;
    plimsoll_claim_copy(&effect->claim, &pod->claim);
    world->bound++;
    model_trace(world, "api: %s (%s) bound to %s by r%u, claim %u cards %u floating",
                effect->request.pod, pod->uid.text, effect->request.node, mail->replica,
                pod->claim.card_count, pod->claim.floating_cards);
    model_check_binding(world, pod, mail);
    model_changed_pod(world, pod);
    struct model_mail *kubelet = model_mail(world, MAIL_KUBELET, NULL);
    kubelet->pod = (size_t)(pod - world->pods);
    model_send(world, kubelet, model_below(&world->dice, 4000));
}

static void serve_post(struct model_world *world, const struct model_mail *mail)
{
    struct model_pod *pod = find_named(world, mail->effect.request.pod);
    enum plimsoll_bind_reply said = PLIMSOLL_REPLY_BOUND;
    if (mail->reply == (int)PLIMSOLL_REPLY_REFUSED) {
        said = PLIMSOLL_REPLY_REFUSED; /* 429: it never came so far */
    } else if (pod == NULL) {
        said = PLIMSOLL_REPLY_REFUSED;
    } else if (strcmp(pod->uid.text, mail->effect.request.uid.text) != 0 || pod->terminating ||
               pod->node != MODEL_NOWHERE) {
        said = PLIMSOLL_REPLY_CONFLICT;
    } else {
        write_binding(world, pod, mail);
    }
    if (mail->reply_ms > 0) {
        struct model_mail *answer = model_mail(world, MAIL_POST_REPLY, NULL);
        answer->effect.request = mail->effect.request;
        answer->reply = (int)said;
        reply(world, mail, answer);
    }
}

static void serve_read(struct model_world *world, const struct model_mail *mail)
{
    struct model_pod *pod = find_named(world, mail->effect.request.pod);
    if (mail->reply_ms == 0) {
        return;
    }
    struct model_mail *answer =
        model_mail(world, mail->look_up ? MAIL_LOOKED_UP : MAIL_READ_REPLY, NULL);
    answer->effect.request = mail->effect.request;
    answer->ticket = mail->ticket;
    answer->gains = mail->gains;
    answer->reply = PLIMSOLL_POD_AWAY;
    answer->position = SIZE_MAX;
    if (pod != NULL && strcmp(pod->uid.text, mail->effect.request.uid.text) == 0) {
        answer->position = pod->latest;
        answer->node = pod->node;
        answer->reply = pod->finished                ? PLIMSOLL_POD_AWAY
                        : pod->node == MODEL_NOWHERE ? PLIMSOLL_POD_UNBOUND
                                                     : PLIMSOLL_POD_BOUND;
        plimsoll_claim_copy(&pod->claim, &answer->effect.claim);
    }
    reply(world, mail, answer);
}

static enum plimsoll_lease_reply write_lease(struct model_world *world,
                                             const struct plimsoll_lease *wanted)
{
    if (wanted->exists != world->lease.exists ||
        (wanted->exists && strcmp(wanted->version, world->lease.version) != 0)) {
        return PLIMSOLL_LEASE_CHANGED;
    }
    world->lease = *wanted;
    world->lease.exists = true;
    (void)snprintf(world->lease.version, sizeof world->lease.version, "%llu",
                   (unsigned long long)++world->version);
    model_trace(world, "api: the Lease is '%s' now", world->lease.holder);
    return PLIMSOLL_LEASE_DONE;
}

static void serve_lease(struct model_world *world, const struct model_mail *mail)
{
    enum plimsoll_lease_reply said = PLIMSOLL_LEASE_DONE;
    if (mail->write) {
        said = write_lease(world, mail->effect.lease);
    }
    if (mail->reply_ms > 0) {
        struct model_mail *answer = model_mail(world, MAIL_LEASE_REPLY, NULL);
        answer->reply = (int)said;
        if (said == PLIMSOLL_LEASE_DONE) {
            answer->lease = world->lease;
        }
        reply(world, mail, answer);
    }
}

/* The scheduler beside every replica hears of a pod that was touched. */
static void serve_wake(struct model_world *world, const struct model_mail *mail)
{
    struct model_pod *pod = find_named(world, mail->effect.request.pod);
    if (pod == NULL || strcmp(pod->uid.text, mail->effect.request.uid.text) != 0) {
        return;
    }
    pod->woken = mail->effect.counter;
    model_changed_pod(world, pod);
    for (unsigned i = 0; i < world->replica_count; i++) {
        if (world->replicas[i].alive && (i == mail->replica || !world->quiet)) {
            struct model_mail *schedule = model_mail(world, MAIL_SCHEDULE, &world->replicas[i]);
            schedule->pod = (size_t)(pod - world->pods);
            model_send(world, schedule, 1 + model_below(&world->dice, 200));
        }
    }
}

void model_serve(struct model_world *world, struct model_mail *mail)
{
    if (mail->kind == MAIL_LIST_ARRIVES) {
        model_stream_serve(world, mail);
    } else if (mail->kind == MAIL_POST_ARRIVES) {
        serve_post(world, mail);
    } else if (mail->kind == MAIL_READ_ARRIVES) {
        serve_read(world, mail);
    } else if (mail->kind == MAIL_LEASE_ARRIVES) {
        serve_lease(world, mail);
    } else if (mail->kind == MAIL_WAKE_ARRIVES) {
        serve_wake(world, mail);
    } else if (mail->kind == MAIL_KUBELET) {
        model_start_pod(world, &world->pods[mail->pod]);
    } else if (mail->kind == MAIL_GONE && world->pods[mail->pod].exists) {
        model_remove_pod(world, &world->pods[mail->pod]);
    }
}
