/* GET /api/v1/backup/state.db: alarms, tickets, plans, users and the journal as of one
 * moment, as `caretaker backup --state` writes them.  The copy lies beside the original
 * until it was sent.  Samples are had by /api/v1/samples: a copy of the whole history
 * could fill the disk that it is on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/store/backup.h"

#define PATH_BYTES  4096
#define RETRY_S     10
#define LEAVE_BYTES ((uint64_t)16 << 20) /* For tickets and alarms, meanwhile. */
#define PIECE_BYTES 262144

/* A copy on its way; its file has no name any more, so that nothing is left of it
 * however this ends. */
struct sending {
    int fd;
    atomic_flag *under_way; /* Of the daemon; it is set. */
};

static int
next_bytes(void *ctx, void *worker, struct strbuf *piece, bool *more)
{
    (void)worker;
    const struct sending *s = ctx;
    char *block = malloc(PIECE_BYTES);
    ssize_t n = block != NULL ? read(s->fd, block, PIECE_BYTES) : -1;
    if (n > 0) {
        strbuf_add_bytes(piece, block, (size_t)n);
    } else if (n < 0) {
        log_warning("a backup ends early: %s", err_reason(errno));
    }
    *more = n == PIECE_BYTES;
    free(block);
    return n < 0 ? ERR_IO : 0;
}

static void
end_sending(void *ctx)
{
    struct sending *s = ctx;
    if (s->fd >= 0) {
        close(s->fd);
    }
    atomic_flag_clear(s->under_way);
    free(s);
}

/* Makes the copy and opens it. */
static int
make_copy(struct sending *s, const char *dir, struct err *err)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    uint64_t bytes = 0;
    if (snprintf(from, sizeof from, "%s/%s", dir, STATE_FILE) >= (int)sizeof from ||
        snprintf(to, sizeof to, "%s/.%s.api", dir, STATE_FILE) >= (int)sizeof to) {
        return err_set(err, ERR_IO, "%s: the path is too long", dir);
    }
    const struct backup b = {
        .from = from, .to = to, .replace = true, .leave = LEAVE_BYTES};
    int code = backup_make(&b, &bytes, err);
    if (code == 0) {
        s->fd = open(to, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        code = s->fd < 0 ? err_set(err, ERR_IO, "%s: %s", to, err_reason(errno)) : 0;
    }
    (void)unlink(to);
    return code;
}

unsigned
api_backup(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    struct sending *s = calloc(1, sizeof *s);
    (void)body;
    if (s == NULL) {
        err_set(&err, ERR_NOMEM, "backup");
        return api_problem(body, &err);
    }
    /* Each takes its room on the disk until its last byte was taken, and all have one
     * name. */
    if (atomic_flag_test_and_set(&a->live->on_backup)) {
        free(s);
        r->answer->retry_after_s = RETRY_S;
        return web_problem(body, 503,
                           tr("a backup is being sent already; try again soon"));
    }
    *s = (struct sending){.fd = -1, .under_way = &a->live->on_backup};
    struct site *site = api_share_site(a);
    int code = make_copy(s, site->data_dir, &err);
    site_free(site);
    if (code != 0) {
        end_sending(s);
        return api_problem(body, &err);
    }
    r->answer->type = "application/vnd.sqlite3";
    r->answer->file_name = STATE_FILE;
    r->answer->pieces = (struct web_pieces){next_bytes, end_sending, s};
    return 200;
}
