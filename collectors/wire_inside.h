/* What wire.c, wire_rtu.c and wire_result.c share.  Nobody else includes this. */
#ifndef CARETAKER_COLLECTORS_WIRE_INSIDE_H
#define CARETAKER_COLLECTORS_WIRE_INSIDE_H

#include "collectors/wire.h"

#define RTU_QUESTION  8
#define RTU_FRAME_MAX 260
#define EXCEPTION_BIT 0x80

/* ---- wire.c ---- */

/* The first bytes are done with. */
void wire_drop(struct wire_reader *r, size_t size);
/* The question has its answer: `data` is what follows the byte count. */
void wire_answered(struct wire_reader *r,
                   struct wire_result *res,
                   struct read_answer *answer,
                   const uint8_t *data);

/* ---- wire_rtu.c ---- */

/* `last`: nothing more comes, so beginnings hold nothing up. */
enum wire_progress wire_take_rtu(struct wire_reader *r,
                                 bool last,
                                 struct wire_result *res,
                                 struct read_answer *answer);
/* The bytes of our question again and nothing after them: the answer after all. */
bool wire_echo_is_answer(const struct wire_reader *r);

/* ---- wire_result.c ---- */

void wire_except(struct wire_result *res, uint8_t code);

#endif
