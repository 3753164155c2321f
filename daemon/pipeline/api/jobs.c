/* What works on files of the gateway: each is the command of the same name, in a
 * process of its own (job.h).
 *
 *   GET  check           are the files right, as they are now?  An array of findings
 *   GET  check/plan      each bus's requests and time budget
 *   GET  check/journal   ?head=: is the journal what was written?
 *   GET  check/history   can all samples be read?
 *   GET  explain/past    ?at=: why an alarm was there, or was not, at a moment
 *   GET  replay          ?from= &to= &device=: the history through the rules
 *   POST replay          a log in the body through the rules; a bad row ends it
 *   POST samples         a log in the body into the history
 *   POST sql             a statement in the body
 *   GET  schema, schema/KIND   what may stand in each kind of file; no process */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/api/job.h"

#define SAID_MAX 100 /* Lines of an import that are given. */
#define STDIN    "-"
#define WHAT_MAX 16 /* check/WHAT */

static unsigned
answer(struct api *a, const struct job *j, struct strbuf *body)
{
    struct err err = {0};
    int code = job_run(a, j, body, NULL, &err);
    return code == 0 ? 200 : api_problem(body, &err);
}

unsigned
api_check(struct api *a, const struct web_request *r, struct strbuf *body)
{
    char what[WHAT_MAX];
    struct job j = {.words = {"check", "--json"}, .wrong_counts = true};
    api_path_part(what, sizeof what, r, 1);
    if (strcmp(what, "plan") == 0) {
        j.wrong_counts = false;
        job_word(&j, "--plan");
    } else if (strcmp(what, "journal") == 0) {
        job_word(&j, "--journal");
        job_pair(&j, "--head", r->query(r, "head"));
    } else if (strcmp(what, "history") == 0) {
        job_word(&j, "--history");
    }
    return answer(a, &j, body);
}

/* The command takes words with a slash, and further ones, as something else: a name
 * that the site has is no path. */
static int
check_names(struct api *a, const char *rule, const char *device, struct err *err)
{
    struct site *site = api_share_site(a);
    int code = site_rule(site, rule) == NONE_INDEX
                   ? err_set(err, ERR_NOT_FOUND, "there is no rule \"%.64s\"", rule)
               : site_device(site, device) == NONE_INDEX
                   ? err_set(err, ERR_NOT_FOUND, "there is no device \"%.64s\"", device)
                   : 0;
    site_free(site);
    return code;
}

unsigned
api_explain_past(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    const char *rule = r->query(r, "rule");
    const char *device = r->query(r, "device");
    struct job j = {.words = {"explain", "--json", "--quiet"}, .names = {rule, device}};
    if (rule == NULL || device == NULL) {
        return web_problem(body, 400, tr("a rule and a device are needed"));
    }
    if (check_names(a, rule, device, &err) != 0) {
        return api_problem(body, &err);
    }
    const char *at = r->query(r, "at");
    job_pair(&j, "--at", at != NULL ? at : "now");
    return answer(a, &j, body);
}

static unsigned
replay(struct api *a, const struct web_request *r, struct job *j, struct strbuf *body)
{
    unsigned status = answer(a, j, body);
    if (status == 200) {
        r->answer->type = "application/x-ndjson";
    }
    return status;
}

unsigned
api_replay_history(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct job j = {
        .words = {"replay", "--quiet", "--format", "jsonl", "--from-history"}};
    job_pair(&j, "--from", r->query(r, "from"));
    job_pair(&j, "--to", r->query(r, "to"));
    job_pair(&j, "--device", r->query(r, "device"));
    return replay(a, r, &j, body);
}

unsigned
api_replay_log(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct job j = {.words = {"replay", "--quiet", "--strict", "--format", "jsonl"},
                    .names = {STDIN},
                    .input = r->body,
                    .size = r->body_size};
    job_pair(&j, "--until", r->query(r, "until"));
    job_pair(&j, "--stale-after", r->query(r, "stale_after"));
    return replay(a, r, &j, body);
}

