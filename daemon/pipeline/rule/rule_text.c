#include "daemon/pipeline/rule/rule_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

/* Words that YAML takes for something else than text. */
static bool
is_other_word(const char *text)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on",
                                        "off",  "null",  "y",   "n",  "~"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return true;
        }
    }
    char *end = NULL;
    (void)strtod(text, &end);
    return *end == '\0';
}

/* The code of a character that YAML would take for a break of the line, or not at all,
 * where it stands as it is; 0: it may stand. */
static unsigned
escaped_code(const char *at, size_t size)
{
    const unsigned char *c = (const unsigned char *)at;
    unsigned code = size == 1   ? c[0]
                    : size == 2 ? (c[0] & 0x1Fu) << 6 | (c[1] & 0x3Fu)
                    : size == 3
                        ? (c[0] & 0x0Fu) << 12 | (c[1] & 0x3Fu) << 6 | (c[2] & 0x3Fu)
                        : 0;
    bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    bool other = code == 0x2028 || code == 0x2029 || code == 0xFEFF || code >= 0xFFFE;
    return size < 4 && (control || other) ? code : 0;
}

/* It can stand without quotes: it begins with a letter and holds nothing that YAML
 * could read as its own. */
static bool
is_plain(const char *text)
{
    size_t left = strlen(text);
    unsigned char first = (unsigned char)text[0];
    if (left == 0 || (!isalpha(first) && first < 0x80) || text[left - 1] == ' ' ||
        is_other_word(text)) {
        return false;
    }
    while (left > 0) {
        size_t size = utf8_size(text, left);
        if (size == 0 || strchr("#:'\"\\{}[],&*!|`@", *text) != NULL ||
            escaped_code(text, size) != 0) {
            return false;
        }
        text += size;
        left -= size;
    }
    return true;
}

/* In quotes, with the escapes that JSON and YAML share. */
static void
add_quoted(struct strbuf *out, const char *text)
{
    size_t left = strlen(text);
    strbuf_add_char(out, '"');
    while (left > 0) {
        size_t size = utf8_size(text, left);
        unsigned code = size > 0 ? escaped_code(text, size) : 0xFFFDu;
        if (code != 0) {
            if (code == '\n') {
                strbuf_add(out, "\\n");
            } else {
                strbuf_printf(out, "\\u%04x", code);
            }
        } else if (*text == '"' || *text == '\\') {
            strbuf_printf(out, "\\%c", *text);
        } else {
            strbuf_add_bytes(out, text, size);
        }
        size = size > 0 ? size : 1;
        text += size;
        left -= size;
    }
    strbuf_add_char(out, '"');
}

static void
add_text(struct strbuf *out, const char *text)
{
    if (is_plain(text)) {
        strbuf_add(out, text);
    } else {
        add_quoted(out, text);
    }
}

static void
add_line(struct strbuf *out, const char *indent, const char *key, const char *value)
{
    if (value != NULL) {
        strbuf_printf(out, "%s%s: ", indent, key);
        add_text(out, value);
        strbuf_add_char(out, '\n');
    }
}

static void
add_duration(struct strbuf *out, const char *key, int64_t ms)
{
    char text[INSTANT_TEXT_BYTES];
    strbuf_printf(out, "  %s: %s\n", key, duration_write(text, ms));
}

static void
add_duration_opt(struct strbuf *out, const char *key, int64_t ms)
{
    if (ms != 0) {
        add_duration(out, key, ms);
    }
}

static void
add_applies_to(struct strbuf *out, const struct applies_to *a)
{
    const char *const values[] = {a->type, a->id, a->tag, a->location};
    static const char *const keys[] = {"type", "id", "tag", "location"};
    bool first = true;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (values[i] != NULL) {
            strbuf_printf(out, "%s%s: ", first ? "  applies_to: {" : ", ", keys[i]);
            add_quoted(out, values[i]);
            first = false;
        }
    }
    strbuf_add(out, first ? "" : "}\n");
}

static void
add_levels(struct strbuf *out, const struct rule_spec *r)
{
    strbuf_add(out, "  levels:\n");
    for (uint32_t i = 0; i < r->level_count; i++) {
        strbuf_printf(out, "    - severity: %s\n",
                      severity_name(r->levels[i].severity));
        add_line(out, "      ", "when", r->levels[i].when.text);
        add_line(out, "      ", "clear", r->levels[i].clear.text);
    }
}

