/* SPDX-License-Identifier: Apache-2.0 */
#define JSMN_STATIC
#define JSMN_STRICT
#include "json_document.h"

#include "json_lex.h"
#include "json_scan.h"

#include <plimsoll/limits.h>

#include <limits.h>

/* An object or array that is being read. */
struct frame {
    int container;
    int last; /* its latest key or element, -1: none yet */
};

/* Reads the text by the grammar, along the tokens that jsmn made of it. */
struct walk {
    const char *begin, *at, *end;
    jsmntok_t *tokens;
    int count;
    int token; /* the next */
    struct frame frames[PLIMSOLL_JSON_DEPTH_MAX];
    int depth;
    struct plimsoll_json_fault fault;
};

static int fail(struct walk *walk, const char *at, const char *what)
{
    walk->fault = (struct plimsoll_json_fault){.at = at, .what = what};
    return -1;
}

static char peek(struct walk *walk)
{
    walk->at = plimsoll_json_lex_space(walk->at, walk->end);
    return walk->at < walk->end ? *walk->at : 0;
}

/* Takes the next token, which has to start at `start`, and links it to the one before it. */
static int take(struct walk *walk, jsmntype_t type, const char *start, bool linked)
{
    jsmntok_t *token = &walk->tokens[walk->token];
    if (walk->token == walk->count || token->type != type || token->start != start - walk->begin) {
        return fail(walk, start, "it is not well-formed here");
    }
    token->parent = -1;
    if (linked && walk->depth > 0) {
        struct frame *frame = &walk->frames[walk->depth - 1];
        if (frame->last >= 0) {
            walk->tokens[frame->last].parent = walk->token;
        }
        frame->last = walk->token;
        walk->tokens[frame->container].size++;
    }
    walk->token++;
    return 0;
}

/* A string, of which `at` is the opening quote. */
static int read_string(struct walk *walk, bool linked)
{
    const char *start = walk->at + 1;
    const char *quote = plimsoll_json_lex_string(start, walk->end, &walk->fault);
    if (quote == NULL || take(walk, JSMN_STRING, start, linked) < 0) {
        return -1;
    }
    walk->tokens[walk->token - 1].end = (int)(quote - walk->begin);
    walk->at = quote + 1;
    return 0;
}

static int read_scalar(struct walk *walk, bool linked)
{
    const char *behind = plimsoll_json_lex_scalar(walk->at, walk->end, &walk->fault);
    if (behind == NULL || take(walk, JSMN_PRIMITIVE, walk->at, linked) < 0) {
        return -1;
    }
    walk->tokens[walk->token - 1].end = (int)(behind - walk->begin);
    walk->at = behind;
    return 0;
}

static int open_container(struct walk *walk, char c, bool linked)
{
    if (walk->depth == PLIMSOLL_JSON_DEPTH_MAX) {
        return fail(walk, walk->at, "too deeply nested");
    }
    if (take(walk, c == '{' ? JSMN_OBJECT : JSMN_ARRAY, walk->at, linked) < 0) {
        return -1;
    }
    walk->tokens[walk->token - 1].size = 0;
    walk->frames[walk->depth++] = (struct frame){.container = walk->token - 1, .last = -1};
    walk->at++;
    return 0;
}

static int read_value(struct walk *walk, bool linked)
{
    char c = peek(walk);
    return c == '{' || c == '[' ? open_container(walk, c, linked)
           : c == '"'           ? read_string(walk, linked)
                                : read_scalar(walk, linked);
}

static int read_member(struct walk *walk)
{
    if (peek(walk) != '"') {
        return fail(walk, walk->at, "a key is wanted here");
    }
    if (read_string(walk, true) < 0) {
        return -1;
    }
    if (peek(walk) != ':') {
        return fail(walk, walk->at, "a colon is wanted here");
    }
    walk->at++;
    return read_value(walk, false);
}

/* The next member or element of the innermost container, or its end. */
static int read_next(struct walk *walk)
{
    struct frame *frame = &walk->frames[walk->depth - 1];
    jsmntok_t *container = &walk->tokens[frame->container];
    bool object = container->type == JSMN_OBJECT;
    char c = peek(walk);
    if (c == (object ? '}' : ']')) {
        walk->at++;
        container->end = (int)(walk->at - walk->begin);
        walk->depth--;
        return 0;
    }
    if (frame->last >= 0) {
        if (c != ',') {
            return fail(walk, walk->at,
                        object ? "a comma or the end of the object is wanted here"
                               : "a comma or the end of the array is wanted here");
        }
        walk->at++;
    }
    return object ? read_member(walk) : read_value(walk, true);
}

