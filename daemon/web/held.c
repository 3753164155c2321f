/* What all connections together may hold: a thousand photos that come slowly, or large
 * listings that are read slowly, must not be a thousand times as much memory.  Bodies
 * and answers have budgets of their own, so that who may not even log in takes no
 * answer from anybody; what is small is not counted, so that log-ins, commands and
 * nearly all that a page asks always go on. */
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/web/door_inside.h"
#include "daemon/web/exchange.h"

#define BODIES_MAX   ((size_t)64 << 20)
#define ANSWERS_MAX  ((size_t)128 << 20)
#define SMALL_BYTES  ((size_t)16 << 10)
#define BUSY_SECONDS 2

static bool
take(atomic_size_t *sum, size_t *share, size_t bytes, size_t most)
{
    if (atomic_fetch_add(sum, bytes) + bytes > most) {
        atomic_fetch_sub(sum, bytes);
        return false;
    }
    *share += bytes;
    return true;
}

static void
give_back(atomic_size_t *sum, size_t *share)
{
    atomic_fetch_sub(sum, *share);
    *share = 0;
}

bool
held_take_body(struct exchange *x, size_t bytes)
{
    struct house *h = x->door->house;
    size_t all = x->body.size + bytes;
    size_t more = all - x->held_body; /* Once it is large, what was small counts too. */
    if (!x->crowded && all > SMALL_BYTES &&
        !take(&h->bodies, &x->held_body, more, BODIES_MAX)) {
        x->crowded = true;
        give_back(&h->bodies, &x->held_body);
        strbuf_wipe(&x->body);
    }
    return !x->crowded;
}

void
held_check_answer(struct exchange *x)
{
    struct house *h = x->door->house;
    strbuf_wipe(&x->body); /* It may hold a password. */
    give_back(&h->bodies, &x->held_body);
    bool looked_up = strcmp(x->method, "GET") == 0 && !x->answer.stream;
    if (!looked_up || x->out.size <= SMALL_BYTES ||
        take(&h->answers, &x->held_answer, x->out.size, ANSWERS_MAX)) {
        return;
    }
    if (x->answer.pieces.free != NULL) {
        x->answer.pieces.free(x->answer.pieces.ctx);
    }
    strbuf_fini(&x->out);
    x->answer = (struct web_answer){.retry_after_s = BUSY_SECONDS};
    x->status = web_problem(&x->out, MHD_HTTP_SERVICE_UNAVAILABLE, tr(EXCHANGE_BUSY));
}

void
held_let_go(struct exchange *x)
{
    give_back(&x->door->house->bodies, &x->held_body);
    give_back(&x->door->house->answers, &x->held_answer);
}
