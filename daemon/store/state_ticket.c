/* Tickets in state.db. */
#include <jansson.h>
#include <string.h>

#include "daemon/base/money.h"
#include "daemon/base/strbuf.h"
#include "daemon/base/utf8.h"
#include "daemon/store/state_evidence.h"
#include "daemon/store/state_internal.h"
#include "daemon/store/state_titles.h"

/* From ?30 on; `parts` and `titles` hold their text until the statement has run. */
static void
bind_work(sqlite3_stmt *stmt,
          const struct ticket *t,
          struct strbuf *parts,
          struct strbuf *titles)
{
    bind_text_or_null(stmt, 30, t->category);
    bind_text_or_null(stmt, 31, t->plan);
    bind_instant(stmt, 32, t->due_ms);
    bind_text_or_null(stmt, 33, t->symptom);
    bind_text_or_null(stmt, 34, t->reporter);
    sqlite3_bind_int(stmt, 35, t->taken);
    bind_text_or_null(stmt, 36, pause_name(t->pause));
    sqlite3_bind_int(stmt, 37, t->level);
    bind_text_or_null(stmt, 38, proof_name(t->proof));
    bind_text_or_null(stmt, 39, t->cause);
    sqlite3_bind_int64(stmt, 40, t->minutes);
    sqlite3_bind_int64(stmt, 41, t->cost);
    if (t->part_count > 0) {
        ticket_parts_to_json(parts, t->parts, t->part_count);
    }
    bind_text_or_null(stmt, 42, t->part_count > 0 ? strbuf_text(parts) : NULL);
    sqlite3_bind_int64(stmt, 43, (int64_t)t->steps);
    bind_instant(stmt, 44, t->first_responded_ms);
    bind_instant(stmt, 45, t->first_resolved_ms);
    bind_instant(stmt, 46, t->visit_ms);
    bind_instant(stmt, 47, t->respond_warn_ms);
    bind_instant(stmt, 48, t->resolve_warn_ms);
    bind_instant(stmt, 49, t->assign_ms);
    bind_instant(stmt, 50, t->escalate_ms);
    sqlite3_bind_int64(stmt, 51, t->photos);
    state_titles_bind(stmt, 52, &t->titles, titles);
}

int
state_put_ticket(struct state *s, const struct ticket *t, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend_for_write(s, SQL_PUT_TICKET, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, t->number);
    bind_text(stmt, 2, ticket_kind_name(t->kind));
    bind_text_or_null(stmt, 3, t->device);
    bind_text_or_null(stmt, 4, t->rule);
    bind_text(stmt, 5, severity_name(t->priority));
    bind_text(stmt, 6, ticket_state_name(t->state));
    bind_instant(stmt, 7, t->opened_ms);
    bind_instant(stmt, 8, t->respond_by_ms);
    bind_instant(stmt, 9, t->resolve_by_ms);
    bind_instant(stmt, 10, t->assigned_ms);
    bind_instant(stmt, 11, t->responded_ms);
    bind_instant(stmt, 12, t->resolved_ms);
    bind_instant(stmt, 13, t->verified_ms);
    bind_instant(stmt, 14, t->closed_ms);
    bind_instant(stmt, 15, t->waiting_since_ms);
    bind_instant(stmt, 16, t->cleared_ms);
    sqlite3_bind_int64(stmt, 17, t->episodes);
    sqlite3_bind_int64(stmt, 18, t->reopened);
    sqlite3_bind_int(stmt, 19, t->respond_warned);
    sqlite3_bind_int(stmt, 20, t->respond_breached);
    sqlite3_bind_int(stmt, 21, t->resolve_warned);
    sqlite3_bind_int(stmt, 22, t->resolve_breached);
    bind_text_or_null(stmt, 23, t->assignee);
    bind_text_or_null(stmt, 24, t->team);
    bind_text(stmt, 25, t->title);
    bind_text_or_null(stmt, 26, t->resolution);
    bind_number_or_null(stmt, 27, t->rating);
    bind_instant(stmt, 28, t->respond_from_ms);
    bind_instant(stmt, 29, t->resolve_from_ms);
    struct strbuf parts = {0};
    struct strbuf titles = {0};
    bind_work(stmt, t, &parts, &titles);
    rc = state_run(s, SQL_PUT_TICKET, stmt, "put a ticket", err);
    strbuf_fini(&parts);
    strbuf_fini(&titles);
    return rc;
}

