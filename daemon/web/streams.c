#include "daemon/web/streams.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/web/web.h"

#define RING_SLOTS  1024 /* A flood of alarms, and some minutes of a working day. */
#define RING_BYTES  (4u << 20) /* Of their texts; the oldest go first. */
#define BLOCK_BYTES 16384      /* What a client takes at once. */
#define FIRST_BYTES                                                                    \
    (16u << 20) /* Of what all streams begin with and is not sent yet. */
#define MESSAGE_END "\n\n"
#define RESET       "event: reset\ndata: {}\n\n"
/* An event, for a browser shows no comments to its page; and the time, for its clock.
 */
#define PING "event: ping\ndata: {\"now\":%lld}\n\n"
_Static_assert((RING_SLOTS & (RING_SLOTS - 1)) == 0, "the index is masked");

struct message {
    int64_t seq;
    char *text;
    size_t size;
};

struct stream {
    struct streams *all;
    uint64_t id; /* They are counted as they come. */
    struct MHD_Connection *connection;
    const atomic_bool *closing; /* Its door's mark. */
    uint64_t next;              /* Message that it gets next. */
    struct strbuf out;          /* Under way, */
    size_t sent;                /* and how far. */
    size_t first_bytes;         /* Of the beginning, as long as it is not sent. */
    bool rests;                 /* Its connection is suspended. */
    bool lost;                  /* It wants what the ring has no more. */
    bool ping;
    bool ends;
    char key[WEB_KEY_BYTES];
    struct stream *before, *behind;
};

struct streams {
    pthread_mutex_t lock;
    struct message ring[RING_SLOTS];
    uint64_t first, end; /* Messages [first, end), counted from the start. */
    size_t bytes;
    size_t first_bytes;  /* Of all streams. */
    int64_t since;       /* The ring has what came behind this event. */
    struct stream *list; /* The youngest first. */
    uint32_t count;
    uint64_t last_id;
};

static struct message *
slot(struct streams *s, uint64_t index)
{
    return &s->ring[index & (RING_SLOTS - 1)];
}

int
streams_new(struct streams **out, struct err *err)
{
    struct streams *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return err_set(err, ERR_NOMEM, "event streams");
    }
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return 0;
}

static void
drop_oldest(struct streams *s)
{
    struct message *m = slot(s, s->first++);
    s->bytes -= m->size;
    s->since = m->seq;
    free(m->text);
    *m = (struct message){0};
}

void
streams_free(struct streams *s)
{
    if (s == NULL) {
        return;
    }
    assert(s->list == NULL);
    while (s->first < s->end) {
        drop_oldest(s);
    }
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* Under the lock: the beginning was sent, or never will be. */
static void
forget_first(struct stream *t)
{
    t->all->first_bytes -= t->first_bytes;
    t->first_bytes = 0;
    if (t->out.capacity > 4 * (size_t)BLOCK_BYTES) {
        strbuf_fini(&t->out); /* It was long, and what comes now is not. */
    }
}

/* Under the lock: what the stream begins with is kept where there is room; else only
 * its first message, and the rest is to be read anew. */
static void
keep_first(struct stream *t)
{
    struct streams *s = t->all;
    const char *end = strstr(strbuf_text(&t->out), MESSAGE_END);
    if (s->first_bytes + t->out.size > FIRST_BYTES && end != NULL) {
        struct strbuf first = {0};
        strbuf_add_bytes(&first, t->out.text,
                         (size_t)(end - t->out.text) + strlen(MESSAGE_END));
        t->lost = t->lost || first.size < t->out.size;
        strbuf_fini(&t->out);
        t->out = first;
        return;
    }
    t->first_bytes = t->out.size;
    s->first_bytes += t->out.size;
}

/* Under the lock: what comes next is put together; false: there is nothing. */
static bool
fill(struct stream *t)
{
    struct streams *s = t->all;
    forget_first(t);
    strbuf_clear(&t->out);
    t->sent = 0;
    /* not translated: what a program reads */
    if (t->lost || t->next < s->first) {
        strbuf_add(&t->out, RESET);
        t->next = s->end;
        t->lost = false;
    }
    while (t->next < s->end && t->out.size < BLOCK_BYTES) {
        const struct message *m = slot(s, t->next++);
        strbuf_add_bytes(&t->out, m->text, m->size);
    }
    if (t->ping && t->out.size == 0) {
        strbuf_printf(&t->out, PING, (long long)clock_real_ms());
    }
    t->ping = false;
    return t->out.size > 0;
}

static ssize_t
on_read(void *ctx, uint64_t pos, char *out, size_t room)
{
    (void)pos;
    struct stream *t = ctx;
    struct streams *s = t->all;
    ssize_t size = 0;
    pthread_mutex_lock(&s->lock);
    if (t->sent < t->out.size || (!t->ends && fill(t))) {
        size_t left = t->out.size - t->sent;
        size = (ssize_t)(left < room ? left : room);
        memcpy(out, t->out.text + t->sent, (size_t)size);
        t->sent += (size_t)size;
    } else if (t->ends) {
        size = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        /* Until streams_flush() or streams_ping() wake it; the lock makes sure that
         * they come after this. */
        t->rests = true;
        MHD_suspend_connection(t->connection);
    }
    pthread_mutex_unlock(&s->lock);
    return size;
}

static void
on_free(void *ctx)
{
    struct stream *t = ctx;
    struct streams *s = t->all;
    pthread_mutex_lock(&s->lock);
    if (t->before != NULL) {
        t->before->behind = t->behind;
    } else {
        s->list = t->behind;
    }
    if (t->behind != NULL) {
        t->behind->before = t->before;
    }
    s->count--;
    forget_first(t);
    pthread_mutex_unlock(&s->lock);
    strbuf_fini(&t->out);
    explicit_bzero(t->key, sizeof t->key);
    free(t);
}

/* The first message behind the event `after`. */
static uint64_t
find(struct streams *s, int64_t after)
{
    uint64_t i = s->end;
    while (i > s->first && slot(s, i - 1)->seq > after) {
        i--;
    }
    return i;
}

struct MHD_Response *
streams_open(struct streams *s,
             struct MHD_Connection *c,
             const atomic_bool *closing,
             struct strbuf *first,
             int64_t after,
             const char *key)
{
    struct stream *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    t->all = s;
    t->connection = c;
    t->closing = closing;
    t->out = *first;
    *first = (struct strbuf){0};
    strncpy(t->key, key, sizeof t->key - 1);
    pthread_mutex_lock(&s->lock);
    t->next = find(s, after);
    t->lost = after < s->since;
    t->ends = atomic_load(closing);
    keep_first(t);
    t->id = ++s->last_id;
    t->behind = s->list;
    if (s->list != NULL) {
        s->list->before = t;
    }
    s->list = t;
    s->count++;
    pthread_mutex_unlock(&s->lock);
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, t, on_free);
    if (response == NULL) {
        on_free(t);
    }
    return response;
}

