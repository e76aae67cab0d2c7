/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "terminal.h"

#define ANSWER_BYTES_MAX (64u * 1024)

int plimsoll_command_vram(const struct plimsoll_plugin_options *options)
{
    struct plimsoll_error err = {0};
    struct plimsoll_estimate estimate;
    const struct plimsoll_estimate_request request = {.model = options->argument,
                                                      .params = options->params,
                                                      .quant = options->quant,
                                                      .kv_type = options->kv_type,
                                                      .layers = options->layers,
                                                      .kv_heads = options->kv_heads,
                                                      .head_dim = options->head_dim,
                                                      .context = options->context,
                                                      .parallel = options->parallel};
    if (plimsoll_estimate_make(&request, &estimate, &err) < 0) {
        int code = plimsoll_terminal_fail("vram", &err);
        return err.kind == PLIMSOLL_ERR_INVALID ? PLIMSOLL_EXIT_USAGE : code;
    }
    struct plimsoll_view_options look = plimsoll_terminal_look(options);
    plimsoll_autotext answer = plimsoll_text_make(ANSWER_BYTES_MAX);
    if (plimsoll_terminal_wants_json(options)) {
        plimsoll_view_estimate_json(&estimate, &answer);
    } else {
        plimsoll_view_estimate(&estimate, &look, &answer);
    }
    return plimsoll_terminal_print(options, &answer, &err) < 0
               ? plimsoll_terminal_fail("vram", &err)
               : PLIMSOLL_EXIT_YES;
}
