/* Who is on duty, in which team, for how long, and whom it goes up to: from the
 * configuration alone. */
#ifndef CARETAKER_PIPELINE_DUTY_H
#define CARETAKER_PIPELINE_DUTY_H

#include <stdint.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"

#define DUTY_DAYS_MAX 366

/* An array, one object for each team in the order of the site:
 * team, name
 * on_duty        id of who is on duty at t_ms; null: there is no rota
 * since, until   of his duty, and what follows it without a break; null: it is longer
 *                than DUTY_DAYS_MAX days
 * works          it works on normal tickets at t_ms
 * works_from     when it does so again; null while it does
 * escalation     [{level, after_ms, to: [ids]}]
 * coming         [{who, from, until}], the duties that begin within `days` days */
void duty_to_json(struct strbuf *out, const struct site *site, int64_t t_ms, int days);

#endif
