#include "daemon/model/words.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/err.h"

static const char *const qualities[] = {"good",    "timeout", "crc",      "exception",
                                        "refused", "range",   "sentinel", "stale",
                                        "stuck",   "offline"};
static const char *const severities[] = {"info", "normal", "urgent", "critical"};
static const char *const languages[] = {"en", "zh-CN"};
static const char *const alarm_states[] = {"normal",        "active",  "active-acked",
                                           "cleared",       "shelved", "suppressed",
                                           "out-of-service"};
static const char *const ticket_states[] = {"opened",  "assigned", "responded",
                                            "waiting", "resolved", "closed"};
static const char *const ticket_kinds[] = {"fault", "planned", "predicted", "reported"};
static const char *const pauses[] = {"", "parts", "contractor", "access", "other"};
static const char *const proofs[] = {"", "alarm-stands", "no-good-samples",
                                     "not-running", "watching"};
/* Of each, for people. */
static const char *const proof_texts[] = {"", "alarm stands", "no good samples",
                                          "not seen running", "watching"};
static const char *const document_kinds[] = {"manual", "drawing", "certificate",
                                             "warranty", "other"};

_Static_assert(ARRAY_LEN(qualities) == QUALITY_COUNT, "a word for each quality");
_Static_assert(ARRAY_LEN(severities) == SEVERITY_COUNT, "a word for each severity");
_Static_assert(ARRAY_LEN(languages) == LANGUAGE_COUNT, "a word for each language");
_Static_assert(ARRAY_LEN(alarm_states) == ALARM_STATE_COUNT, "a word for each state");
_Static_assert(ARRAY_LEN(ticket_states) == TICKET_STATE_COUNT, "a word for each state");
_Static_assert(ARRAY_LEN(ticket_kinds) == TICKET_KIND_COUNT, "a word for each kind");

_Static_assert(ARRAY_LEN(pauses) == PAUSE_COUNT, "a word for each pause");
_Static_assert(ARRAY_LEN(proofs) == PROOF_COUNT, "a word for each proof");
_Static_assert(ARRAY_LEN(proof_texts) == PROOF_COUNT, "a text for each proof");
_Static_assert(ARRAY_LEN(document_kinds) == DOCUMENT_KIND_COUNT,
               "a word for each kind");

/* Index of `text` in `words`, or -1. */
static int
find(const char *const *words, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], text) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* Name and parser of one enumeration. */
#define NAMES(type, prefix, words)                                                     \
    const char *prefix##_name(type v)                                                  \
    {                                                                                  \
        assert((size_t)v < ARRAY_LEN(words));                                          \
        return words[v];                                                               \
    }                                                                                  \
    bool prefix##_parse(type *out, const char *text)                                   \
    {                                                                                  \
        int index = find(words, ARRAY_LEN(words), text);                               \
        if (index < 0) {                                                               \
            return false;                                                              \
        }                                                                              \
        *out = (type)index;                                                            \
        return true;                                                                   \
    }

/* And its word for people; its prefix is the words' context in the catalogue. */
#define WORDS(type, prefix, words)                                                     \
    NAMES(type, prefix, words)                                                         \
    const char *prefix##_word(type v)                                                  \
    {                                                                                  \
        return tr_word(#prefix, prefix##_name(v));                                     \
    }

WORDS(enum quality, quality, qualities)
WORDS(enum severity, severity, severities)
WORDS(enum language, language, languages)
WORDS(enum alarm_state, alarm_state, alarm_states)
WORDS(enum ticket_state, ticket_state, ticket_states)
WORDS(enum ticket_kind, ticket_kind, ticket_kinds)
WORDS(enum pause, pause, pauses)
NAMES(enum proof, proof, proofs)
WORDS(enum document_kind, document_kind, document_kinds)

const char *
proof_word(enum proof p)
{
    return p != PROOF_NONE ? tr_word("proof", proof_texts[p]) : "";
}

const char *
text_in(const struct text *t, enum language language)
{
    if (t->in[language] != NULL) {
        return t->in[language];
    }
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        if (t->in[i] != NULL) {
            return t->in[i];
        }
    }
    return NULL;
}

bool
text_is_empty(const struct text *t)
{
    return text_in(t, LANGUAGE_EN) == NULL;
}
