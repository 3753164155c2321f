#include "daemon/pipeline/api/job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/utf8.h"

#define LOOK_MS     50
#define ERRORS_MAX  65536
#define ERRORS_END  ((off_t)4 << 20)    /* It says more than anybody reads. */
#define FILE_MAX    ((rlim_t)256 << 20) /* Of each file: what is sorted may need one. */
#define NICE        10
#define BUDGET_S    120
#define EXIT_USAGE  2
#define EXIT_CONFIG 3

extern char **environ;

enum { JOB_IN, JOB_OUT, JOB_ERR, JOB_FILES };

/* Its three files are in memory: a process that nobody reads from never waits. */
struct process {
    int files[JOB_FILES];
    int handle; /* pidfd */
    pid_t pid;
};

void
job_word(struct job *j, const char *word)
{
    for (size_t i = 0; i + 1 < ARRAY_LEN(j->words); i++) {
        if (j->words[i] == NULL) {
            j->words[i] = word;
            return;
        }
    }
    abort();
}

void
job_pair(struct job *j, const char *option, const char *value)
{
    if (value != NULL) {
        job_word(j, option);
        job_word(j, value);
    }
}

/* ---- its beginning ---- */

static int
open_files(struct process *p, const struct job *j, struct err *err)
{
    static const char *const names[] = {"job-in", "job-out", "job-errors"};
    for (int i = 0; i < JOB_FILES; i++) {
        p->files[i] = memfd_create(names[i], MFD_CLOEXEC);
        if (p->files[i] < 0) {
            return err_set(err, ERR_IO, "a process: %s", err_reason(errno));
        }
    }
    for (size_t done = 0; done < j->size;) {
        ssize_t n = write(p->files[JOB_IN], j->input + done, j->size - done);
        if (n < 0 && errno != EINTR) {
            return err_set(err, ERR_IO, "a process: %s", err_reason(errno));
        }
        done += n > 0 ? (size_t)n : 0;
    }
    (void)lseek(p->files[JOB_IN], 0, SEEK_SET);
    return 0;
}

/* What it inherits is its three files, and no signal that the loop keeps to itself. */
static int
spawn(struct process *p, const struct api *a, const struct job *j)
{
    char *words[JOB_WORDS_MAX + 10] = {(char *)(uintptr_t) "caretaker"};
    size_t count = 1;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    for (size_t i = 0; j->words[i] != NULL; i++) {
        words[count++] = (char *)(uintptr_t)j->words[i];
    }
    const char *const last[] = {"-c", a->live->path, "--language",
                                language_name(catalogue_language()), "--"};
    for (size_t i = 0; i < ARRAY_LEN(last); i++) {
        words[count++] = (char *)(uintptr_t)last[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(j->names) && j->names[i] != NULL; i++) {
        words[count++] = (char *)(uintptr_t)j->names[i]; /* Whatever it begins with. */
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawn_file_actions_init(&files);
    for (int i = 0; i < JOB_FILES; i++) {
        posix_spawn_file_actions_adddup2(&files, p->files[i], i);
    }
    posix_spawn_file_actions_addclosefrom_np(&files, JOB_FILES);
    int code = posix_spawn(&p->pid, a->live->program, &files, &how, words, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return code;
}

/* The plant comes first: it gives way, is the first to go where memory is short, and
 * ends by itself should nobody be left to end it. */
static void
hold_back(const struct process *p, const struct job *j)
{
    const struct rlimit out = {FILE_MAX, FILE_MAX};
    const struct rlimit time = {BUDGET_S + 1, BUDGET_S + 2};
    char path[64];
    (void)setpriority(PRIO_PROCESS, (id_t)p->pid, NICE);
    (void)prlimit(p->pid, RLIMIT_CPU, &time, NULL);
    if (!j->writes) {
        (void)prlimit(p->pid, RLIMIT_FSIZE, &out, NULL);
    }
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)p->pid);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t ignored = write(file, "1000", 4);
        (void)ignored;
        close(file);
    }
}

static int
begin(struct process *p, const struct api *a, const struct job *j, struct err *err)
{
    int code = open_files(p, j, err);
    if (code != 0) {
        return code;
    }
    int failure = spawn(p, a, j);
    if (failure != 0) {
        p->pid = 0;
        return err_set(err, ERR_IO, "a process: %s", err_reason(failure));
    }
    hold_back(p, j);
    p->handle = pidfd_open(p->pid, 0);
    return p->handle < 0 ? err_set(err, ERR_IO, "a process: %s", err_reason(errno)) : 0;
}

/* ---- its end ---- */

