#include "collectors/exchange.h"

#include <string.h>

#include "daemon/base/instant.h"

#define EXCEPTION_BIT  0x80
#define READ_PDU_BYTES 5 /* Function, address, count. */

static const char *const outcome_names[] = {"answered",  "exception",  "damaged",
                                            "malformed", "unanswered", "stray"};

const char *
exchange_outcome_name(enum exchange_outcome o)
{
    return outcome_names[o];
}

void
exchange_init(struct exchange_pairs *p,
              enum traffic_framing framing,
              int64_t give_up_us,
              exchange_fn tell,
              void *ctx)
{
    memset(p, 0, sizeof *p);
    p->framing = framing;
    p->give_up_us = give_up_us;
    p->tell = tell;
    p->ctx = ctx;
}

enum reg_table
exchange_table(uint8_t function)
{
    static const enum reg_table tables[] = {REG_NONE, REG_COIL, REG_DISCRETE,
                                            REG_HOLDING, REG_INPUT};

    return function < sizeof tables / sizeof tables[0] ? tables[function] : REG_NONE;
}

static uint16_t
get_u16(const uint8_t *b)
{
    return (uint16_t)((uint32_t)b[0] << 8 | b[1]);
}

/* Bytes of values in a read's answer. */
static size_t
data_bytes(uint8_t function, uint16_t count)
{
    return function <= 2 ? ((size_t)count + 7) / 8 : 2 * (size_t)count;
}

static void
begin(struct exchange *out, const struct question *q, uint32_t connection)
{
    *out = (struct exchange){.connection = connection,
                             .unit = q->unit,
                             .function = q->function,
                             .table = exchange_table(q->function),
                             .address = q->address,
                             .count = q->count,
                             .asked_us = q->asked_us,
                             .latency_us = -1};
}

static void
give_up(struct exchange_pairs *p, struct question *q, int64_t t_us)
{
    struct exchange x;

    q->waits = false;
    if (p->framing == TRAFFIC_RTU && q->unit == 0) {
        return; /* A broadcast: nobody answers one. */
    }
    begin(&x, q, 0);
    x.outcome = EXCHANGE_UNANSWERED;
    x.answered_us = t_us;
    p->tell(p->ctx, &x);
}

static void
give_up_old(struct exchange_pairs *p, int64_t t_us)
{
    size_t count = p->framing == TRAFFIC_RTU ? 1 : EXCHANGE_WAITING_MAX;

    for (size_t i = 0; i < count; i++) {
        struct question *q = &p->waiting[i];

        if (q->waits && t_us - q->asked_us > p->give_up_us) {
            give_up(p, q, q->asked_us + p->give_up_us);
        }
    }
}

void
exchange_idle(struct exchange_pairs *p, int64_t t_us)
{
    give_up_old(p, t_us);
}

void
exchange_end(struct exchange_pairs *p, int64_t t_us, bool cut)
{
    for (size_t i = 0; i < EXCHANGE_WAITING_MAX; i++) {
        struct question *q = &p->waiting[i];
        int64_t end_us = q->asked_us + p->give_up_us;

        if (q->waits && (!cut || end_us < t_us)) {
            give_up(p, q, end_us < t_us ? end_us : t_us);
        }
        q->waits = false;
    }
}

/* The answer of a question has the right shape: the length that was asked for; some
 * functions are answered by their own words. */
static bool
shape_fits(const struct question *q, const struct traffic_frame *f)
{
    if (exchange_table(q->function) != REG_NONE) {
        size_t want = data_bytes(q->function, q->count);

        return f->pdu_size == want + 2 && f->pdu[1] == want;
    }
    switch (q->function) {
    case 5:
    case 6:
    case 8:
    case 22:
        return f->size == q->size;
    case 15:
    case 16:
        return f->pdu_size == READ_PDU_BYTES;
    default:
        return true;
    }
}

static bool
is_exception(const struct traffic_frame *f)
{
    /* Some servers fill up what TCP has no check sum for. */
    return (f->pdu[0] & EXCEPTION_BIT) != 0 && f->pdu_size >= 2;
}

static bool
same_function(const struct question *q, const struct traffic_frame *f)
{
    return q->unit == f->unit && q->function == (f->pdu[0] & ~EXCEPTION_BIT);
}

/* What a line's frame is when nobody says who sent it. */
static bool
looks_like_answer(const struct question *q, const struct traffic_frame *f)
{
    enum reg_table table = exchange_table(f->pdu[0]);

    if (is_exception(f)) {
        return true;
    }
    if (q->waits && same_function(q, f) && shape_fits(q, f)) {
        return true;
    }
    /* A read's question has one length, and so has an answer, which names it. */
    return table != REG_NONE && f->pdu_size != READ_PDU_BYTES;
}

