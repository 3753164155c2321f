/* A sink that keeps what it is told: events as lines, rows as they are now. */
#ifndef CARETAKER_TESTS_FAKE_RECORDER_H
#define CARETAKER_TESTS_FAKE_RECORDER_H

#include <stddef.h>

#include "daemon/model/sink.h"

#define RECORDER_ROWS_MAX 4096

struct recorder {
    struct sink sink;
    char **lines; /* Events by event_to_json(), and "row ..." when `rows_too`. */
    size_t count;
    bool rows_too;
    /* Short lines instead: "30m warned 1 urgent respond", counted from origin_ms. */
    bool short_lines;
    int64_t origin_ms;
    struct alarm alarms[64];
    size_t alarm_count;
    struct ticket tickets[RECORDER_ROWS_MAX]; /* By number - 1; number 0: never sent. */
    size_t ticket_rows;                       /* How often a ticket's row was sent. */
    char *ids[32];                            /* Every id that rows name; owned. */
};

struct recorder *recorder_new(void);
void recorder_free(struct recorder *r);
void recorder_forget(struct recorder *r); /* Forgets the lines, keeps the rows. */
/* The line at `index`, or "" past the end. */
const char *recorder_line(const struct recorder *r, size_t index);
/* The lines, "; " between them, and forgets them. */
char *recorder_take(struct recorder *r); /* Returns owned. */
/* All lines from `first` on, one a line: a text for ck_assert_str_eq. */
char *recorder_text(const struct recorder *r, size_t first); /* Returns owned. */

#endif
