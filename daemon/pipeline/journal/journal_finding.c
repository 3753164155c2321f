#include "daemon/pipeline/journal/journal_finding.h"

void
journal_finding_begin(struct journal_verdict *v, const char *kind)
{
    struct strbuf *json = &v->json;
    strbuf_add(json, json->size > 0 ? ",{" : "{");
    strbuf_json_str(json, "kind", kind);
}

void
journal_finding_end(struct journal_verdict *v, const struct strbuf *text)
{
    strbuf_json_str(&v->json, "text", strbuf_text(text));
    strbuf_add_char(&v->json, '}');
    strbuf_add(&v->text, strbuf_text(text));
    strbuf_add_char(&v->text, '\n');
}

bool
journal_finding_is_shown(struct journal_verdict *v)
{
    return ++v->findings <= JOURNAL_FINDINGS_SHOWN;
}