static struct question *
find_waiting(struct exchange_pairs *p, const struct traffic_frame *f)
{
    if (p->framing == TRAFFIC_RTU) {
        return p->waiting[0].waits ? &p->waiting[0] : NULL;
    }
    for (size_t i = 0; i < EXCHANGE_WAITING_MAX; i++) {
        struct question *q = &p->waiting[i];

        if (q->waits && q->transaction == f->transaction && same_function(q, f)) {
            return q;
        }
    }
    return NULL;
}

/* A place for a new question: the oldest gives way. */
static struct question *
place_for(struct exchange_pairs *p, int64_t t_us)
{
    struct question *oldest = &p->waiting[0];

    for (size_t i = 0; p->framing == TRAFFIC_TCP && i < EXCHANGE_WAITING_MAX; i++) {
        struct question *q = &p->waiting[i];

        if (!q->waits) {
            return q;
        }
        if (q->asked_us < oldest->asked_us) {
            oldest = q;
        }
    }
    if (oldest->waits) {
        give_up(p, oldest, t_us);
    }
    return oldest;
}

static void
take_question(struct exchange_pairs *p,
              const struct traffic_frame *f,
              struct exchange *out)
{
    struct question *same = find_waiting(p, f);
    struct question *q;

    if (p->framing == TRAFFIC_TCP && same != NULL) {
        give_up(p, same, f->end_us); /* Asked again under the same number. */
    }
    q = place_for(p, f->end_us);
    *q = (struct question){.waits = true,
                           .transaction = f->transaction,
                           .unit = f->unit,
                           .function = f->pdu[0],
                           .size = f->size,
                           .asked_us = f->end_us};
    if (exchange_table(q->function) != REG_NONE && f->pdu_size == READ_PDU_BYTES) {
        q->address = get_u16(&f->pdu[1]);
        q->count = get_u16(&f->pdu[3]);
    }
    begin(out, q, f->connection);
}

static void
take_answer(struct exchange_pairs *p,
            const struct traffic_frame *f,
            struct exchange *out)
{
    struct question *q = find_waiting(p, f);
    bool exception = is_exception(f);
    bool ours = q != NULL && same_function(q, f);

    /* Where it is known that this came in, somebody else answered what we asked. */
    if (q != NULL && !ours && f->way == TRAFFIC_RECEIVED) {
        begin(out, q, f->connection);
        q->waits = false;
        out->outcome = EXCHANGE_MALFORMED;
    } else if (!ours) {
        struct question none = {.unit = f->unit,
                                .function = f->pdu[0] & (uint8_t)~EXCEPTION_BIT,
                                .asked_us = INSTANT_NONE};
        begin(out, &none, f->connection);
        out->outcome = EXCHANGE_STRAY;
        out->exception = exception ? f->pdu[1] : 0;
    } else {
        begin(out, q, f->connection);
        q->waits = false;
        out->latency_us = f->begin_us > q->asked_us ? f->begin_us - q->asked_us : 0;
        if (exception) {
            out->outcome = EXCHANGE_EXCEPTION;
            out->exception = f->pdu[1];
        } else if (!shape_fits(q, f)) {
            out->outcome = EXCHANGE_MALFORMED;
        } else {
            out->outcome = EXCHANGE_ANSWERED;
            out->data = out->table != REG_NONE ? &f->pdu[2] : NULL;
            out->data_size =
                out->table != REG_NONE ? (uint16_t)(f->pdu_size - 2) : (uint16_t)0;
        }
    }
    out->answered_us = f->end_us;
    p->tell(p->ctx, out);
}

/* Damage is the answer of what waits, if anything does: on a line nobody else speaks.
 */
static void
take_damage(struct exchange_pairs *p,
            const struct traffic_frame *f,
            struct exchange *out)
{
    struct question *q = &p->waiting[0];

    *out = (struct exchange){.outcome = EXCHANGE_DAMAGED,
                             .connection = f->connection,
                             .unit = f->unit,
                             .function = f->pdu != NULL ? f->pdu[0] : 0,
                             .asked_us = INSTANT_NONE,
                             .answered_us = f->end_us,
                             .latency_us = -1};
    if (p->framing == TRAFFIC_RTU && f->way != TRAFFIC_SENT && q->waits) {
        begin(out, q, f->connection);
        out->outcome = EXCHANGE_DAMAGED;
        out->answered_us = f->end_us;
        q->waits = false;
    }
    p->tell(p->ctx, out);
}

enum frame_role
exchange_frame(struct exchange_pairs *p,
               const struct traffic_frame *f,
               struct exchange *out)
{
    bool answer = f->way == TRAFFIC_RECEIVED;

    give_up_old(p, f->begin_us);
    if (!f->good || f->pdu_size == 0) {
        take_damage(p, f, out);
        return FRAME_DAMAGED;
    }
    if (f->way == TRAFFIC_UNKNOWN) {
        answer = looks_like_answer(&p->waiting[0], f);
    }
    if (answer) {
        take_answer(p, f, out);
        return FRAME_ANSWER;
    }
    take_question(p, f, out);
    return FRAME_QUESTION;
}
