#include "daemon/pipeline/listings/samples_text.h"

#include <inttypes.h>

#include "collectors/detail.h"
#include "collectors/log_reader.h"
#include "daemon/base/instant.h"

void
samples_head(struct strbuf *out, bool intervals, const struct samples_form *form)
{
    if (intervals) {
        strbuf_add(out, "time,device,point,min,max,mean,last,count\n");
    } else {
        strbuf_printf(out, "time,device,point,value,quality%s%s\n",
                      form->detail ? ",detail" : "", form->clock ? ",clock" : "");
    }
}

static void
add_json(struct strbuf *out,
         const struct history_sample *s,
         const struct samples_form *form,
         const char *detail)
{
    char time[INSTANT_TEXT_BYTES];
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "time", instant_format_utc(time, s->t_ms));
    strbuf_json_str(out, "device", s->device);
    strbuf_json_str(out, "point", s->point);
    strbuf_json_key(out, "value");
    if (s->quality == QUALITY_GOOD) {
        strbuf_add_number(out, s->value);
    } else {
        strbuf_add(out, "null");
    }
    strbuf_json_str(out, "quality", quality_name(s->quality));
    if (form->detail) {
        strbuf_json_str(out, "detail", detail[0] != '\0' ? detail : NULL);
    }
    if (s->clock_untrusted) {
        strbuf_json_str(out, "clock", LOG_CLOCK_UNTRUSTED);
    }
    strbuf_add(out, "}\n");
}

void
samples_line(struct strbuf *out,
             const struct history_sample *s,
             const struct samples_form *form)
{
    char time[INSTANT_TEXT_BYTES];
    char detail[DETAIL_BYTES];
    (void)detail_write(detail, s->quality, s->detail);
    if (form->jsonl) {
        add_json(out, s, form, detail);
        return;
    }
    strbuf_printf(out, "%s,%s,%s,", instant_format_utc(time, s->t_ms), s->device,
                  s->point);
    if (s->quality == QUALITY_GOOD) {
        strbuf_add_number(out, s->value);
    }
    strbuf_printf(out, ",%s", quality_name(s->quality));
    if (form->detail) {
        strbuf_printf(out, ",%s", detail);
    }
    if (form->clock) {
        strbuf_printf(out, ",%s", s->clock_untrusted ? LOG_CLOCK_UNTRUSTED : "");
    }
    strbuf_add_char(out, '\n');
}

void
samples_bucket_line(struct strbuf *out,
                    const struct history_bucket *b,
                    const struct samples_form *form)
{
    char time[INSTANT_TEXT_BYTES];
    if (form->jsonl) {
        strbuf_add_char(out, '{');
        strbuf_json_str(out, "time", instant_format_utc(time, b->t_ms));
        strbuf_json_str(out, "device", b->device);
        strbuf_json_str(out, "point", b->point);
        strbuf_json_num(out, "min", b->min);
        strbuf_json_num(out, "max", b->max);
        strbuf_json_num(out, "mean", b->mean);
        strbuf_json_num(out, "last", b->last);
        strbuf_json_int(out, "count", (int64_t)b->count);
        strbuf_add(out, "}\n");
        return;
    }
    const double values[] = {b->min, b->max, b->mean, b->last};
    strbuf_printf(out, "%s,%s,%s", instant_format_utc(time, b->t_ms), b->device,
                  b->point);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        strbuf_add_char(out, ',');
        strbuf_add_number(out, values[i]);
    }
    strbuf_printf(out, ",%" PRIu64 "\n", b->count);
}
