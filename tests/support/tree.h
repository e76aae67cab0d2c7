/* SPDX-License-Identifier: Apache-2.0 */
/** A folder of its own for a test that plays /proc, /sys and /dev; gone with tree_remove. */
#pragma once

#include "unit.h"

#include <plimsoll/text.h>

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

struct tree {
    char root[64];
};

static inline struct tree tree_make(void)
{
    struct tree tree = {"/tmp/plimsoll-tree-XXXXXX"};
    assert_non_null(mkdtemp(tree.root));
    return tree;
}

/* The path below the root, its folders made. The caller frees. */
static inline char *tree_path(const struct tree *tree, const char *path)
{
    struct plimsoll_text whole = plimsoll_text_make(4096);
    plimsoll_text_add_format(&whole, "%s/%s", tree->root, path);
    assert_false(whole.overflowed);
    for (char *at = whole.data + strlen(tree->root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        assert_true(mkdir(whole.data, 0755) == 0 || errno == EEXIST);
        *at = '/';
    }
    return whole.data;
}

static inline void tree_write_bytes(const struct tree *tree, const char *path, const char *bytes,
                                    size_t size)
{
    plimsoll_autofree char *whole = tree_path(tree, path);
    FILE *file = fopen(whole, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void tree_write(const struct tree *tree, const char *path, const char *text)
{
    tree_write_bytes(tree, path, text, strlen(text));
}

static inline void tree_link(const struct tree *tree, const char *path, const char *target)
{
    plimsoll_autofree char *whole = tree_path(tree, path);
    assert_int_equal(symlink(target, whole), 0);
}

static inline int tree_remove_one(const char *path, const struct stat *status, int kind,
                                  struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline void tree_drop(const struct tree *tree, const char *path)
{
    plimsoll_autofree char *whole = tree_path(tree, path);
    nftw(whole, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void tree_remove(const struct tree *tree)
{
    nftw(tree->root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
