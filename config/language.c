/* What language a site speaks, before its files are read: their errors are told in it.
 */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/text.h"
#include "config/tree.h"
#include "daemon/base/arena.h"

/* The block of the top-level key "site": from its line to the next one that is not
 * indented.  NULL: the file has none. */
static const char *
find_block(const char *bytes, size_t size, size_t *block_size)
{
    const char *end = bytes + size;
    const char *block = NULL;
    for (const char *line = bytes; line < end;) {
        const char *feed = memchr(line, '\n', (size_t)(end - line));
        if (block != NULL && strchr(" \t\r\n#", line[0]) == NULL) {
            end = line;
            break;
        }
        if (block == NULL && end - line > 5 && memcmp(line, "site:", 5) == 0) {
            block = line;
        }
        line = feed != NULL ? feed + 1 : end;
    }
    *block_size = block != NULL ? (size_t)(end - block) : 0;
    return block;
}

bool
config_site_language(enum language *out, const char *path)
{
    struct diags unsaid; /* Who loads the file tells what is wrong with it. */
    struct arena *arena = arena_new();
    size_t size = 0;
    size_t block_size = 0;
    diags_init(&unsaid);
    char *bytes = text_read(path, &size, &unsaid);
    const char *block = bytes != NULL ? find_block(bytes, size, &block_size) : NULL;
    const struct node *root =
        block != NULL ? tree_parse(arena, path, block, block_size, &unsaid) : NULL;
    const struct node *site =
        root != NULL && root->kind == NODE_MAP ? node_get(root, "site") : NULL;
    const struct node *language =
        site != NULL && site->kind == NODE_MAP ? node_get(site, "language") : NULL;
    bool found = language != NULL && language->kind == NODE_SCALAR &&
                 language_parse(out, language->text);
    arena_free(arena);
    free(bytes);
    diags_fini(&unsaid);
    return found;
}
