#include "daemon/web/texts.h"

#include <stdlib.h>
#include <string.h>

bool
texts_copy(char ***out, uint32_t *out_count, const char *const *texts, uint32_t count)
{
    *out_count = 0;
    *out = calloc((size_t)count + 1, sizeof **out);
    while (*out != NULL && *out_count < count) {
        (*out)[*out_count] = strdup(texts[*out_count]);
        if ((*out)[*out_count] == NULL) {
            return false;
        }
        ++*out_count;
    }
    return *out != NULL;
}

void
texts_free(char **texts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}
