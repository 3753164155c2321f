/* caretaker ticket photo: adds a photo to a ticket. */
#ifndef CARETAKER_CLI_TICKET_PHOTO_H
#define CARETAKER_CLI_TICKET_PHOTO_H

#define TICKET_PHOTO_WORD "photo"

/* Returns the exit status; `argv` as for cli_ticket. */
int ticket_photo(int argc, char **argv);

#endif
