#include <stdio.h>
#include <string.h>

#include "daemon/cli/cli.h"

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
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        COMPREPLY=($(compgen -W \"help");
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        printf(" %s", cli_commands[i]->name);
    }
    /* Options are read from the command's own help, profiles and schemas from their
     * listing. */
    printf(
        "\" -- \"$word\"))\n"
        "    elif [[ $word == -* && ${COMP_WORDS[1]} == ticket ]]; then\n"
        "        COMPREPLY=($(compgen -W \"$(caretaker ticket \"${COMP_WORDS[2]}\" "
        "--help 2>/dev/null | grep -oE -- '--[a-z-]+')\" -- \"$word\"))\n"
        "    elif [[ ${COMP_WORDS[COMP_CWORD-1]} == --pause ]]; then\n"
        "        COMPREPLY=($(compgen -W \"parts contractor access other\" -- "
        "\"$word\"))\n"
        "    elif [[ ${COMP_WORDS[COMP_CWORD-1]} == --priority ]]; then\n"
        "        COMPREPLY=($(compgen -W \"critical urgent normal\" -- \"$word\"))\n"
        "    elif [[ ${COMP_WORDS[COMP_CWORD-1]} == --cause ]]; then\n"
        "        COMPREPLY=($(compgen -W \"$(caretaker ticket resolve --help "
        "2>/dev/null | sed '1,/^Closing codes/d' | awk '{print $1}')\" -- "
        "\"$word\"))\n"
        "    elif [[ $word == -* ]]; then\n"
        "        COMPREPLY=($(compgen -W \"$(caretaker \"${COMP_WORDS[1]}\" --help "
        "2>/dev/null | grep -oE -- '--[a-z-]+')\" -- \"$word\"))\n"
        "    elif [ \"${COMP_WORDS[1]}\" = ticket ] && [ \"$COMP_CWORD\" -eq 2 ]; "
        "then\n"
        "        COMPREPLY=($(compgen -W \"open take arrive wait resume tick change "
        "resolve close reopen note rate show\" -- \"$word\"))\n"
        "    elif [ \"${COMP_WORDS[1]}\" = ledger ] && [ \"$COMP_CWORD\" -eq 2 ]; "
        "then\n"
        "        COMPREPLY=($(compgen -W \"list export import set add-document "
        "remove-document add-alteration\" -- \"$word\"))\n"
        "    elif [ \"${COMP_WORDS[1]}\" = plan ] && [ \"$COMP_CWORD\" -eq 2 ]; "
        "then\n"
        "        COMPREPLY=($(compgen -W \"start done move\" -- \"$word\"))\n"
        "    elif [ \"${COMP_WORDS[1]}\" = service ] && [ \"$COMP_CWORD\" -eq 3 ]; "
        "then\n"
        "        COMPREPLY=($(compgen -W \"out in\" -- \"$word\"))\n"
        "    elif [ \"${COMP_WORDS[1]}\" = profiles ] && [[ "
        "${COMP_WORDS[COMP_CWORD-1]} "
        "!= -* ]]; then\n"
        "        COMPREPLY=($(compgen -W \"$(caretaker profiles 2>/dev/null | awk 'NR "
        "> 1 "
        "{print $1}')\" -- \"$word\"))\n"
        "    elif [ \"${COMP_WORDS[1]}\" = schema ]; then\n"
        "        COMPREPLY=($(compgen -W \"$(caretaker schema 2>/dev/null | awk 'NR > "
        "1 "
        "{print $1}')\" -- \"$word\"))\n"
        "    elif [ \"${COMP_WORDS[1]}\" = report ] && [ \"$COMP_CWORD\" -eq 2 ]; "
        "then\n"
        "        COMPREPLY=($(compgen -W \"alarms\" -- \"$word\"))\n"
        "    else\n"
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
