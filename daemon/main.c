/* caretaker: watches the plant of a building. */
#include <stdio.h>
#include <string.h>

#include "daemon/cli/cli.h"

static void
print_overview(FILE *out)
{
    fprintf(out,
            tr("caretaker %s: watches elevators, pumps and power rooms\n\n"
               "Usage: caretaker COMMAND [OPTIONS]\n\nCommands:\n"),
            CARETAKER_VERSION);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        fprintf(out, "  %-12s %s\n", cli_commands[i]->name,
                tr(cli_commands[i]->summary));
    }
    fputs(tr("\n`caretaker help COMMAND` or `caretaker COMMAND --help` says more; so "
             "do the manual pages\ncaretaker(1) and caretaker-site(5).\n\n"
             "Exit status: 0 done, 1 the answer is no, 2 usage, 3 configuration, 4 the "
             "outside world.\n"),
          out);
}

static const struct cli_command *
find(const char *name)
{
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) {
            return cli_commands[i];
        }
    }
    const char *names[64];
    size_t count = 0;
    for (; count < ARRAY_LEN(names) && cli_commands[count] != NULL; count++) {
        names[count] = cli_commands[count]->name;
    }
    const char *meant = diag_nearest(name, names, count);
    fprintf(stderr,
            tr("caretaker: there is no command \"%s\"%s%s%s; see caretaker help\n"),
            name, meant != NULL ? tr("; did you mean ") : "",
            meant != NULL ? meant : "", meant != NULL ? "?" : "");
    return NULL;
}

/* Options may stand before the command too: the command is brought to the front.  What
 * follows -c is a path, whatever it is called. */
static void
bring_command_forward(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--site") == 0) {
            i++;
            continue;
        }
        for (size_t n = 0; cli_commands[n] != NULL; n++) {
            if (strcmp(argv[i], cli_commands[n]->name) == 0) {
                char *command = argv[i];
                memmove(&argv[2], &argv[1], (size_t)(i - 1) * sizeof *argv);
                argv[1] = command;
                return;
            }
        }
    }
}

static bool
stands_alone(const char *option)
{
    static const char *const words[] = {"--version", "-V", "--help", "-h"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(option, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int
run_command(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return CLI_USAGE;
    }
    if (argv[1][0] == '-' && !stands_alone(argv[1])) {
        bring_command_forward(argc, argv);
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("caretaker %s\n", CARETAKER_VERSION);
        return CLI_OK;
    }
    bool help = strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 ||
                strcmp(word, "-h") == 0;
    if (help && argc < 3) {
        print_overview(stdout);
        return CLI_OK;
    }
    const struct cli_command *command = find(help ? argv[2] : word);
    if (command == NULL) {
        return CLI_USAGE;
    }
    if (help) {
        char *arguments[] = {argv[2], (char[]){"--help"}, NULL};
        return command->run(command, 2, arguments);
    }
    return command->run(command, argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
    int status = cli_take_language(&argc, argv);
    if (status == CLI_OK) {
        status = run_command(argc, argv);
    }
    /* What was printed is the answer: if it got lost, nothing was answered. */
    bool written = fflush(stdout) == 0 && ferror(stdout) == 0;
    if (!written && status == CLI_OK) {
        fputs(tr("caretaker: the output cannot be written\n"), stderr);
        status = CLI_OUTSIDE;
    }
    return status;
}
