/* GET /api/v1/samples ?device= &point= &from= &to= &every= &format=csv|jsonl &detail=1
 * &clock=1: recorded samples, as `caretaker export` gives them, in pieces. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/listings/samples_text.h"

/* Each has files of its own open until its last byte is taken, and those of the plant
 * must not run out. */
#define EXPORTS_MAX 16
#define RETRY_S     5
#define PIECE_BYTES                                                                    \
    (512 * 1024) /* A piece ends with the moment in which it is full.                  \
                  */

/* An export on its way: each piece goes on where the last one ended. */
struct samples {
    atomic_uint *under_way;        /* Of the daemon; it is one of them. */
    struct history_reader *reader; /* NULL: nothing was ever recorded. */
    struct samples_form form;
    char device[ID_BYTES_MAX], point[ID_BYTES_MAX]; /* "": any. */
    int64_t from_ms, to_ms;
    int64_t every_ms; /* 0: every sample. */
    struct strbuf *out;
    size_t full; /* Bytes of `out` at which this piece is. */
    int64_t last_ms;
    bool cut; /* It ended at last_ms: there is more. */
};

/* Whether what is of `t_ms` still belongs to this piece: all of one moment does. */
static bool
has_room(struct samples *s, int64_t t_ms)
{
    s->cut = s->out->size >= s->full && t_ms != s->last_ms;
    s->from_ms = s->cut ? t_ms : s->from_ms;
    s->last_ms = t_ms;
    return !s->cut;
}

static bool
take_sample(void *ctx, const struct history_sample *h)
{
    struct samples *s = ctx;
    if (!has_room(s, h->t_ms)) {
        return false;
    }
    samples_line(s->out, h, &s->form);
    return true;
}

static bool
take_bucket(void *ctx, const struct history_bucket *b)
{
    struct samples *s = ctx;
    if (!has_room(s, b->t_ms)) {
        return false;
    }
    samples_bucket_line(s->out, b, &s->form);
    return true;
}

static int
next_piece(struct samples *s, struct strbuf *piece, bool *more, struct err *err)
{
    const char *device = s->device[0] != '\0' ? s->device : NULL;
    const char *point = s->point[0] != '\0' ? s->point : NULL;
    int code = 0;
    s->out = piece;
    s->full = piece->size + PIECE_BYTES;
    s->cut = false;
    s->last_ms = INSTANT_NONE;
    if (s->reader != NULL && s->every_ms > 0) {
        code = history_series(s->reader, s->from_ms, s->to_ms, s->every_ms, device,
                              point, take_bucket, s, err);
    } else if (s->reader != NULL) {
        code = history_each(s->reader, s->from_ms, s->to_ms, device, point, take_sample,
                            s, err);
    }
    *more = code == 0 && s->cut;
    return code;
}

static int
send_next(void *ctx, void *worker, struct strbuf *piece, bool *more)
{
    (void)worker;
    struct err err = {0};
    int code = next_piece(ctx, piece, more, &err);
    if (code != 0) {
        log_warning("an export ends early: %s", err.text);
    }
    return code;
}

static void
samples_free(void *ctx)
{
    struct samples *s = ctx;
    history_reader_close(s->reader);
    atomic_fetch_sub(s->under_way, 1);
    free(s);
}

/* ---- what is asked for ---- */

/* A name that the site has: one that is misspelt would give nothing at all. */
static int
read_names(struct samples *s,
           const struct site *site,
           const struct web_request *r,
           struct err *err)
{
    const char *device = r->query(r, "device");
    const char *point = r->query(r, "point");
    uint32_t d = device != NULL ? site_device(site, device) : NONE_INDEX;
    bool known = point == NULL;
    if (device != NULL && d == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no device \"%s\"", device);
    }
    for (uint32_t i = 0; i < site->device_count && !known; i++) {
        known = (d == NONE_INDEX || d == i) && site_point(site, i, point) != NONE_INDEX;
    }
    if (!known) {
        return err_set(err, ERR_NOT_FOUND, "there is no point \"%s\"", point);
    }
    snprintf(s->device, sizeof s->device, "%s", device != NULL ? device : "");
    snprintf(s->point, sizeof s->point, "%s", point != NULL ? point : "");
    return 0;
}

static int
read_form(struct samples *s, const struct web_request *r, struct err *err)
{
    const char *format = r->query(r, "format");
    const char *every = r->query(r, "every");
    int64_t now_ms = clock_real_ms();
    s->from_ms = INSTANT_NONE + 1;
    s->to_ms = INSTANT_MAX;
    s->form.jsonl = format != NULL && strcmp(format, "jsonl") == 0;
    s->form.detail = api_asked_for(r, "detail");
    s->form.clock = api_asked_for(r, "clock");
    if (format != NULL && !s->form.jsonl && strcmp(format, "csv") != 0) {
        return err_set(err, ERR_USAGE, "\"format\" is csv or jsonl");
    }
    if (every != NULL &&
        (duration_parse(&s->every_ms, every, NULL) != 0 || s->every_ms <= 0)) {
        return err_set(err, ERR_USAGE,
                       "\"every\" is a duration such as 1m or 1h, not \"%.40s\"",
                       every);
    }
    int code = api_instant(&s->from_ms, r, "from", now_ms, err);
    code = code == 0 ? api_instant(&s->to_ms, r, "to", now_ms, err) : code;
    return code == 0 && s->from_ms > s->to_ms
               ? err_set(err, ERR_USAGE, "\"from\" is later than \"to\"")
               : code;
}

static int
begin(struct samples *s, struct api *a, const struct web_request *r, struct err *err)
{
    int code = read_form(s, r, err);
    struct site *site = api_share_site(a);
    code = code == 0 ? read_names(s, site, r, err) : code;
    if (code == 0) {
        code = history_reader_open(&s->reader, site->data_dir, err);
        code = code == ERR_NOT_FOUND ? 0 : code;
    }
    site_free(site);
    return code;
}

unsigned
api_samples(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    bool more = false;
    struct samples *s = calloc(1, sizeof *s);
    if (s == NULL) {
        err_set(&err, ERR_NOMEM, "the samples");
        return api_problem(body, &err);
    }
    s->under_way = &a->live->exports;
    if (atomic_fetch_add(s->under_way, 1) >= EXPORTS_MAX) {
        samples_free(s);
        r->answer->retry_after_s = RETRY_S;
        return web_problem(body, 503,
                           tr("too many exports are under way; try again soon"));
    }
    int code = begin(s, a, r, &err);
    if (code == 0 && !s->form.jsonl) {
        samples_head(body, s->every_ms > 0, &s->form);
    }
    code = code == 0 ? next_piece(s, body, &more, &err) : code;
    if (code == 0) {
        r->answer->type =
            s->form.jsonl ? "application/x-ndjson" : "text/csv; charset=utf-8";
    }
    if (code == 0 && more) {
        r->answer->pieces = (struct web_pieces){send_next, samples_free, s};
    } else {
        samples_free(s);
    }
    return code == 0 ? 200 : api_problem(body, &err);
}