void
streams_publish(struct streams *s, int64_t seq, const char *message, size_t size)
{
    char *text = malloc(size > 0 ? size : 1);
    pthread_mutex_lock(&s->lock);
    while (s->first < s->end && (text == NULL || s->end - s->first == RING_SLOTS ||
                                 s->bytes + size > RING_BYTES)) {
        drop_oldest(s); /* Out of memory: all are told to read anew. */
    }
    if (text != NULL) {
        memcpy(text, message, size);
        *slot(s, s->end++) = (struct message){seq, text, size};
        s->bytes += size;
    } else {
        s->first = ++s->end;
        s->since = seq;
    }
    pthread_mutex_unlock(&s->lock);
}

static void
wake(struct stream *t)
{
    if (t->rests) {
        t->rests = false;
        MHD_resume_connection(t->connection);
    }
}

void
streams_flush(struct streams *s)
{
    pthread_mutex_lock(&s->lock);
    for (struct stream *t = s->list; t != NULL; t = t->behind) {
        if (t->next < s->end) {
            wake(t);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

int64_t
streams_since(struct streams *s)
{
    pthread_mutex_lock(&s->lock);
    int64_t since = s->since;
    pthread_mutex_unlock(&s->lock);
    return since;
}

void
streams_begin(struct streams *s, int64_t since)
{
    pthread_mutex_lock(&s->lock);
    assert(s->first == s->end);
    s->since = since;
    pthread_mutex_unlock(&s->lock);
}

/* A stream, for as long as the lock is not held. */
struct asked {
    uint64_t id;
    bool ends;
    char key[WEB_KEY_BYTES];
};

/* The keys of all streams, the youngest first; owned.  NULL: none, or no memory. */
static struct asked *
copy_keys(struct streams *s, size_t *count)
{
    pthread_mutex_lock(&s->lock);
    struct asked *all = calloc((size_t)s->count + 1, sizeof *all);
    *count = 0;
    for (const struct stream *t = s->list; all != NULL && t != NULL; t = t->behind) {
        struct asked *a = &all[(*count)++];
        a->id = t->id;
        memcpy(a->key, t->key, sizeof a->key);
    }
    pthread_mutex_unlock(&s->lock);
    return all;
}

/* `still` reads a database and may wait for others: every stream, and with them every
 * connection of the door, would wait as well if it were asked under the lock. */
void
streams_ping(struct streams *s,
             bool (*still)(void *worker, const char *key),
             void *worker)
{
    size_t count = 0;
    struct asked *all = still != NULL ? copy_keys(s, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        all[i].ends = all[i].key[0] != '\0' && !still(worker, all[i].key);
    }
    size_t at = 0; /* Both lists go from the youngest to the oldest. */
    pthread_mutex_lock(&s->lock);
    for (struct stream *t = s->list; t != NULL; t = t->behind) {
        while (at < count && all[at].id > t->id) {
            at++;
        }
        t->ends = t->ends || (at < count && all[at].id == t->id && all[at].ends);
        t->ping = true;
        wake(t);
    }
    pthread_mutex_unlock(&s->lock);
    if (all != NULL) {
        explicit_bzero(all, count * sizeof *all);
    }
    free(all);
}

void
streams_end(struct streams *s, atomic_bool *closing)
{
    pthread_mutex_lock(&s->lock);
    atomic_store(closing, true);
    for (struct stream *t = s->list; t != NULL; t = t->behind) {
        if (t->closing == closing) {
            t->ends = true;
            wake(t);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

uint32_t
streams_count(struct streams *s)
{
    pthread_mutex_lock(&s->lock);
    uint32_t count = s->count;
    pthread_mutex_unlock(&s->lock);
    return count;
}
