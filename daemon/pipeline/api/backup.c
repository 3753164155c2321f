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

#include "daemon/base/log.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/store/backup.h"

#define PATH_BYTES  4096
#define PIECE_BYTES 262144

/* A copy on its way; its file has no name any more, so that nothing is left of it
 * however this ends. */
struct sending {
    int fd;
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
    close(s->fd);
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
    const struct backup b = {.from = from, .to = to, .replace = true};
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
    struct site *site = api_share_site(a);
    /* Two copies at once would have one name. */
    pthread_mutex_lock(&a->live->backup_lock);
    int code = make_copy(s, site->data_dir, &err);
    pthread_mutex_unlock(&a->live->backup_lock);
    site_free(site);
    if (code != 0) {
        free(s);
        return api_problem(body, &err);
    }
    r->answer->type = "application/vnd.sqlite3";
    r->answer->file_name = STATE_FILE;
    r->answer->pieces = (struct web_pieces){next_bytes, end_sending, s};
    return 200;
}
