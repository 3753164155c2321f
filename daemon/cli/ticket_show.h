/* caretaker ticket show: one ticket with its evidence. */
#ifndef CARETAKER_CLI_TICKET_SHOW_H
#define CARETAKER_CLI_TICKET_SHOW_H

#define TICKET_SHOW_WORD "show"

/* `argv` holds the word, and options on either side of it.  Returns the exit status. */
int ticket_show(int argc, char **argv);

#endif
