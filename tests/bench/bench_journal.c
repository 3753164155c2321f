/* Events a second into the journal, with the chain and without: the same rows by the
 * store, and by a plain INSERT into a table without hashes.  In transactions of one
 * event, as the loop mostly has them, and of a thousand; then how fast it is proven. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/store/journal_hash.h"
#include "daemon/store/journal_proof.h"

#define JSON                                                                           \
    "{\"t\":\"2026-03-01T10:14:30.000Z\",\"event\":\"ticket.resumed\",\"ticket\":17,"  \
    "\"device\":\"pump-1\",\"rule\":\"pump-bearing-hot\",\"priority\":\"urgent\","     \
    "\"resolve_by\":\"2026-03-01T12:14:30.000Z\",\"by\":\"zhang\"}"
#define MORE                                                                           \
    "{\"state\":\"responded\",\"resolve_by_ms\":1772367270000,"                        \
    "\"resolve_from_ms\":1772360070000,\"waiting_since_ms\":null}"

static void
must(int code, const struct err *err)
{
    if (code != 0) {
        fprintf(stderr, "%s\n", err->text);
        exit(1);
    }
}

static double
with_chain(const char *dir, int rows, int together)
{
    struct state *s = NULL;
    struct err err;
    int64_t seq = 0;
    const struct event e = {.t_ms = 1772360070000,
                            .kind = EVENT_TICKET_RESUMED,
                            .device = "pump-1",
                            .rule = "pump-bearing-hot",
                            .ticket = 17,
                            .by = "zhang"};
    must(state_open(&s, dir, STORE_WRITE, &err), &err);
    int64_t start_us = clock_mono_us();
    for (int i = 0; i < rows; i += together) {
        must(state_begin(s, &err), &err);
        for (int k = 0; k < together; k++) {
            must(state_add_event(s, &e, JSON, MORE, "uid=1000 pid=4242", &seq, &err),
                 &err);
        }
        must(state_commit(s, &err), &err);
    }
    double seconds = (double)(clock_mono_us() - start_us) / 1e6;
    state_close(s);
    return rows / seconds;
}

static void
run_sql(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
        exit(1);
    }
}

static double
without_chain(const char *dir, int rows, int together)
{
    char path[512];
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    snprintf(path, sizeof path, "%s/plain.db", dir);
    sqlite3_open(path, &db);
    run_sql(
        db,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "PRAGMA wal_autocheckpoint = 256;"
        "CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, t INTEGER,"
        " name TEXT, device TEXT, rule TEXT, ticket INTEGER, person TEXT, json TEXT,"
        " peer TEXT, more TEXT) STRICT;"
        "CREATE INDEX IF NOT EXISTS events_ticket ON events (ticket)");
    sqlite3_prepare_v2(
        db,
        "INSERT INTO events (t, name, device, rule, ticket, person, json,"
        " peer, more) VALUES (1772360070000, 'ticket.resumed', 'pump-1',"
        " 'pump-bearing-hot', 17, 'zhang', '" JSON "', 'uid=1000 pid=4242', '" MORE
        "')",
        -1, &stmt, NULL);
    int64_t start_us = clock_mono_us();
    for (int i = 0; i < rows; i += together) {
        run_sql(db, "BEGIN IMMEDIATE");
        for (int k = 0; k < together; k++) {
            sqlite3_step(stmt);
            sqlite3_reset(stmt);
        }
        run_sql(db, "COMMIT");
    }
    double seconds = (double)(clock_mono_us() - start_us) / 1e6;
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return rows / seconds;
}

static void
not_proven(void *ctx, const struct journal_finding *f)
{
    (void)ctx;
    fprintf(stderr, "not proven: %s\n", journal_fault_name(f->fault));
    exit(1);
}

static void
prove(const char *dir)
{
    struct state *s = NULL;
    struct err err;
    struct journal_sum sum;
    const struct journal_proof proof = {.found = not_proven};
    must(state_open(&s, dir, STORE_READ, &err), &err);
    int64_t start_us = clock_mono_us();
    must(journal_prove(s, &proof, &sum, &err), &err);
    double seconds = (double)(clock_mono_us() - start_us) / 1e6;
    state_close(s);
    printf("journal proof: %lld rows, %.0f a second\n", (long long)sum.rows,
           (double)sum.rows / seconds);
}

int
main(void)
{
    static const struct {
        int rows, together;
    } runs[] = {{2000, 1}, {200000, 1000}};
    char dir[] = "/tmp/bench-journal-XXXXXX";
    if (mkdtemp(dir) == NULL) {
        perror(dir);
        return 1;
    }
    for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
        double plain = without_chain(dir, runs[i].rows, runs[i].together);
        double chained = with_chain(dir, runs[i].rows, runs[i].together);
        printf("journal, %d event%s a transaction: %.0f a second, %.0f without the "
               "chain\n",
               runs[i].together, runs[i].together == 1 ? "" : "s", chained, plain);
    }
    prove(dir);
    char command[600];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : 1;
}
