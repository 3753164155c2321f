/* What a page needs to know of a site to name things and to offer choices, as JSON, in
 * the language of the thread:
 *
 *   id name timezone language currency version now
 *   areas types locations categories     words, each once, in order
 *   teams          id name members categories
 *   people         id name role skills ways (mail, phone, ...)
 *   users          id name: who may log in, whose acts are told by name
 *   priorities     {critical: {respond_ms resolve_ms}, ..}
 *   verify_for_ms follow_up_ms visit_after_ms
 *   chatter        {episodes window_ms}
 *   procedures     id title steps (how many)
 *   plans          id title team procedure statutory priority
 *   causes         code text: closing codes, the site's own last
 *   words          {severity: {urgent: ".."}, ..}: alarm_state ticket_state ticket_kind
 *                  pause proof quality document_kind severity
 *   devices buses rules points           how many, of what the owner listed */
#ifndef CARETAKER_PIPELINE_SITE_JSON_H
#define CARETAKER_PIPELINE_SITE_JSON_H

#include <stdint.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/site.h"

/* `users`: that array, ready. */
void site_json(struct strbuf *out,
               const struct site *site,
               int64_t now_ms,
               const char *users);

/* The procedures with all that is in them, as an array: id title steps parts used_by
 * (rules) plans. */
void site_procedures_json(struct strbuf *out, const struct site *site);

#endif
