/* What a pack says in words, in the language of the thread (evidence*.c only). */
#ifndef CARETAKER_PIPELINE_EVIDENCE_WORDS_H
#define CARETAKER_PIPELINE_EVIDENCE_WORDS_H

#include "daemon/base/strbuf.h"
#include "daemon/model/words.h"
#include "daemon/pipeline/evidence/evidence.h"

/* The context of its words in the catalogue: they are short, and mean other things
 * elsewhere. */
#define PACK "pack"

/* evidence_life.c */
/* What happened, without its time and person: "assigned to zhang", "resolved: bearing
 * exchanged; cause wear, 40 min". */
void evidence_life_line(struct strbuf *out,
                        const struct evidence *e,
                        const struct evidence_event *v);
/* Who did it; NULL: the machine. */
const char *evidence_life_person(const struct evidence *e,
                                 const struct evidence_event *v);

/* evidence_words.c */
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
/* A label with its value. */
struct evidence_fact {
    const char *label, *value;
};
#define EVIDENCE_FACTS_MAX 48
/* Cause, consequence, action and source of a rule, where it says them; how many.
 * `facts` are those of an opening, or of another rule of the group. */
uint32_t evidence_wish(struct evidence_fact out[EVIDENCE_FACTS_MAX],
                       const struct json_t *facts);
/* What the ledger knows, the papers behind it; how many. */
uint32_t evidence_ledger_facts(struct evidence_fact out[EVIDENCE_FACTS_MAX],
                               const struct evidence *e);
/* "2026-03-01 10:44:30 · met"; "" for no deadline. */
const char *evidence_respond_by(const struct evidence *e);
const char *evidence_resolve_by(const struct evidence *e);
/* Parts and all else, in hundredths. */
int64_t evidence_total(const struct ticket *t);
/* Ids of the devices on its bus, or fed by it; "" without any. */
const char *evidence_affected(const struct evidence *e);
/* "Pump 1 (pump-1)", and how it is called now where that is another name; NULL: the
 * ticket has no device. */
const char *evidence_device_text(const struct evidence *e);
/* Whether anything was said of the work. */
bool evidence_has_work(const struct ticket *t);
/* "yes" or "no" of a closed one, else its state. */
const char *evidence_first_time(const struct ticket *t);
/* "online", ... of the device at an opening; "-" when it is not known, "" when it
 * stands for its bus. */
const char *evidence_device_state(const struct evidence_opening *o);
/* Why it did not answer last; "" where it did, or nothing is known. */
const char *evidence_device_cause(const struct evidence_opening *o);
/* A closing code with what it means: "wear (worn out ...)". */
const char *evidence_cause(const struct evidence *e, const char *code);
/* "4 / 5"; NULL: it was not rated. */
const char *evidence_stars(const struct evidence *e);
/* "around the opening, 2026-03-01 09:45:00" */
const char *evidence_window_title(const struct evidence *e,
                                  const struct evidence_window *w);
/* "pump-overload, version 0123456789ab" of another rule of the group. */
const char *evidence_other_title(const struct evidence *e, uint32_t index);
/* What became of the rule since. */
const char *evidence_rule_text(const struct evidence *e);

#endif
