/* SPDX-License-Identifier: Apache-2.0 */
/* Every card has the same line, of which a pod's share is written as bytes. */
#include "openb.h"

#include <plimsoll/simulate.h>

#include <string.h>
#include <time.h>

/* Bytes of a thousandth of a card. */
#define MILLI_MIB 16u
/* 2026-11-25T00:00:00Z */
#define NOW              INT64_C(1795564800000)
#define OBJECT_BYTES_MAX (64u * 1024)

static const char config_yaml[] = "reserve: 0\npolicy: pack\n";

struct game {
    struct openb_arena arena; /* the same as numbers: what is told is checked there */
    struct plimsoll_config *config;
    struct plimsoll_simulation *simulation;
    struct plimsoll_text *pods; /* by class */
};

/* -- the cluster ---------------------------------------------------------------------------------
 */

static void write_inventory(size_t number, const struct openb_node *node, const char *model,
                            struct plimsoll_text *out)
{
    plimsoll_text_add_string(out, "{\"v\":1,\"env\":true,\"cards\":[");
    for (uint32_t i = 0; i < node->cards; i++) {
        plimsoll_text_add_format(out,
                                 "%s{\"id\":\"GPU-%04zu-%u\",\"index\":%u,\"vendor\":\"nvidia\","
                                 "\"product\":\"%s\",\"vram\":%llu,\"health\":\"ok\"}",
                                 i > 0 ? "," : "", number, i, i, model,
                                 (unsigned long long)OPENB_WHOLE * MILLI_MIB << 20);
    }
    plimsoll_text_add_string(out, "]}");
}

static int add_node(struct game *game, size_t number, struct plimsoll_error *err)
{
    const struct openb_trace *trace = game->arena.trace;
    const struct openb_node *node = &trace->nodes[number];
    plimsoll_autotext inventory = plimsoll_text_make(OBJECT_BYTES_MAX);
    plimsoll_autotext object = plimsoll_text_make(OBJECT_BYTES_MAX);
    write_inventory(number, node, trace->models[node->model], &inventory);
    plimsoll_text_add_format(&object,
                             "{\"kind\":\"Node\",\"metadata\":{\"name\":\"openb-node-%04zu\","
                             "\"labels\":{\"nvidia.com/gpu.present\":\"true\",\"model\":\"%s\"},"
                             "\"annotations\":{\"plimsoll.dev/inventory\":",
                             number, trace->models[node->model]);
    plimsoll_text_add_json(&object, plimsoll_text_span(&inventory));
    plimsoll_text_add_format(&object,
                             "}},\"status\":{\"allocatable\":{\"cpu\":\"%um\",\"memory\":\"%uMi\","
                             "\"pods\":\"10000\"}}}",
                             node->cpu_milli, node->memory_mib);
    return plimsoll_simulation_add(game->simulation, PLIMSOLL_KIND_NODES,
                                   plimsoll_text_span(&object), err);
}

/* -- the pods ------------------------------------------------------------------------------------
 */

static void write_affinity(const struct openb_trace *trace, uint64_t models,
                           struct plimsoll_text *out)
{
    bool first = true;
    plimsoll_text_add_string(out, "\"affinity\":{\"nodeAffinity\":{\"requiredDuringScheduling"
                                  "IgnoredDuringExecution\":{\"nodeSelectorTerms\":[{"
                                  "\"matchExpressions\":[{\"key\":\"model\",\"operator\":\"In\","
                                  "\"values\":[");
    for (size_t i = 0; i < trace->model_count; i++) {
        if ((models >> i & 1) != 0) {
            plimsoll_text_add_format(out, "%s\"%s\"", first ? "" : ",", trace->models[i]);
            first = false;
        }
    }
    plimsoll_text_add_string(out, "]}]}]}}},");
}

