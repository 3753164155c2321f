#include "daemon/pipeline/replay/replay_state.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/changes.h"
#include "daemon/pipeline/evidence/evidence_take.h"
#include "daemon/store/state.h"
#include "daemon/ticket/plans.h"

/* Rows in one transaction: each costs a wait for the disk, and a replay that is broken
 * off is run again. */
#define BATCH 4000

struct replay_state {
    const struct site *site;
    struct changes *changes;
    struct state *store;
};

/* A folder that is not there is as good as an empty one. */
static int
refuse_used(const char *dir, struct err *err)
{
    DIR *d = opendir(dir);
    int code = 0;
    if (d == NULL) {
        return errno == ENOENT ? 0
                               : err_set(err, ERR_IO, "%s: %s", dir, strerror(errno));
    }
    for (const struct dirent *e = readdir(d); e != NULL && code == 0; e = readdir(d)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            code = err_set(err, ERR_REFUSED,
                           "%s is not empty; a replay writes only into a folder of its "
                           "own",
                           dir);
        }
    }
    closedir(d);
    return code;
}

/* As the daemon does it; of recorded samples nothing is known of the line. */
static void
take_evidence(void *ctx, const struct event *e, struct evidence_texts *out)
{
    const struct replay_state *s = ctx;
    uint32_t device = e->device != NULL ? site_device(s->site, e->device) : NONE_INDEX;
    uint32_t rule = e->rule != NULL ? site_rule(s->site, e->rule) : NONE_INDEX;
    evidence_take_facts(out, s->site, device, rule, e->plan);
}

int
replay_state_open(struct replay_state **out,
                  const char *dir,
                  struct site *site,
                  struct err *err)
{
    int code = refuse_used(dir, err);
    if (code != 0) {
        return code;
    }
    struct replay_state *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return err_set(err, ERR_NOMEM, "replay");
    }
    s->site = site;
    s->changes = changes_new();
    changes_set_witness(s->changes, take_evidence, s);
    code = state_open(&s->store, dir, STORE_WRITE, err);
    if (code != 0) {
        replay_state_close(s);
        return code;
    }
    site->mqtt.enabled = false;
    *out = s;
    return 0;
}

const struct sink *
replay_state_sink(struct replay_state *s)
{
    return changes_sink(s->changes);
}

int
replay_state_begin(struct replay_state *s, int64_t t_ms, struct err *err)
{
    return changes_write(s->changes, s->store, s->site, t_ms, NULL, err);
}

int
replay_state_step(struct replay_state *s, int64_t t_ms, struct err *err)
{
    return changes_count(s->changes) < BATCH
               ? 0
               : changes_write(s->changes, s->store, s->site, t_ms, NULL, err);
}

static void
keep_meter(void *ctx, const struct rules_meter *m)
{
    changes_add_meter(ctx, m);
}

static void
keep_use(void *ctx, const struct plan_row *row)
{
    changes_add_plan_use(ctx, row);
}

int
replay_state_end(struct replay_state *s,
                 struct pipeline *p,
                 int64_t t_ms,
                 struct err *err)
{
    rules_save_meters(pipeline_rules(p), keep_meter, s->changes);
    plans_save_use(pipeline_plans(p), keep_use, s->changes);
    return changes_write(s->changes, s->store, s->site, t_ms, NULL, err);
}

void
replay_state_close(struct replay_state *s)
{
    if (s == NULL) {
        return;
    }
    changes_free(s->changes);
    state_close(s->store);
    free(s);
}
