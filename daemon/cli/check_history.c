/* check --history: can the samples be read? */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/progress.h"
#include "daemon/cli/cli.h"
#include "daemon/store/history_check.h"

#define SHOWN 100 /* Findings; more are counted. */

struct printing {
    bool json;
    uint64_t findings, set_aside;
    struct strbuf out;
};

static const char *const parts[] = {
    [HISTORY_PART_FILE] = "file",   [HISTORY_PART_CHUNK] = "chunk",
    [HISTORY_PART_TAIL] = "tail",   [HISTORY_PART_ROLLUP] = "rollup",
    [HISTORY_PART_FRAME] = "frame", [HISTORY_PART_SET_ASIDE] = "set-aside"};
static const char *const faults[] = {
    [HISTORY_FAULT_STRUCTURE] = "structure", [HISTORY_FAULT_HEAD] = "unreadable",
    [HISTORY_FAULT_VALUES] = "values",       [HISTORY_FAULT_TIMES] = "times",
    [HISTORY_FAULT_COUNT] = "count",         [HISTORY_FAULT_NAME] = "name",
    [HISTORY_FAULT_NUMBERS] = "numbers"};

static const char *
words_of(enum history_fault fault)
{
    switch (fault) {
    case HISTORY_FAULT_HEAD:
        return tr("cannot be read");
    case HISTORY_FAULT_VALUES:
        return tr("the values of a point cannot be read");
    case HISTORY_FAULT_TIMES:
        return tr("its times are not those of the table");
    case HISTORY_FAULT_COUNT:
        return tr("it has another number of samples than the table says");
    case HISTORY_FAULT_NAME:
        return tr("a device or point of it has no name");
    case HISTORY_FAULT_NUMBERS:
        return tr("its numbers cannot be");
    case HISTORY_FAULT_STRUCTURE:
        break;
    }
    return tr("the file is damaged");
}

static void
add_json(struct printing *p, const struct history_finding *f)
{
    char t[INSTANT_TEXT_BYTES];
    bool aside = f->part == HISTORY_PART_SET_ASIDE;
    strbuf_add(&p->out, p->out.size > 0 ? ",{" : "{");
    strbuf_json_str(&p->out, "part", parts[f->part]);
    strbuf_json_str(&p->out, "fault", aside ? NULL : faults[f->fault]);
    strbuf_json_int(&p->out, "row", f->row);
    strbuf_json_str(&p->out, "device", f->device);
    strbuf_json_str(&p->out, "point", f->point);
    strbuf_json_str(&p->out, "from",
                    f->from_ms != INSTANT_NONE ? instant_format_utc(t, f->from_ms)
                                               : NULL);
    strbuf_json_str(&p->out, "to",
                    f->to_ms != INSTANT_NONE ? instant_format_utc(t, f->to_ms) : NULL);
    strbuf_json_str(&p->out, "text", f->text);
    strbuf_add_char(&p->out, '}');
}

static void
add_text(struct printing *p, const struct history_finding *f)
{
    char from[INSTANT_TEXT_BYTES], to[INSTANT_TEXT_BYTES];
    strbuf_printf(&p->out, "%s %" PRId64, parts[f->part], f->row);
    if (f->device != NULL) {
        strbuf_printf(&p->out, " %s%s%s", f->device, f->point != NULL ? "." : "",
                      f->point != NULL ? f->point : "");
    }
    if (f->from_ms != INSTANT_NONE) {
        strbuf_printf(&p->out, " %s..%s", instant_format_utc(from, f->from_ms),
                      instant_format_utc(to, f->to_ms));
    }
    if (f->part != HISTORY_PART_SET_ASIDE) {
        strbuf_printf(&p->out, ": %s", words_of(f->fault));
    }
    if (f->text != NULL) {
        strbuf_printf(&p->out, ": %s", f->text);
    }
    strbuf_add_char(&p->out, '\n');
}

static void
found(void *ctx, const struct history_finding *f)
{
    struct printing *p = ctx;
    uint64_t *count = f->part == HISTORY_PART_SET_ASIDE ? &p->set_aside : &p->findings;
    if (++*count > SHOWN) {
        return;
    }
    if (p->json) {
        add_json(p, f);
    } else {
        add_text(p, f);
    }
}

static void
print_json(const struct printing *p, const struct history_verdict *v)
{
    struct strbuf out = {0};
    strbuf_add_char(&out, '{');
    strbuf_json_bool(&out, "whole", v->findings == 0);
    strbuf_json_int(&out, "samples", (int64_t)v->samples);
    strbuf_json_int(&out, "chunks", (int64_t)v->chunks);
    strbuf_json_int(&out, "tail", (int64_t)v->tail_rows);
    strbuf_json_int(&out, "rollups", (int64_t)v->rollups);
    strbuf_json_int(&out, "frames", (int64_t)v->frames);
    strbuf_json_int(&out, "bytes", (int64_t)v->bytes);
    strbuf_json_int(&out, "set_aside", (int64_t)v->set_aside);
    strbuf_json_int(&out, "count", (int64_t)v->findings);
    strbuf_json_key(&out, "findings");
    strbuf_printf(&out, "[%s]}", strbuf_text(&p->out));
    puts(strbuf_text(&out));
    strbuf_fini(&out);
}

static void
print_text(const struct printing *p, const struct history_verdict *v)
{
    fputs(strbuf_text(&p->out), stdout);
    if (v->findings > SHOWN) {
        printf(tr("and %" PRIu64 " more\n"), v->findings - SHOWN);
    }
    printf(tr("history: %s: %" PRIu64 " samples in %" PRIu64 " chunks and %" PRIu64
              " rows of the tail, %" PRIu64 " roll-ups, %.1f MB"),
           v->findings == 0 ? tr("ok") : tr("DAMAGED"), v->samples, v->chunks,
           v->tail_rows, v->rollups, (double)v->bytes / 1e6);
    if (v->findings > 0) {
        printf(tr("; %" PRIu64 " finding%s"), v->findings, cli_s(v->findings));
    }
    if (v->set_aside > 0) {
        printf(tr("; %" PRIu64 " set aside earlier"), v->set_aside);
    }
    putchar('\n');
}

int
cli_check_history(const char *site_file, bool json)
{
    struct err err = {0};
    struct progress progress;
    struct history_verdict verdict;
    struct printing printing = {.json = json};
    struct site *site = cli_site(site_file);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    const struct history_check check = {.data_dir = site->data_dir,
                                        .found = found,
                                        .found_ctx = &printing,
                                        .progress = progress_set,
                                        .progress_ctx = &progress};
    progress_begin(&progress, tr("history"), false);
    int code = history_check(&check, &verdict, &err);
    progress_end(&progress);
    int status = verdict.findings == 0 ? CLI_OK : CLI_NO;
    if (code != 0) {
        /* Whatever keeps it from being read to its end, there is no answer. */
        status = cli_fail(&err);
        status = code == ERR_NOT_FOUND ? CLI_OUTSIDE : status;
    } else if (json) {
        print_json(&printing, &verdict);
    } else {
        print_text(&printing, &verdict);
    }
    strbuf_fini(&printing.out);
    site_free(site);
    return status;
}
