/* Of history_db.h: frames that may be there already. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/store/history_cursor.h"
#include "daemon/store/history_db_internal.h"
#include "daemon/store/history_keep.h"

enum presence {
    PRESENCE_NEW,
    PRESENCE_OTHER, /* Another sample of this point and time is there. */
    PRESENCE_KNOWN  /* The very same sample is there. */
};

struct importing {
    struct history_db *db;
    const struct frame **frames; /* By device, time, then as they came. */
    size_t count;
    struct history_cursor *cursor; /* Of the device. */
    struct history_row row;        /* The one that the cursor stands on. */
    bool more;
    /* All samples of the device and time. */
    struct blob_sample *there;
    size_t there_count, there_room;
    uint8_t presence[FRAME_READINGS_MAX]; /* enum presence */
    struct history_import_counts counts;
};

static int
by_device_and_time(const void *left, const void *right)
{
    const struct frame *const *a = left, *const *b = right;
    if ((*a)->device != (*b)->device) {
        return ((*a)->device > (*b)->device) - ((*a)->device < (*b)->device);
    }
    if ((*a)->t_ms != (*b)->t_ms) {
        return ((*a)->t_ms > (*b)->t_ms) - ((*a)->t_ms < (*b)->t_ms);
    }
    return (*a > *b) - (*a < *b); /* All lie in one batch. */
}

static int
list_frames(struct importing *im,
            const unsigned char *frames,
            size_t size,
            struct err *err)
{
    im->frames = malloc((size / sizeof(struct frame) + 1) * sizeof(struct frame *));
    if (im->frames == NULL) {
        return err_set(err, ERR_NOMEM, "history");
    }
    for (size_t at = 0; at < size;) {
        const struct frame *f = (const void *)(frames + at);
        im->frames[im->count++] = f;
        at += frame_bytes(f->count);
    }
    qsort(im->frames, im->count, sizeof(struct frame *), by_device_and_time);
    return 0;
}

/* A value is only a value where the quality is good. */
static bool
same_sample(const struct blob_sample *a, const struct blob_sample *b)
{
    return a->quality == b->quality && a->detail == b->detail &&
           (a->quality != QUALITY_GOOD ||
            memcmp(&a->value, &b->value, sizeof a->value) == 0);
}

/* Marks which of the frame's samples are there.  Both mostly have the same points in
 * the same order, so that each is found where the one before it ended. */
static void
mark_there(struct importing *im, size_t count)
{
    const struct blob_sample *samples = im->db->samples;
    size_t at = 0;
    memset(im->presence, PRESENCE_NEW, count);
    for (size_t i = 0; i < im->there_count; i++) {
        size_t tried = 0;
        while (tried < count && samples[at].key != im->there[i].key) {
            at = at + 1 < count ? at + 1 : 0;
            tried++;
        }
        if (tried < count && same_sample(&samples[at], &im->there[i])) {
            im->presence[at] = PRESENCE_KNOWN;
        } else if (tried < count && im->presence[at] == PRESENCE_NEW) {
            im->presence[at] = PRESENCE_OTHER;
        }
    }
}

static int
add_there(struct importing *im,
          const struct blob_sample *samples,
          size_t count,
          struct err *err)
{
    if (im->there_count + count > im->there_room) {
        size_t room = 2 * (im->there_count + count);
        struct blob_sample *grown = realloc(im->there, room * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "history");
        }
        im->there = grown;
        im->there_room = room;
    }
    if (count > 0) {
        memcpy(im->there + im->there_count, samples, count * sizeof *samples);
    }
    im->there_count += count;
    return 0;
}

/* All samples of the time that the file has.  Where it is damaged it has nothing. */
static int
look_there(struct importing *im, int64_t t_ms, struct err *err)
{
    int rc = 0;
    im->there_count = 0;
    while (rc == 0 && im->more && im->row.t_ms <= t_ms) {
        if (im->row.t_ms == t_ms) {
            rc = add_there(im, im->row.samples, im->row.count, err);
        }
        rc = rc == 0 ? history_cursor_next(im->cursor, &im->row, &im->more, err) : rc;
    }
    return rc;
}

/* Gathers what of the frame is not there. */
static int
import_frame(struct importing *im, const struct frame *f, struct err *err)
{
    struct blob_sample *samples = im->db->samples;
    size_t left = 0;
    int rc = history_db_samples(im->db, f, err);
    if (rc != 0) {
        return rc;
    }
    mark_there(im, f->count);
    for (size_t i = 0; i < f->count; i++) {
        im->counts.known += im->presence[i] == PRESENCE_KNOWN;
        im->counts.differing += im->presence[i] == PRESENCE_OTHER;
        if (im->presence[i] != PRESENCE_KNOWN) {
            samples[left++] = samples[i];
        }
    }
    rc = add_there(im, samples, left, err);
    return rc == 0 && left > 0 ? history_db_take(im->db, f, left, err) : rc;
}

/* The frames [first, end) are of one device. */
static int
import_device(struct importing *im, size_t first, size_t end, struct err *err)
{
    const struct history_filter filter = {
        .from_ms = im->frames[first]->t_ms,
        .to_ms = im->frames[end - 1]->t_ms,
        .device = im->db->site->devices[im->frames[first]->device].id};
    int rc = history_cursor_open(&im->cursor, im->db->db, &filter, err);
    rc = rc == 0 ? history_cursor_next(im->cursor, &im->row, &im->more, err) : rc;
    for (size_t i = first; rc == 0 && i < end; i++) {
        if (i == first || im->frames[i]->t_ms != im->frames[i - 1]->t_ms) {
            rc = look_there(im, im->frames[i]->t_ms, err);
        }
        rc = rc == 0 ? import_frame(im, im->frames[i], err) : rc;
    }
    history_cursor_close(im->cursor);
    im->cursor = NULL;
    return rc;
}

static int
import_all(struct importing *im, struct err *err)
{
    int rc = 0;
    for (size_t first = 0, end; rc == 0 && first < im->count; first = end) {
        end = first + 1;
        while (end < im->count &&
               im->frames[end]->device == im->frames[first]->device) {
            end++;
        }
        rc = import_device(im, first, end, err);
    }
    return rc == 0 ? history_tail_put(im->db->tail, err) : rc;
}

int
history_db_import(struct history_db *h,
                  const unsigned char *frames,
                  size_t size,
                  struct history_import_counts *counts,
                  struct err *err)
{
    enum history_trouble trouble;
    struct importing *im = calloc(1, sizeof *im);
    *counts = (struct history_import_counts){0};
    if (im == NULL) {
        return err_set(err, ERR_NOMEM, "history");
    }
    im->db = h;
    history_keep_watch(&h->keep);
    int rc = list_frames(im, frames, size, err);
    if (rc == 0) {
        rc = history_db_begin(h, err);
        rc = rc == 0 ? import_all(im, err) : rc;
        rc = rc == 0 ? history_db_settle(h, INSTANT_NONE, err) : rc;
        rc = rc == 0 ? db_exec(h->db, "COMMIT", err) : rc;
        rc = rc == 0 ? 0 : history_db_failed(h, &trouble, err);
    }
    if (rc == 0) {
        history_db_kept(h);
        *counts = im->counts;
    }
    free(im->frames);
    free(im->there);
    free(im);
    return rc;
}