static void write_pod(const struct openb_trace *trace, const struct openb_class *class_,
                      struct plimsoll_text *out)
{
    plimsoll_text_add_string(out, "{\"metadata\":{\"generateName\":\"p-\"");
    if (class_->cards > 0) {
        plimsoll_text_add_format(out,
                                 ",\"annotations\":{\"plimsoll.dev/vram\":\"%uMi\","
                                 "\"plimsoll.dev/gpus\":\"%u\"}",
                                 class_->milli * MILLI_MIB, class_->cards);
    }
    plimsoll_text_add_string(out, "},\"spec\":{");
    if (class_->models != UINT64_MAX) {
        write_affinity(trace, class_->models, out);
    }
    plimsoll_text_add_format(out,
                             "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{"
                             "\"requests\":{\"cpu\":\"%um\",\"memory\":\"%uMi\"}}}]}}",
                             class_->cpu_milli, class_->memory_mib);
}

/* -- one after the other -------------------------------------------------------------------------
 */

/* `openb-node-0012` and `GPU-0012-3` say which. */
static void take(struct game *game, const struct openb_class *class_,
                 const struct plimsoll_landing *landing)
{
    size_t node = strtoul(landing->node + strlen("openb-node-"), NULL, 10);
    uint32_t cards = 0;
    for (uint32_t i = 0; i < landing->claim.card_count; i++) {
        const char *id = landing->claim.cards[i].id;
        cards |= 1u << strtoul(strrchr(id, '-') + 1, NULL, 10);
    }
    openb_take(&game->arena.sites[node], class_, cards);
}

static int arrive(struct game *game, uint32_t class_, struct openb_result *result,
                  struct plimsoll_error *err)
{
    const struct openb_class *it = &game->arena.trace->classes[class_];
    struct plimsoll_landing landing = {0};
    if (plimsoll_simulation_place(game->simulation, plimsoll_text_span(&game->pods[class_]),
                                  &landing, err) < 0) {
        return -1;
    }
    if (landing.landed == PLIMSOLL_LANDED) {
        take(game, it, &landing);
    } else if (landing.landed == PLIMSOLL_LANDED_NOWHERE) {
        result->lost++;
        result->plain += it->cards == 0;
    } else {
        plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "%s", landing.why);
        plimsoll_landing_clear(&landing);
        return -1;
    }
    plimsoll_landing_clear(&landing);
    return 0;
}

static int prepare(struct game *game, struct plimsoll_error *err)
{
    const struct openb_trace *trace = game->arena.trace;
    if (plimsoll_config_parse(plimsoll_span_of(config_yaml), "openb", &game->config, err) < 0) {
        return -1;
    }
    game->simulation = plimsoll_simulation_new(game->config, NOW);
    for (size_t i = 0; i < trace->node_count; i++) {
        if (add_node(game, i, err) < 0) {
            return -1;
        }
    }
    plimsoll_simulation_begin(game->simulation);
    for (size_t i = 0; i < trace->class_count; i++) {
        game->pods[i] = plimsoll_text_make(OBJECT_BYTES_MAX);
        write_pod(trace, &trace->classes[i], &game->pods[i]);
    }
    return 0;
}

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int openb_play_ours(const struct openb_trace *trace, const uint32_t *pods, size_t count,
                    struct openb_result *result, struct plimsoll_error *err)
{
    struct game game = {.arena = openb_arena_make(trace)};
    double begin = seconds_now();
    game.pods = plimsoll_alloc(trace->class_count + 1, sizeof *game.pods);
    *result = (struct openb_result){.arrived = (uint32_t)count};
    int played = prepare(&game, err);
    for (size_t i = 0; i < count && played == 0; i++) {
        played = arrive(&game, pods[i], result, err);
    }
    result->taken = openb_taken(&game.arena);
    result->loss = openb_loss_of(&game.arena);
    result->seconds = seconds_now() - begin;
    for (size_t i = 0; i < trace->class_count; i++) {
        plimsoll_text_clear(&game.pods[i]);
    }
    free(game.pods);
    free(game.arena.sites);
    plimsoll_simulation_free(&game.simulation);
    plimsoll_config_free(&game.config);
    return played;
}