static int read_document(struct walk *walk)
{
    if (read_value(walk, true) < 0) {
        return -1;
    }
    while (walk->depth > 0) {
        if (read_next(walk) < 0) {
            return -1;
        }
    }
    peek(walk);
    if (walk->at != walk->end || walk->token != walk->count) {
        return fail(walk, walk->at, "nothing may follow the value");
    }
    return 0;
}

static int find_duplicates(struct walk *walk, const struct plimsoll_json_document *document)
{
    const char *duplicate;
    for (int i = 0; i < document->token_count; i++) {
        if (document->tokens[i].type == JSMN_OBJECT &&
            plimsoll_json_check_keys(document, i, &duplicate) < 0) {
            return fail(walk, duplicate, "this key is in the object twice");
        }
    }
    return 0;
}

/*
 * jsmn takes a time that grows with the depth for each closing bracket, so the depth is checked
 * before it runs. The count starts at 1, so that it goes on behind the root value.
 */
static int check_depth(struct walk *walk)
{
    struct plimsoll_json_scan scan = {.depth = 1, .depth_max = PLIMSOLL_JSON_DEPTH_MAX + 1};
    size_t used =
        plimsoll_json_scan_container(&scan, walk->begin, (size_t)(walk->end - walk->begin));
    return scan.depth > scan.depth_max ? fail(walk, walk->begin + used - 1, "too deeply nested")
                                       : 0;
}

/* A document that is one number or word: jsmn wants something to follow those. */
static int tokenize_scalar(struct walk *walk)
{
    walk->tokens = plimsoll_alloc(1, sizeof *walk->tokens);
    walk->tokens[0] = (jsmntok_t){.type = JSMN_PRIMITIVE, .start = (int)(walk->at - walk->begin)};
    walk->count = 1;
    return 0;
}

static int tokenize(struct walk *walk, struct plimsoll_error *err)
{
    size_t size = (size_t)(walk->end - walk->begin);
    unsigned capacity = (unsigned)(size / 16 < 32 ? 32 : size / 16);
    jsmn_parser parser;
    int count = JSMN_ERROR_NOMEM;
    jsmn_init(&parser);
    for (; count == JSMN_ERROR_NOMEM; capacity *= 2) {
        if (capacity > PLIMSOLL_JSON_TOKENS_MAX) {
            capacity = PLIMSOLL_JSON_TOKENS_MAX;
        }
        if (parser.toknext == PLIMSOLL_JSON_TOKENS_MAX) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                      "the JSON holds more than %u values",
                                      PLIMSOLL_JSON_TOKENS_MAX);
        }
        walk->tokens = plimsoll_realloc(walk->tokens, capacity, sizeof *walk->tokens);
        count = jsmn_parse(&parser, walk->begin, size, walk->tokens, capacity);
    }
    if (count < 0) {
        const char *at = walk->begin + parser.pos;
        return fail(walk, at < walk->end ? at : walk->end,
                    count == JSMN_ERROR_PART ? "the JSON ends before its value does"
                                             : "it is not well-formed here");
    }
    walk->count = (int)parser.toknext;
    return 0;
}

static int parse(struct walk *walk, struct plimsoll_span text, struct plimsoll_error *err)
{
    if (text.size > INT_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE, "the JSON is longer than %d bytes",
                                  INT_MAX);
    }
    char c = peek(walk);
    if (c == 0) {
        return fail(walk, walk->at, "a value is missing");
    }
    bool scalar = c != '{' && c != '[' && c != '"';
    if (check_depth(walk) < 0 || (scalar ? tokenize_scalar(walk) : tokenize(walk, err)) < 0 ||
        read_document(walk) < 0) {
        return -1;
    }
    const struct plimsoll_json_document read = {text, walk->tokens, walk->count};
    return find_duplicates(walk, &read);
}

int plimsoll_json_parse(struct plimsoll_span text, struct plimsoll_json_document **document,
                        struct plimsoll_error *err)
{
    const char *begin = text.size > 0 ? text.data : "";
    struct walk walk = {.begin = begin, .at = begin, .end = begin + text.size};
    if (parse(&walk, text, err) < 0) {
        free(walk.tokens);
        return walk.fault.what == NULL
                   ? -1
                   : plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "byte %zu of the JSON: %s",
                                        (size_t)(walk.fault.at - walk.begin), walk.fault.what);
    }
    struct plimsoll_json_document *made = plimsoll_alloc(1, sizeof *made);
    *made = (struct plimsoll_json_document){text, walk.tokens, walk.count};
    *document = made;
    return 0;
}

void plimsoll_json_free(struct plimsoll_json_document **document)
{
    if (*document != NULL) {
        free((*document)->tokens);
        free(*document);
        *document = NULL;
    }
}