/* What ticket_parts_to_json() wrote; what is not so is left out. */
static void
read_parts(struct ticket *t, const char *text)
{
    json_t *root = text != NULL ? json_loads(text, 0, NULL) : NULL;
    size_t count = json_array_size(root);
    for (size_t i = 0; i < count && t->part_count < TICKET_PARTS_MAX; i++) {
        const json_t *item = json_array_get(root, i);
        struct ticket_part *part = &t->parts[t->part_count];
        const char *name = json_string_value(json_object_get(item, "name"));
        if (name != NULL) {
            utf8_copy(part->name, sizeof part->name, name);
            part->count = json_integer_value(json_object_get(item, "count"));
            (void)money_from_number(&part->cost,
                                    json_number_value(json_object_get(item, "cost")));
            t->part_count++;
        }
    }
    json_decref(root);
}

static int
read_work(struct state *s, sqlite3_stmt *stmt, struct ticket *t, struct err *err)
{
    const char *pause = column_text(stmt, 35);
    const char *proof = column_text(stmt, 37);
    copy_text(t->category, sizeof t->category, stmt, 29);
    copy_text(t->plan, sizeof t->plan, stmt, 30);
    t->due_ms = column_instant(stmt, 31);
    copy_text(t->symptom, sizeof t->symptom, stmt, 32);
    copy_text(t->reporter, sizeof t->reporter, stmt, 33);
    t->taken = sqlite3_column_int(stmt, 34) != 0;
    if (!pause_parse(&t->pause, pause != NULL ? pause : "")) {
        return bad_word(s, stmt, 35, err);
    }
    t->level = sqlite3_column_int(stmt, 36);
    if (!proof_parse(&t->proof, proof != NULL ? proof : "")) {
        return bad_word(s, stmt, 37, err);
    }
    copy_text(t->cause, sizeof t->cause, stmt, 38);
    t->minutes = sqlite3_column_int64(stmt, 39);
    t->cost = sqlite3_column_int64(stmt, 40);
    read_parts(t, column_text(stmt, 41));
    t->steps = (uint64_t)sqlite3_column_int64(stmt, 42);
    t->first_responded_ms = column_instant(stmt, 43);
    t->first_resolved_ms = column_instant(stmt, 44);
    t->visit_ms = column_instant(stmt, 45);
    t->respond_warn_ms = column_instant(stmt, 46);
    t->resolve_warn_ms = column_instant(stmt, 47);
    t->assign_ms = column_instant(stmt, 48);
    t->escalate_ms = column_instant(stmt, 49);
    t->photos = sqlite3_column_int64(stmt, 50);
    state_titles_read(&t->titles, stmt, 51);
    return 0;
}

static int
ticket_row(struct state *s, sqlite3_stmt *stmt, struct ticket *t, struct err *err)
{
    *t = (struct ticket){0};
    t->number = sqlite3_column_int64(stmt, 0);
    if (!ticket_kind_parse(&t->kind, column_text(stmt, 1))) {
        return bad_word(s, stmt, 1, err);
    }
    t->device = column_text(stmt, 2);
    t->rule = column_text(stmt, 3);
    if (!severity_parse(&t->priority, column_text(stmt, 4))) {
        return bad_word(s, stmt, 4, err);
    }
    if (!ticket_state_parse(&t->state, column_text(stmt, 5))) {
        return bad_word(s, stmt, 5, err);
    }
    t->opened_ms = column_instant(stmt, 6);
    t->respond_by_ms = column_instant(stmt, 7);
    t->resolve_by_ms = column_instant(stmt, 8);
    t->assigned_ms = column_instant(stmt, 9);
    t->responded_ms = column_instant(stmt, 10);
    t->resolved_ms = column_instant(stmt, 11);
    t->verified_ms = column_instant(stmt, 12);
    t->closed_ms = column_instant(stmt, 13);
    t->waiting_since_ms = column_instant(stmt, 14);
    t->cleared_ms = column_instant(stmt, 15);
    t->episodes = sqlite3_column_int64(stmt, 16);
    t->reopened = sqlite3_column_int64(stmt, 17);
    t->respond_warned = sqlite3_column_int(stmt, 18) != 0;
    t->respond_breached = sqlite3_column_int(stmt, 19) != 0;
    t->resolve_warned = sqlite3_column_int(stmt, 20) != 0;
    t->resolve_breached = sqlite3_column_int(stmt, 21) != 0;
    copy_text(t->assignee, sizeof t->assignee, stmt, 22);
    copy_text(t->team, sizeof t->team, stmt, 23);
    copy_text(t->title, sizeof t->title, stmt, 24);
    copy_text(t->resolution, sizeof t->resolution, stmt, 25);
    t->rating = sqlite3_column_int(stmt, 26);
    t->respond_from_ms = column_instant(stmt, 27);
    t->resolve_from_ms = column_instant(stmt, 28);
    return read_work(s, stmt, t, err);
}

