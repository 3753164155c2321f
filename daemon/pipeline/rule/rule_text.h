/* A rule as YAML in one fixed form, whatever the file looked like that it stood in: the
 * keys in the order of the contract, those with their preset left out, what the site
 * gave it filled in.  config/ reads it back to the same rule.  Pure. */
#ifndef CARETAKER_PIPELINE_RULE_TEXT_H
#define CARETAKER_PIPELINE_RULE_TEXT_H

#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"

/* One item of a list: "- id: hot\n  when: ...\n". */
void rule_text_write(struct strbuf *out, const struct rule_spec *rule);

/* The version of a text: twelve hex digits, other ones for any other text. */
#define RULE_VERSION_BYTES 13
char *rule_text_version(char *out, const char *text); /* `out` of RULE_VERSION_BYTES */

#endif
