#include "daemon/cli/password.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/utf8.h"
#include "daemon/store/secrets.h"

/* One line without its end.  Read byte by byte: what follows it is not ours. */
static int
read_line(char *out, int signals, struct err *err)
{
    size_t size = 0;
    for (;;) {
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = signals, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            return err_set(err, ERR_IO, "poll: %s", err_reason(errno));
        }
        if (fds[1].revents != 0) {
            return err_set(err, ERR_REFUSED, "interrupted; nothing was changed");
        }
        if (fds[0].revents == 0) {
            continue;
        }
        char c = '\0';
        ssize_t n = read(STDIN_FILENO, &c, 1);
        if (n < 0 && errno != EINTR) {
            return err_set(err, ERR_IO, "standard input: %s", err_reason(errno));
        }
        if (n == 0 || (n == 1 && c == '\n')) {
            break;
        }
        if (n == 1 && size < PASSWORD_TEXT_BYTES - 1) {
            out[size++] = c;
        }
    }
    if (size > 0 && out[size - 1] == '\r') {
        size--;
    }
    out[size] = '\0';
    return 0;
}

/* What would be another text as JSON is another password. */
static int
check(const char *password, struct err *err)
{
    size_t size = strlen(password);
    for (size_t i = 0, step = 0; i < size; i += step) {
        step = utf8_size(password + i, size - i);
        if (step == 0) {
            return err_set(err, ERR_RANGE, "a password is a text in UTF-8");
        }
    }
    return secrets_password_check(password, err);
}

static int
ask(char *out, const char *prompt, int signals, struct err *err)
{
    fputs(prompt, stderr);
    int code = read_line(out, signals, err);
    fputs("\n", stderr);
    return code;
}

static int
ask_twice(char *out, const char *prompt, int signals, struct err *err)
{
    char again[PASSWORD_TEXT_BYTES];
    int code = ask(out, prompt, signals, err);
    code = code == 0 ? check(out, err) : code;
    code = code == 0 ? ask(again, tr("The same again: "), signals, err) : code;
    if (code == 0 && strcmp(out, again) != 0) {
        code = err_set(err, ERR_REFUSED, "these are two different passwords");
    }
    secrets_wipe(again, sizeof again);
    return code;
}

/* The terminal shows what is typed again in any case: signals only end the reading. */
static int
ask_hidden(char *out, const char *prompt, struct err *err)
{
    struct termios shown;
    sigset_t set;
    sigset_t before;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGTSTP);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0 || tcgetattr(STDIN_FILENO, &shown) != 0) {
        int code = err_set(err, ERR_IO, "terminal: %s", err_reason(errno));
        if (signals >= 0) {
            close(signals);
        }
        return code;
    }
    sigprocmask(SIG_BLOCK, &set, &before);
    struct termios hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    int code = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0) {
        code = err_set(err, ERR_IO, "terminal: %s", err_reason(errno));
    }
    code = code == 0 ? ask_twice(out, prompt, signals, err) : code;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    /* What came meanwhile has been seen. */
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
    }
    close(signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}

int
password_read(char *out, const char *prompt, bool from_stdin, struct err *err)
{
    if (!from_stdin && isatty(STDIN_FILENO)) {
        return ask_hidden(out, prompt, err);
    }
    int code = read_line(out, -1, err);
    return code == 0 ? check(out, err) : code;
}