static void
add_condition(struct strbuf *out, const struct rule_spec *r)
{
    bool plain = r->level_count == 1;
    add_line(out, "  ", "while", r->while_.text);
    if (plain) {
        add_line(out, "  ", "when", r->levels[0].when.text);
    }
    add_duration_opt(out, "hold", r->hold_ms);
    if (plain) {
        add_line(out, "  ", "clear", r->levels[0].clear.text);
    }
    add_duration_opt(out, "clear_hold", r->clear_hold_ms);
    if (plain) {
        strbuf_printf(out, "  severity: %s\n", severity_name(r->levels[0].severity));
    } else {
        add_levels(out, r);
    }
}

/* One text for all languages stands alone, as people write it. */
static void
add_texts(struct strbuf *out, const char *key, const struct text *t)
{
    if (t->in[LANGUAGE_ZH_CN] == NULL) {
        add_line(out, "  ", key, t->in[LANGUAGE_EN]);
        return;
    }
    strbuf_printf(out, "  %s:\n", key);
    for (int l = 0; l < LANGUAGE_COUNT; l++) {
        add_line(out, "    ", language_name((enum language)l), t->in[l]);
    }
}

static void
add_title(struct strbuf *out, const struct rule_spec *r)
{
    const char *english = r->title.in[LANGUAGE_EN];
    /* The id is what it is without one. */
    if (r->title.in[LANGUAGE_ZH_CN] != NULL ||
        (english != NULL && strcmp(english, r->id) != 0)) {
        add_texts(out, "title", &r->title);
    }
}

static void
add_suppressed_by(struct strbuf *out, const struct rule_spec *r)
{
    for (uint32_t i = 0; i < r->suppressed_by_count; i++) {
        strbuf_add(out, i == 0 ? "  suppressed_by: [" : ", ");
        add_quoted(out, r->suppressed_by[i]);
    }
    strbuf_add(out, r->suppressed_by_count > 0 ? "]\n" : "");
}

static void
add_ticket(struct strbuf *out, const struct rule_spec *r)
{
    bool fault = r->ticket_kind == TICKET_FAULT;
    bool preset = fault != rule_predicts(r);
    if (r->team != NULL || r->category != NULL || !preset ||
        r->brings_forward != NULL) {
        strbuf_add(out, "  ticket:\n");
        add_line(out, "    ", "team", r->team);
        add_line(out, "    ", "category", r->category);
        add_line(out, "    ", "kind", preset ? NULL : ticket_kind_name(r->ticket_kind));
        add_line(out, "    ", "brings_forward", r->brings_forward);
    }
    if (r->brings_forward != NULL) {
        strbuf_printf(out, "    within: %lldd\n",
                      (long long)(r->forward_within_ms / (24 * 3600 * 1000LL)));
    }
}

void
rule_text_write(struct strbuf *out, const struct rule_spec *r)
{
    strbuf_printf(out, "- id: %s\n", r->id);
    add_applies_to(out, &r->applies_to);
    add_condition(out, r);
    add_title(out, r);
    add_texts(out, "cause", &r->cause);
    add_texts(out, "consequence", &r->consequence);
    add_texts(out, "action", &r->action);
    add_duration_opt(out, "respond_within", r->respond_within_ms);
    add_line(out, "  ", "procedure", r->procedure);
    add_suppressed_by(out, r);
    if (r->suppresses_children) {
        strbuf_add(out, "  suppresses: children\n");
    }
    add_ticket(out, r);
    add_duration(out, "verify_for", r->verify_for_ms);
    add_duration(out, "follow_up", r->follow_up_ms);
    add_line(out, "  ", "group", r->group);
    if (r->latch) {
        strbuf_add(out, "  latch: true\n");
    }
    add_duration_opt(out, "realarm", r->realarm_ms);
    if (!r->enabled) {
        strbuf_add(out, "  enabled: false\n");
    }
    add_line(out, "  ", "source", r->source);
}

char *
rule_text_version(char *out, const char *text)
{
    /* FNV-1a, 64 bits (Fowler, Noll, Vo): it tells texts apart; it proves nothing. */
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = text; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    }
    snprintf(out, RULE_VERSION_BYTES, "%012llx",
             (unsigned long long)((hash ^ hash >> 48) & 0xffffffffffffu));
    return out;
}
