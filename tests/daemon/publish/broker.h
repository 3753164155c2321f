/* A real mosquitto on a free loopback port, and mosquitto_sub listening to it. */
#ifndef CARETAKER_TESTS_PUBLISH_BROKER_H
#define CARETAKER_TESTS_PUBLISH_BROKER_H

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BROKER_PROGRAM  "/usr/sbin/mosquitto"
#define BROKER_LINE     2048
#define BROKER_PATIENCE 60000 /* ms; far beyond what a loaded machine needs. */

/* A child whose output is read line by line. */
struct child {
    pid_t pid; /* 0: not running. */
    int fd;
    char buffer[8192];
    size_t size;
};

struct broker {
    struct child child;
    int port;
    const char *dir;
    const char *extra; /* Lines for the configuration file. */
};

/* The socket stays until the program ends: it is in no server's way, and nobody else is
 * given the port who asks for any. */
static inline int
free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    return ntohs(a.sin_port);
}

/* Runs the program with its output and errors in a pipe. */
static inline void
child_start(struct child *c, char *const argv[])
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* A test that fails leaves none behind. */
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(fds[1]);
    *c = (struct child){.pid = pid, .fd = fds[0]};
}

static inline void
child_end(struct child *c, int signal_number)
{
    if (c->pid != 0) {
        kill(c->pid, signal_number);
        ck_assert_int_eq(waitpid(c->pid, NULL, 0), c->pid);
        close(c->fd);
        *c = (struct child){0};
    }
}

/* The next line, without its end; false when the child has closed its output. */
static inline bool
child_line(struct child *c, char out[BROKER_LINE])
{
    for (;;) {
        char *end = memchr(c->buffer, '\n', c->size);
        if (end != NULL) {
            size_t size = (size_t)(end - c->buffer);
            ck_assert_uint_lt(size, BROKER_LINE);
            memcpy(out, c->buffer, size);
            out[size] = '\0';
            c->size -= size + 1;
            memmove(c->buffer, end + 1, c->size);
            return true;
        }
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        ck_assert_msg(poll(&p, 1, BROKER_PATIENCE) == 1, "nothing came");
        ck_assert_uint_lt(c->size, sizeof c->buffer);
        ssize_t n = read(c->fd, c->buffer + c->size, sizeof c->buffer - c->size);
        if (n <= 0) {
            return false;
        }
        c->size += (size_t)n;
    }
}

/* Reads lines until one holds the text. */
static inline void
child_wait(struct child *c, const char *text)
{
    char line[BROKER_LINE];
    do {
        ck_assert_msg(child_line(c, line), "ended before it said '%s'", text);
    } while (strstr(line, text) == NULL);
}

/* Starts the broker on its port and waits until it listens. */
static inline void
broker_start(struct broker *b)
{
    char path[512], line[BROKER_LINE];
    ck_assert_msg(access(BROKER_PROGRAM, X_OK) == 0,
                  "%s is missing: scripts/setup installs it", BROKER_PROGRAM);
    snprintf(path, sizeof path, "%s/mosquitto.conf", b->dir);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f,
            "listener %d 127.0.0.1\nlog_dest stderr\nlog_type error\n"
            "log_type warning\nlog_type notice\nlog_type information\n"
            "log_type subscribe\npersistence true\npersistence_location %s/\n"
            "user root\nmax_queued_messages 100000\n%s",
            b->port, b->dir, b->extra != NULL ? b->extra : "allow_anonymous true\n");
    fclose(f);
    char *argv[] = {(char[]){BROKER_PROGRAM}, (char[]){"-c"}, path, NULL};
    child_start(&b->child, argv);
    do {
        ck_assert_msg(child_line(&b->child, line), "mosquitto did not start");
    } while (strstr(line, " running") == NULL);
}

/* A subscriber that prints "RETAINED TOPIC PAYLOAD" lines.  With a session, what comes
 * while it or the broker is away is kept for it. */
static inline void
subscriber_start(struct child *c, struct broker *b, const char *topic, bool session)
{
    char port[16], filter[256], keep[] = "-c";
    snprintf(port, sizeof port, "%d", b->port);
    snprintf(filter, sizeof filter, "%s", topic);
    char *argv[] = {(char[]){"mosquitto_sub"},
                    (char[]){"-h"},
                    (char[]){"127.0.0.1"},
                    (char[]){"-p"},
                    port,
                    (char[]){"-q"},
                    (char[]){"1"},
                    (char[]){"-i"},
                    (char[]){"subscriber"},
                    (char[]){"-F"},
                    (char[]){"%r %t %p"},
                    (char[]){"-t"},
                    filter,
                    session ? keep : NULL,
                    NULL};
    child_start(c, argv);
    child_wait(&b->child, "subscriber 1 ");
}

#endif
