#include "daemon/web/framing.h"

#include <string.h>
#include <strings.h>

struct framing {
    unsigned lengths, codings, hosts;
    bool strange; /* A coding that we do not undo, a space before a colon. */
};

static enum MHD_Result
look(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct framing *f = ctx;
    (void)kind;
    f->strange = f->strange || strpbrk(key, " \t") != NULL; /* RFC 9112, 5.1. */
    if (strcasecmp(key, "Content-Length") == 0) {
        f->lengths++;
    } else if (strcasecmp(key, "Transfer-Encoding") == 0) {
        f->codings++;
        f->strange = f->strange || value == NULL || strcasecmp(value, "chunked") != 0;
    } else if (strcasecmp(key, "Host") == 0) {
        f->hosts++;
    }
    return MHD_YES;
}

bool
framing_is_sure(struct MHD_Connection *c)
{
    struct framing f = {0};
    (void)MHD_get_connection_values(c, MHD_HEADER_KIND, look, &f);
    return f.lengths + f.codings <= 1 && f.hosts <= 1 && !f.strange;
}