static int
watch(struct process *p, const struct api *a, struct err *err)
{
    struct pollfd ends = {.fd = p->handle, .events = POLLIN};
    int64_t until_ms = clock_mono_ms() + BUDGET_S * INT64_C(1000);
    while (poll(&ends, 1, LOOK_MS) == 0) {
        struct stat st;
        if (atomic_load(&a->live->ending)) {
            return err_set(err, ERR_IO, "the daemon is stopping");
        }
        if (clock_mono_ms() >= until_ms) {
            return err_set(err, ERR_TIMEOUT,
                           "this takes longer than %d s; ask for less", BUDGET_S);
        }
        if (fstat(p->files[JOB_OUT], &st) == 0 && st.st_size > (off_t)JOB_OUT_MAX) {
            break;
        }
        if (fstat(p->files[JOB_ERR], &st) == 0 && st.st_size > ERRORS_END) {
            return err_set(err, ERR_FULL, "too much is wrong with what was sent");
        }
    }
    return 0;
}

static void
read_back(int file, size_t most, struct strbuf *out)
{
    char block[65536];
    off_t at = 0;
    for (ssize_t n = 1; n > 0 && (size_t)at < most; at += n) {
        size_t size =
            most - (size_t)at < sizeof block ? most - (size_t)at : sizeof block;
        n = pread(file, block, size, at);
        if (n > 0) {
            strbuf_add_bytes(out, block, (size_t)n);
        }
    }
}

static const char *
without_name(const char *line)
{
    return line + (strncmp(line, "caretaker: ", 11) == 0 ? 11 : 0);
}

/* The first line of what it said, and the last. */
static void
say_errors(int file, struct err *err, enum err_code code)
{
    struct strbuf said = {0};
    read_back(file, ERRORS_MAX, &said);
    while (said.size > 0 && said.text[said.size - 1] == '\n') {
        said.text[--said.size] = '\0';
    }
    char *text = said.size > 0 ? said.text : NULL;
    char *last = text != NULL ? strrchr(text, '\n') : NULL;
    if (last != NULL) {
        *last++ = '\0';
        text[strcspn(text, "\n")] = '\0';
    }
    char line[ERR_TEXT_BYTES];
    (void)utf8_copy(line, sizeof line,
                    text != NULL ? without_name(text) : tr("the command failed"));
    err_set(err, code, "%s%s%s", line, last != NULL ? "; " : "",
            last != NULL ? without_name(last) : "");
    strbuf_fini(&said);
}

/* What its exit status means. */
static int
judge(const struct process *p,
      const struct job *j,
      int how,
      struct strbuf *out,
      struct err *err)
{
    struct stat st;
    int code = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
    if (fstat(p->files[JOB_OUT], &st) == 0 && st.st_size > (off_t)JOB_OUT_MAX) {
        return err_set(err, ERR_FULL, "the answer is longer than %d MiB; ask for less",
                       (int)(JOB_OUT_MAX >> 20));
    }
    if (code == 0 || code == 1 || code == EXIT_CONFIG) {
        read_back(p->files[JOB_OUT], JOB_OUT_MAX, out);
    }
    if (code == 1 && out->size == 0) {
        enum err_code no = j->no != ERR_NONE ? j->no : ERR_NOT_FOUND;
        say_errors(p->files[JOB_ERR], err, no);
        return no;
    }
    if (code == 0 || code == 1 || (code == EXIT_CONFIG && j->wrong_counts)) {
        return 0;
    }
    if (WIFSIGNALED(how)) {
        return err_set(err, ERR_IO, "the command was ended: %s",
                       strsignal(WTERMSIG(how)));
    }
    enum err_code meant = code == EXIT_USAGE    ? ERR_USAGE
                          : code == EXIT_CONFIG ? ERR_CONFIG
                                                : ERR_IO;
    say_errors(p->files[JOB_ERR], err, meant);
    return meant;
}

int
job_run(struct api *a,
        const struct job *j,
        struct strbuf *out,
        struct strbuf *said,
        struct err *err)
{
    struct process p = {.files = {-1, -1, -1}, .handle = -1};
    int how = -1;
    if (a->live->program == NULL) {
        return err_set(err, ERR_REFUSED, "this daemon runs no commands");
    }
    int code = begin(&p, a, j, err);
    code = code == 0 ? watch(&p, a, err) : code;
    if (p.pid > 0) {
        (void)kill(p.pid, SIGKILL); /* Unless it has ended. */
        while (waitpid(p.pid, &how, 0) < 0 && errno == EINTR) {
        }
    }
    code = code == 0 ? judge(&p, j, how, out, err) : code;
    if (code == 0 && said != NULL) {
        read_back(p.files[JOB_ERR], ERRORS_MAX, said);
    }
    for (int i = 0; i < JOB_FILES; i++) {
        if (p.files[i] >= 0) {
            close(p.files[i]);
        }
    }
    if (p.handle >= 0) {
        close(p.handle);
    }
    return code;
}
