/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body cut at random gives what it gives in one piece, and what it gives is in the document.
 * The first byte is the seed of the cuts, its lowest bit says sequence.
 */
#include <plimsoll/json.h>
#include <plimsoll/json_stream.h>
#include <plimsoll/text.h>

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const way[] = {"Nodes", "items"};

struct record {
    struct plimsoll_text text;
    size_t elements;
};

static int on_element(void *context, struct plimsoll_span value, struct plimsoll_error *err)
{
    (void)err;
    struct record *record = context;
    plimsoll_text_add_string(&record->text, "\nE ");
    plimsoll_text_add_span(&record->text, value);
    record->elements++;
    return 0;
}

static int on_member(void *context, unsigned depth, struct plimsoll_span key,
                     struct plimsoll_span value, struct plimsoll_error *err)
{
    (void)err;
    struct record *record = context;
    plimsoll_text_add_string(&record->text, "\nM ");
    plimsoll_text_add_uint(&record->text, depth);
    plimsoll_text_add_span(&record->text, key);
    plimsoll_text_add_span(&record->text, value);
    return 0;
}

/* Feeds pieces of 0 … `piece_max` - 1 bytes; 0: all at once. */
static int stream(struct plimsoll_span text, bool sequence, size_t piece_max, uint32_t seed,
                  struct record *record, struct plimsoll_error *err)
{
    struct plimsoll_json_stream_handler handler = {record, on_element, on_member};
    struct plimsoll_json_stream *stream =
        plimsoll_json_stream_new(way, sequence ? 0 : 2, &handler, 1 << 12);
    int result = 0;
    record->text = plimsoll_text_make(SIZE_MAX);
    while (text.size > 0 && result == 0) {
        seed = seed * 1664525u + 1013904223u;
        size_t piece = piece_max == 0 ? text.size : (seed >> 16) % piece_max;
        piece = piece < text.size ? piece : text.size;
        /* Memory of its own that is gone afterwards. */
        char *copy = plimsoll_copy(text.data, piece);
        result = plimsoll_json_stream_feed(stream, (struct plimsoll_span){copy, piece}, err);
        free(copy);
        text.data += piece;
        text.size -= piece;
    }
    if (result == 0) {
        result = plimsoll_json_stream_finish(stream, err);
    }
    plimsoll_json_stream_free(&stream);
    return result;
}

/* A well-formed document streams unless its way is named twice in another case or a value is too
 * long. */
static void compare_document(struct plimsoll_span text, int streamed, const struct record *record,
                             const struct plimsoll_error *err)
{
    struct plimsoll_error ignored;
    plimsoll_autojson *document = NULL;
    if (plimsoll_json_parse(text, &document, &ignored) < 0) {
        return;
    }
    struct plimsoll_json root = plimsoll_json_root(document);
    if (plimsoll_json_type(root) != PLIMSOLL_JSON_OBJECT) {
        assert(streamed < 0);
    } else if (streamed < 0) {
        assert(err->kind == PLIMSOLL_ERR_TOO_LARGE || strstr(err->message, "twice") != NULL);
    } else if (memchr(text.data, '\\', text.size) == NULL) {
        struct plimsoll_json items =
            plimsoll_json_get_nocase(plimsoll_json_get_nocase(root, way[0]), way[1]);
        bool array = plimsoll_json_type(items) == PLIMSOLL_JSON_ARRAY;
        assert(record->elements == (array ? plimsoll_json_count(items) : 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    uint32_t seed = data[0];
    bool sequence = (seed & 1) != 0;
    struct plimsoll_span text = {.data = (const char *)data + 1, .size = size - 1};
    struct record whole = {0}, cut = {0}, bytes = {0};
    struct plimsoll_error err = {0}, cut_err = {0}, bytes_err = {0};
    int streamed = stream(text, sequence, 0, 0, &whole, &err);
    int streamed_cut = stream(text, sequence, 2 + seed, seed, &cut, &cut_err);
    int streamed_bytes = stream(text, sequence, 3, seed, &bytes, &bytes_err);
    assert(streamed == streamed_cut && streamed == streamed_bytes);
    if (err.kind != PLIMSOLL_ERR_TOO_LARGE) {
        assert(err.kind == cut_err.kind && err.kind == bytes_err.kind);
        assert(plimsoll_span_equal(plimsoll_text_span(&whole.text), plimsoll_text_span(&cut.text)));
        assert(
            plimsoll_span_equal(plimsoll_text_span(&whole.text), plimsoll_text_span(&bytes.text)));
    }
    if (!sequence) {
        compare_document(text, streamed, &whole, &err);
    }
    plimsoll_text_clear(&whole.text);
    plimsoll_text_clear(&cut.text);
    plimsoll_text_clear(&bytes.text);
    return 0;
}