static int
each_row(struct state *s,
         enum state_sql which,
         sqlite3_stmt *stmt,
         state_ticket_fn fn,
         void *ctx,
         struct err *err)
{
    struct ticket t;
    int rc = 0;
    while (next_row(s, stmt, &rc, err)) {
        rc = ticket_row(s, stmt, &t, err);
        if (rc != 0 || !fn(ctx, &t)) {
            break;
        }
    }
    state_return(s, which, stmt);
    return rc;
}

int
state_each_ticket(struct state *s,
                  int64_t closed_since_ms,
                  state_ticket_fn fn,
                  void *ctx,
                  struct err *err)
{
    if (closed_since_ms == INSTANT_NONE) {
        return state_tickets_after(s, TICKETS_ALL, NULL, 0, fn, ctx, err);
    }
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend(s, SQL_EACH_TICKET, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, closed_since_ms);
    return each_row(s, SQL_EACH_TICKET, stmt, fn, ctx, err);
}

int
state_tickets_after(struct state *s,
                    enum state_tickets which,
                    const char *id,
                    int64_t after,
                    state_ticket_fn fn,
                    void *ctx,
                    struct err *err)
{
    enum state_sql sql = SQL_TICKETS_AFTER + which;
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend(s, sql, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, after);
    if (which != TICKETS_ALL) {
        bind_text(stmt, 2, id);
    }
    return each_row(s, sql, stmt, fn, ctx, err);
}

int
state_tickets_back(struct state *s,
                   enum state_tickets which,
                   const char *id,
                   state_ticket_fn fn,
                   void *ctx,
                   struct err *err)
{
    enum state_sql sql = SQL_TICKETS_BACK + which;
    sqlite3_stmt *stmt = NULL;
    int rc = state_lend(s, sql, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    if (which != TICKETS_ALL) {
        bind_text(stmt, 2, id);
    }
    return each_row(s, sql, stmt, fn, ctx, err);
}

int
state_each_like(struct state *s,
                const struct ticket *t,
                bool same,
                int64_t limit,
                state_ticket_fn fn,
                void *ctx,
                struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    enum state_sql which = same ? SQL_EACH_SAME : SQL_EACH_LIKE;
    int rc = state_lend(s, which, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    bind_text_or_null(stmt, 1, t->rule);
    bind_text_or_null(stmt, 2, t->device);
    sqlite3_bind_int64(stmt, 3, t->number);
    sqlite3_bind_int64(stmt, 4, limit);
    return each_row(s, which, stmt, fn, ctx, err);
}

int
state_one_ticket(
    struct state *s, int64_t number, state_ticket_fn fn, void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    struct ticket t;
    int rc = state_lend(s, SQL_ONE_TICKET, &stmt, err);
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(stmt, 1, number);
    if (next_row(s, stmt, &rc, err)) {
        rc = ticket_row(s, stmt, &t, err);
        if (rc == 0) {
            (void)fn(ctx, &t);
        }
    }
    state_return(s, SQL_ONE_TICKET, stmt);
    return rc;
}
