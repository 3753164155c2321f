/* YAML text -> a tree of nodes that know their place.  Only what a configuration needs:
 * scalars, lists and mappings with scalar keys.  Aliases, anchors, tags, a second
 * document, repeated keys, NUL bytes and text that is no UTF-8 are errors. */
#ifndef CARETAKER_CONFIG_TREE_H
#define CARETAKER_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/diag.h"

#define TREE_BYTES_MAX (8u << 20) /* 20,000 devices take about 4 MiB. */
#define TREE_DEPTH_MAX 32u        /* A site file needs 7. */
#define TREE_NODES_MAX 500000u    /* About 50 MB of nodes. */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

/* Lives in the arena that the tree was loaded into.  The children of a list or mapping
 * are first, first->next, ...; those of a mapping have a key. */
struct node {
    enum node_kind kind;
    bool quoted;      /* Scalars: in quotes, or a block scalar. */
    struct loc loc;   /* Scalars: of the first character of the text. */
    const char *text; /* Scalars, without NUL bytes inside; else NULL. */
    const char *key;  /* In a mapping; else NULL. */
    struct loc key_loc;
    const struct node *first;
    const struct node *next;
    uint32_t count; /* Children. */
};

/* Reads a regular file.  NULL when it could not be parsed; an empty file is an empty
 * mapping.  Repeated keys are errors too, but all of them are in the tree. */
const struct node *tree_load(struct arena *a, const char *path, struct diags *diags);

/* The same from memory; `name` (borrowed) stands for the file in every place. */
const struct node *tree_parse(struct arena *a,
                              const char *name,
                              const char *bytes,
                              size_t size,
                              struct diags *diags);

/* The child of a mapping, or NULL. */
const struct node *node_get(const struct node *map, const char *key);

/* Nothing was written: `key:` alone, `~` or `null`. */
bool node_is_empty(const struct node *n);

/* "a list", "a mapping", "text" or "nothing", for messages. */
const char *node_kind_name(const struct node *n);

#endif