/* {..} -> {..,"told":["-:2:1: ..."]} */
static void
add_told(struct strbuf *body, const struct strbuf *said)
{
    const char *p = strbuf_text(said);
    while (body->size > 0 && (body->text[body->size - 1] == '\n')) {
        body->size--;
    }
    body->size--; /* Inside of the object. */
    strbuf_json_key(body, "told");
    strbuf_add_char(body, '[');
    for (int i = 0; i < SAID_MAX && *p != '\0'; i++) {
        size_t size = strcspn(p, "\n");
        char *line = strndup(p, size);
        if (line == NULL) {
            abort();
        }
        strbuf_add(body, i > 0 ? "," : "");
        strbuf_json_string(body, line);
        free(line);
        p += size + (p[size] == '\n');
    }
    strbuf_add(body, "]}");
}

static long long
number(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* What was put beside what the sensors said is in the journal, with the person; also of
 * an import that ended early: `code` says why, and there may be no answer. */
static int
tell_journal(struct api *a,
             const struct web_request *r,
             const struct strbuf *answer,
             int code,
             struct err *err)
{
    char note[256];
    json_t *root = json_loads(strbuf_text(answer), 0, NULL);
    const char *from = json_string_value(json_object_get(root, "from"));
    const char *to = json_string_value(json_object_get(root, "to"));
    bool unknown =
        root == NULL && code != ERR_USAGE && code != ERR_CONFIG && code != ERR_REFUSED;
    /* not translated: the journal is one for all who read it. */
    if (unknown) {
        snprintf(note, sizeof note, "ended early; how much was taken in is not known");
    } else {
        snprintf(note, sizeof note,
                 "%lld samples, %lld new, %lld differing, %s .. %s%s",
                 number(root, "samples"), number(root, "imported"),
                 number(root, "differing"), from != NULL ? from : "",
                 to != NULL ? to : "", code != 0 ? "; ended early" : "");
    }
    struct people_work w = {
        .act = PEOPLE_IMPORTED, .user = a->caller.user, .note = note, .peer = r->peer};
    int told = unknown || number(root, "imported") > 0
                   ? a->live->people.ask(a->live->people.ctx, &w, err)
                   : 0;
    json_decref(root);
    return told;
}

unsigned
api_import(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0}, untold = {0};
    struct strbuf said = {0};
    struct job j = {.words = {"import", "--json"},
                    .writes = true,
                    .names = {STDIN},
                    .input = r->body,
                    .size = r->body_size};
    if (api_asked_for(r, "strict")) {
        job_word(&j, "--strict");
    }
    int code = job_run(a, &j, body, &said, &err);
    if (tell_journal(a, r, body, code, &untold) != 0) {
        log_error("an import is not in the journal: %s", untold.text);
        code = code != 0 ? code : err_set(&err, untold.code, "%s", untold.text);
    }
    if (code == 0) {
        add_told(body, &said);
    }
    strbuf_fini(&said);
    return code == 0 ? 200 : api_problem(body, &err);
}

unsigned
api_sql(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct job j = {.words = {"sql", "--json"},
                    .no = ERR_REFUSED, /* It would have changed something. */
                    .names = {STDIN},
                    .input = r->body,
                    .size = r->body_size};
    return answer(a, &j, body);
}

unsigned
api_schema(struct api *a, const struct web_request *r, struct strbuf *body)
{
    (void)a;
    struct err err = {0};
    char kind[ID_BYTES_MAX];
    const char *about = NULL;
    const char *name = NULL;
    api_path_part(kind, sizeof kind, r, 1);
    if (kind[0] != '\0') {
        return config_schema_write(body, kind)
                   ? 200
                   : (err_set(&err, ERR_NOT_FOUND, "there is no schema \"%.60s\"",
                              kind),
                      api_problem(body, &err));
    }
    strbuf_add_char(body, '[');
    for (size_t i = 0; (name = config_schema_name(i, &about)) != NULL; i++) {
        strbuf_add(body, i > 0 ? ",{" : "{");
        strbuf_json_str(body, "kind", name);
        strbuf_json_str(body, "about", tr(about));
        strbuf_add_char(body, '}');
    }
    strbuf_add_char(body, ']');
    return 200;
}
