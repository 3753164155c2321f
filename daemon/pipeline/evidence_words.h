/* The words of a pack in the languages of sites. */
#ifndef CARETAKER_PIPELINE_EVIDENCE_WORDS_H
#define CARETAKER_PIPELINE_EVIDENCE_WORDS_H

#include <stddef.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/words.h"
#include "daemon/pipeline/evidence.h"

/* The text in that language; `english` itself where there is no other. */
const char *evidence_say(enum language language, const char *english);
/* Every text that can be asked for, in English; NULL behind the last. */
const char *evidence_word(size_t index);

/* What happened, without its time and person: "assigned to zhang", "resolved: bearing
 * exchanged; cause wear, 40 min". */
void evidence_life_line(struct strbuf *out,
                        const struct evidence *e,
                        const struct evidence_event *v);
/* Who did it; NULL: the machine. */
const char *evidence_life_person(const struct evidence *e,
                                 const struct evidence_event *v);
/* "120.50 CNY" of hundredths. */
void evidence_money(struct strbuf *out, const struct evidence *e, int64_t hundredths);
/* "bearing 6309 x 2, grease x 1 (80.00 CNY)" */
void
evidence_parts(struct strbuf *out, const struct evidence *e, const struct ticket *t);
/* "61.2 .. 65.0 °C, mean 63", or "-" without samples. */
void evidence_sum_text(struct strbuf *out,
                       const struct evidence_series *s,
                       const struct evidence_sum *sum);
/* Why there is nothing to draw, in words; NULL where there is. */
const char *evidence_no_values(const struct evidence *e,
                               const struct evidence_window *w);
/* What fixed it: "bearing exchanged (wear); bearing 6309 x 1"; "" before it was. */
void
evidence_remedy(struct strbuf *out, const struct evidence *e, const struct ticket *t);
/* What became of the rule since. */
const char *evidence_rule_text(const struct evidence *e);

#endif
