/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A lab of three machines: `home` with a shared card, `dgx` with four large ones of which one is
 * broken, and `attic`, of which nothing new is heard.
 */
#pragma once

#include "cards.h"

#include <plimsoll/answers.h>

#define LAB_NOW INT64_C(1795000000000) /* 2026-11-18T11:06:40Z */

struct lab {
    struct scene home, dgx, attic;
    struct plimsoll_node_load *loads[3];
    struct plimsoll_extender_node nodes[3];
    struct plimsoll_view_cluster cluster;
};

static char lab_names[][8] = {"home", "dgx", "attic"};
static char lab_ai[] = "ai", lab_media[] = "media", lab_ollama[] = "ollama-7d9f5c6b8-x2x4k",
            lab_comfyui[] = "comfyui-0", lab_vllm[] = "vllm-llama-70b-6c5d8f9b7-qm8zt",
            lab_batch[] = "batch-embed-29384", lab_whisper[] = "whisper-5f6d7c8b9-abcde",
            lab_train[] = "train-lora-1";

static inline void lab_card(struct scene *scene, uint32_t card, const char *id, const char *product)
{
    snprintf(scene->cards[card].id, sizeof scene->cards[card].id, "%s", id);
    snprintf(scene->cards[card].product, sizeof scene->cards[card].product, "%s", product);
}

static inline struct plimsoll_pod *lab_pod(struct scene *scene, char *namespace_, char *name,
                                           const char *uid, uint64_t vram)
{
    struct plimsoll_pod *pod = scene_pod(scene, uid, scene_demand(true, vram));
    pod->namespace_ = namespace_;
    pod->name = name;
    pod->node = scene->node.name;
    return pod;
}

/* A shared card: one pod within its claim, one beyond it, one that claimed nothing. */
static inline void lab_home(struct scene *home)
{
    scene_make(home, 1, 16376, 4);
    lab_card(home, 0, "GPU-4f6d7a0e-0c41-7a7b-31c1-2f0e1d5b9a10", "NVIDIA GeForce RTX 4080 SUPER");
    home->node.name = lab_names[0];
    home->node.report_time = LAB_NOW - 4000;
    scene_report(home, 0, 12900, true);
    scene_claim(lab_pod(home, lab_ai, lab_ollama, "u-ollama", 6144), home->cards[0].id, 6144, 300);
    scene_claim(lab_pod(home, lab_ai, lab_comfyui, "u-comfyui", 4096), home->cards[0].id, 4096,
                300);
    lab_pod(home, lab_media, lab_whisper, "u-whisper", 0);
    scene_use(home, 0, "u-ollama", 5500);
    scene_use(home, 0, "u-comfyui", 5120);
    scene_use(home, 0, "u-whisper", 1536);
}

static inline void lab_dgx(struct scene *dgx)
{
    static const char *const ids[] = {
        "GPU-d02c3d4e-5f60-7182-93a4-b5c6d7e8f900", "GPU-d12c3d4e-5f60-7182-93a4-b5c6d7e8f901",
        "GPU-d22c3d4e-5f60-7182-93a4-b5c6d7e8f902", "GPU-d32c3d4e-5f60-7182-93a4-b5c6d7e8f903"};
    scene_make(dgx, 4, 81920, 2);
    dgx->node.name = lab_names[1];
    dgx->node.report_time = LAB_NOW - 90000;
    for (uint32_t i = 0; i < 4; i++) {
        lab_card(dgx, i, ids[i], "NVIDIA A100-SXM4-80GB");
        scene_report(dgx, i, i < 2 ? 66000 : 12, true);
    }
    struct plimsoll_pod *vllm = lab_pod(dgx, lab_ai, lab_vllm, "u-vllm", 71680);
    for (uint32_t i = 0; i < 2; i++) {
        scene_claim(vllm, ids[i], 71680, 0);
        scene_use(dgx, i, "u-vllm", 65900);
    }
    snprintf(dgx->cards[3].health, sizeof dgx->cards[3].health, "xid 79");
    struct plimsoll_pod *train = lab_pod(dgx, lab_media, lab_train, "u-train", 20480);
    scene_float(train, 1, 20480);
    train->terminating = true;
}

static inline void lab_attic(struct scene *attic)
{
    scene_make(attic, 1, 24576, 2);
    lab_card(attic, 0, "GPU-a7716253-1111-2222-3333-444455556666", "Tesla P40");
    attic->node.name = lab_names[2];
    attic->node.report_time = LAB_NOW - 3 * 3600 * 1000;
    attic->view.stale = true;
    scene_report(attic, 0, 9000, false);
    scene_claim(lab_pod(attic, lab_media, lab_batch, "u-batch", 10240), attic->cards[0].id, 10240,
                200);
}

static inline struct lab *lab_make(void)
{
    struct lab *lab = plimsoll_alloc(1, sizeof *lab);
    struct scene *scenes[] = {&lab->home, &lab->dgx, &lab->attic};
    lab_home(&lab->home);
    lab_dgx(&lab->dgx);
    lab_attic(&lab->attic);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < scenes[i]->view.pod_count; k++) {
            struct plimsoll_claim *claim = &scenes[i]->pods[k].claim;
            snprintf(claim->node, sizeof claim->node, "%s", lab_names[i]);
        }
        lab->loads[i] = scene_load(scenes[i]);
        lab->nodes[i] =
            (struct plimsoll_extender_node){.view = scenes[i]->view, .load = lab->loads[i]};
    }
    lab->cluster = (struct plimsoll_view_cluster){
        .nodes = lab->nodes, .node_count = 3, .now_unix_ms = LAB_NOW};
    return lab;
}

static inline void lab_free(struct lab *lab)
{
    for (size_t i = 0; i < 3; i++) {
        free(lab->loads[i]);
    }
    free(lab);
}
