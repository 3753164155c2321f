#include <stdio.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/cli/cli.h"

/* The shell's words: which command, and what stands before the word to complete. */
#define COMMAND(name)  "[ \"${COMP_WORDS[1]}\" = " name " ]"
#define AT(index)      "[ \"$COMP_CWORD\" -eq " index " ]"
#define BEHIND(option) "[ \"${COMP_WORDS[COMP_CWORD-1]}\" = " option " ]"
#define IS_OPTION      "[[ $word == -* ]]"
#define AT_TOKEN       "[ \"${COMP_WORDS[2]}\" = token ]"
#define BEHIND_A_WORD  "[[ ${COMP_WORDS[COMP_CWORD-1]} != -* ]]"
#define OPTIONS_OF(cmd)                                                                \
    "$(caretaker " cmd " --help 2>/dev/null | grep -oE -- '--[a-z-]+')"
#define FORMATS                                                                        \
    "$(caretaker \"${COMP_WORDS[1]}\" --help 2>/dev/null | "                           \
    "grep -m 1 -oE -- '--format [a-z|]+' | sed 's/.* //' | tr '|' ' ')"
#define FIRST_OF(cmd) "$(caretaker " cmd " 2>/dev/null | awk 'NR > 1 {print $1}')"

/* not translated: words that are typed.
 * The first that fits says what the word may be.  Options are read from the command's
 * own help, profiles and schemas from their listing, closing codes from below a heading
 * that is looked for in English. */
static const struct branch {
    const char *when;
    const char *words;
} branches[] = {
    {COMMAND("ticket") " && " IS_OPTION, OPTIONS_OF("ticket \"${COMP_WORDS[2]}\"")},
    {COMMAND("user") " && " IS_OPTION " && " AT_TOKEN,
     OPTIONS_OF("user token \"${COMP_WORDS[3]}\"")},
    {COMMAND("user") " && " IS_OPTION, OPTIONS_OF("user \"${COMP_WORDS[2]}\"")},
    {BEHIND("--role"), "viewer technician engineer administrator"},
    {BEHIND("--pause"), "parts contractor access other"},
    {BEHIND("--priority"), "critical urgent normal"},
    {BEHIND("--cause"), "$(caretaker ticket resolve --help --language en 2>/dev/null | "
                        "sed '1,/^Closing codes/d' | awk '{print $1}')"},
    {BEHIND("--format"), FORMATS},
    {IS_OPTION, OPTIONS_OF("\"${COMP_WORDS[1]}\"")},
    {COMMAND("ticket") " && " AT("2"),
     "open take arrive wait resume tick change resolve "
     "close reopen note rate photo show"},
    {COMMAND("ledger") " && " AT("2"), "list export import set add-document "
                                       "remove-document add-alteration"},
    {COMMAND("plan") " && " AT("2"), "start done move"},
    {COMMAND("user") " && " AT("2"), "add list show change password remove token"},
    {COMMAND("user") " && " AT_TOKEN " && " AT("3"), "add list revoke"},
    {COMMAND("service") " && " AT("3"), "out in"},
    {COMMAND("profiles") " && " BEHIND_A_WORD, FIRST_OF("profiles")},
    {COMMAND("schema"), FIRST_OF("schema")},
    {COMMAND("report") " && " AT("2"), "alarms"},
};

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, NULL, 0, argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count != 1 || strcmp(args.items[0], "bash") != 0) {
        return cli_usage_error(self, "bash is the shell that there is completion for");
    }
    /* not translated: a script, down to its end. */
    printf("# bash completion for caretaker\n"
           "_caretaker() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]}\n"
           "    if " AT("1") "; then\n"
                             "        COMPREPLY=($(compgen -W \"help");
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        printf(" %s", cli_commands[i]->name);
    }
    printf("\" -- \"$word\"))\n");
    for (size_t i = 0; i < ARRAY_LEN(branches); i++) {
        printf("    elif %s; then\n"
               "        COMPREPLY=($(compgen -W \"%s\" -- \"$word\"))\n",
               branches[i].when, branches[i].words);
    }
    printf("    else\n"
           "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
           "    fi\n"
           "}\n"
           "complete -o filenames -F _caretaker caretaker\n");
    return CLI_OK;
}

const struct cli_command cli_completion = {
    "completion", "print the completion script of a shell", "bash",
    "Put it where your shell looks, e.g.\n"
    "  caretaker completion bash > /etc/bash_completion.d/caretaker\n",
    run};
