/* A command of ours, run in a process of its own for somebody who asks the API: what
 * works on files and may take memory and time takes none of the daemon's, and does just
 * what a shell on the gateway would do. */
#ifndef CARETAKER_PIPELINE_API_JOB_H
#define CARETAKER_PIPELINE_API_JOB_H

#include "daemon/pipeline/api/api.h"

#define JOB_WORDS_MAX 24
#define JOB_OUT_MAX   ((size_t)8 << 20) /* Of what it prints. */

struct job {
    /* "replay", "--from", ..; NULL behind the last. */
    const char *words[JOB_WORDS_MAX];
    const char *names[3]; /* What is no option, in the same way. */
    const char *input;    /* Its standard input; `size` bytes. */
    size_t size;
    enum err_code no;  /* What exit status 1 without an answer means [ERR_NOT_FOUND]. */
    bool writes;       /* Files of the site: how large they are is not limited. */
    bool wrong_counts; /* Files with errors (exit status 3) are what was asked for. */
};

/* Adds a word and, where it is not NULL, the next; aborts past JOB_WORDS_MAX, which no
 * handler comes near.  A pair is added only where there is a value. */
void job_word(struct job *j, const char *word);
void job_pair(struct job *j, const char *option, const char *value);

/* Runs it with the site file of the daemon (-c), in the language of the thread, for two
 * minutes at most.  Appends what it prints to `out`, also where it ends with 3 and that
 * is an error, and what it says beside that (bad rows, warnings) to `said`, which may
 * be NULL.  Errors, with the words of the command: ERR_USAGE (it ended with 2),
 * ERR_CONFIG (3), ERR_IO (4, or no process), ERR_TIMEOUT, ERR_FULL (it prints too
 * much). For the lane WEB_JOB, where one follows the other. */
int job_run(struct api *a,
            const struct job *j,
            struct strbuf *out,
            struct strbuf *said,
            struct err *err);

#endif
