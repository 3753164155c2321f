#include "daemon/pipeline/evidence_words.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "daemon/base/instant.h"

static const struct {
    const char *english, *chinese;
} words[] = {
    {"ticket", "工单"},
    {"Ticket", "工单"},
    {"printed", "打印时间"},
    /* States, kinds and priorities of tickets. */
    {"opened", "待派单"},
    {"assigned", "已派单"},
    {"responded", "已到场"},
    {"waiting", "等待中"},
    {"resolved", "已修复，待验证"},
    {"closed", "已关闭"},
    {"fault", "故障"},
    {"planned", "计划保养"},
    {"predicted", "预测"},
    {"reported", "报修"},
    {"info", "提示"},
    {"normal", "普通"},
    {"urgent", "紧急"},
    {"critical", "特急"},
    /* Headings. */
    {"What is to be done", "处理要求"},
    {"Procedure", "作业步骤"},
    {"Parts needed", "所需备件"},
    {"Life", "处理经过"},
    {"Values", "测量值"},
    {"The line at the opening", "开单时的通信状况"},
    {"Work", "处理结果"},
    {"The same fault before", "同一故障的以往记录"},
    {"The same fault elsewhere", "同类设备的同一故障"},
    {"Equipment", "设备台账"},
    {"Rule", "规则"},
    {"Opening", "开单"},
    /* Labels. */
    {"device", "设备"},
    {"location", "位置"},
    {"type", "类型"},
    {"rule", "规则"},
    {"state", "状态"},
    {"kind", "类别"},
    {"priority", "级别"},
    {"opened at", "开单时间"},
    {"respond by", "响应期限"},
    {"resolve by", "修复期限"},
    {"on site at", "到场时间"},
    {"resolved at", "修复时间"},
    {"verified at", "验证时间"},
    {"closed at", "关闭时间"},
    {"due", "计划日期"},
    {"assignee", "负责人"},
    {"team", "班组"},
    {"category", "专业"},
    {"symptom", "现象"},
    {"reported by", "报修人"},
    {"cause", "原因"},
    {"consequence", "后果"},
    {"action", "措施"},
    {"source", "依据"},
    {"treatment", "处理"},
    {"cause code", "原因代码"},
    {"parts", "备件"},
    {"minutes worked", "工时（分钟）"},
    {"cost", "费用"},
    {"rating", "评分"},
    {"episodes", "报警次数"},
    {"reopened times", "重开次数"},
    {"time", "时间"},
    {"what happened", "事件"},
    {"who", "人员"},
    {"point", "测点"},
    {"unit", "单位"},
    {"before", "之前"},
    {"during", "期间"},
    {"after", "之后"},
    {"value", "值"},
    {"quality", "质量"},
    {"number", "编号"},
    {"what fixed it", "处理办法"},
    {"first-time fix", "一次修复"},
    {"yes", "是"},
    {"no", "否"},
    {"version", "版本"},
    {"bus", "总线"},
    {"online", "在线"},
    {"offline", "离线"},
    {"unknown", "未知"},
    {"load", "负载"},
    {"requests", "请求"},
    {"errors", "错误"},
    {"quarantined devices", "隔离设备"},
    {"quarantined", "已隔离"},
    {"latency", "延迟"},
    {"last good sample", "最近有效值"},
    {"mean", "均值"},
    {"met", "按时"},
    {"missed", "超时"},
    {"now", "当前"},
    {"signature", "签字"},
    {"date", "日期"},
    /* Ledger. */
    {"maker", "厂家"},
    {"model", "型号"},
    {"serial", "出厂编号"},
    {"specification", "规格"},
    {"supplier", "供应商"},
    {"area", "区域"},
    {"installed", "安装日期"},
    {"warranty_until", "质保到期"},
    {"keeper", "责任人"},
    {"design_life", "设计寿命"},
    {"design_hours", "设计运行小时"},
    {"design_starts", "设计启动次数"},
    {"price", "价格"},
    {"documents", "文档"},
    /* Events. */
    {"alarm raised", "报警"},
    {"alarm changed", "报警级别变化"},
    {"alarm cleared", "报警消除"},
    {"alarm acknowledged", "报警确认"},
    {"alarm shelved", "报警搁置"},
    {"alarm unshelved", "取消搁置"},
    {"alarm hidden", "报警被抑制"},
    {"alarm shown again", "报警恢复显示"},
    {"alarm told again", "再次提醒"},
    {"ticket opened", "开单"},
    {"another episode joined", "再次出现，并入本单"},
    {"assigned to", "派给"},
    {"arrived on site", "到场"},
    {"waits", "等待"},
    {"goes on", "继续"},
    {"changed", "更改"},
    {"resolved, says the worker", "修复"},
    {"confirmed by the sensor", "传感器验证通过"},
    {"reopened", "重新打开"},
    {"ticket closed", "关闭"},
    {"80 % of the time is gone", "已用去期限的 80 %"},
    {"too late", "超过期限"},
    {"escalated", "升级"},
    {"note", "备注"},
    {"rated", "评分"},
    {"its sensor", "传感器"},
    {"step", "步骤"},
    {"done", "完成"},
    {"taken back", "撤销"},
    {"to respond", "响应"},
    {"to resolve", "修复"},
    {"level", "级别"},
    {"to", "给"},
    {"min", "分钟"},
    /* Reasons of a pause, and what a sensor still has to show. */
    {"contractor", "外委单位"},
    {"access", "无法进入"},
    {"other", "其他"},
    {"alarm-stands", "报警仍在"},
    {"no-good-samples", "没有有效数据"},
    {"not-running", "尚未运行"},
    {"watching", "观察中"},
    /* Short, for marks in a chart. */
    {"raised", "报警"},
    {"cleared", "消除"},
    {"arrived", "到场"},
    {"repaired", "修复"},
    /* Sentences. */
    {"the rule is still the same", "规则至今未变"},
    {"the rule was changed since", "规则此后已更改"},
    {"the rule is no longer in the site", "规则已从站点删除"},
    {"the device is no longer in the site", "设备已从站点删除"},
    {"nothing was stored when it opened: this is what the site says now",
     "开单时没有留存记录：以下为站点现在的内容"},
    {"there is no history of that time: what is kept begins at",
     "当时的历史数据已不保留：现存数据始于"},
    {"no history was ever recorded, or it was removed", "没有历史数据，或已被删除"},
    {"the history cannot be read", "历史数据无法读取"},
    {"no samples were recorded then", "当时没有记录到数据"},
    {"no good samples", "没有有效数据"},
    {"around the opening", "开单前后"},
    {"around the repair", "修复前后"},
    {"none", "无"},
    {"the limits are those of the rule at that time; grey: samples that were not good",
     "虚线为当时规则的限值；灰色为无效数据"},
};

const char *
evidence_word(size_t index)
{
    return index < ARRAY_LEN(words) ? words[index].english : NULL;
}

const char *
evidence_say(enum language language, const char *english)
{
    for (size_t i = 0; language == LANGUAGE_ZH_CN && i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].english, english) == 0) {
            return words[i].chinese;
        }
    }
    return english;
}

static const char *
say(const struct evidence *e, const char *english)
{
    return evidence_say(e->site->language, english);
}

/* ---- Money, parts, values ---- */

void
evidence_money(struct strbuf *out, const struct evidence *e, int64_t hundredths)
{
    const char *currency = e->site->currency;
    strbuf_printf(out, "%s%lld.%02lld", hundredths < 0 ? "-" : "",
                  (long long)(hundredths < 0 ? -hundredths : hundredths) / 100,
                  (long long)(hundredths < 0 ? -hundredths : hundredths) % 100);
    if (currency != NULL) {
        strbuf_printf(out, " %s", currency);
    }
}

void
evidence_parts(struct strbuf *out, const struct evidence *e, const struct ticket *t)
{
    for (uint32_t i = 0; i < t->part_count; i++) {
        const struct ticket_part *p = &t->parts[i];
        strbuf_printf(out, "%s%s × %lld", i > 0 ? ", " : "", p->name,
                      (long long)p->count);
        if (p->cost != 0) {
            strbuf_add(out, " (");
            evidence_money(out, e, p->cost);
            strbuf_add_char(out, ')');
        }
    }
}

void
evidence_sum_text(struct strbuf *out,
                  const struct evidence_series *s,
                  const struct evidence_sum *sum)
{
    char low[NUMBER_TEXT_BYTES];
    char high[NUMBER_TEXT_BYTES];
    if (sum->count == 0) {
        strbuf_add_char(out, '-');
    } else if (s->samples.state) {
        strbuf_printf(out, "%ld %%", lround(sum->mean * 100));
    } else if (sum->min == sum->max) {
        strbuf_add(out, number_format_short(low, sum->min));
    } else {
        strbuf_printf(out, "%s .. %s", number_format_short(low, sum->min),
                      number_format_short(high, sum->max));
    }
}

const char *
evidence_no_values(const struct evidence *e, const struct evidence_window *w)
{
    char when[INSTANT_TEXT_BYTES];
    if (w->samples > 0 || w->bad > 0) {
        return NULL;
    }
    if (e->history_trouble != NULL) {
        return arena_printf(e->arena, "%s: %s", say(e, "the history cannot be read"),
                            e->history_trouble);
    }
    if (e->history_from_ms == INSTANT_NONE) {
        return say(e, "no history was ever recorded, or it was removed");
    }
    if (e->history_from_ms > w->to_ms) {
        return arena_printf(
            e->arena, "%s %s",
            say(e, "there is no history of that time: what is kept begins at"),
            instant_format_local(when, e->history_from_ms));
    }
    return say(e, "no samples were recorded then");
}

void
evidence_remedy(struct strbuf *out, const struct evidence *e, const struct ticket *t)
{
    size_t start = out->size;
    strbuf_add(out, t->resolution);
    if (t->cause[0] != '\0') {
        strbuf_printf(out, "%s(%s)", out->size > start ? " " : "", t->cause);
    }
    if (t->part_count > 0) {
        strbuf_add(out, out->size > start ? "; " : "");
        evidence_parts(out, e, t);
    }
}

const char *
evidence_rule_text(const struct evidence *e)
{
    switch (e->rule) {
    case EVIDENCE_NO_RULE:
        return "";
    case EVIDENCE_SAME:
        return say(e, "the rule is still the same");
    case EVIDENCE_CHANGED:
        return say(e, "the rule was changed since");
    case EVIDENCE_GONE:
        break;
    }
    return say(e, "the rule is no longer in the site");
}

/* ---- Life ---- */

static const struct {
    const char *event, *words;
} lines[] = {
    {"alarm.raised", "alarm raised"},
    {"alarm.changed", "alarm changed"},
    {"alarm.cleared", "alarm cleared"},
    {"alarm.acknowledged", "alarm acknowledged"},
    {"alarm.shelved", "alarm shelved"},
    {"alarm.unshelved", "alarm unshelved"},
    {"alarm.suppressed", "alarm hidden"},
    {"alarm.unsuppressed", "alarm shown again"},
    {"alarm.realarmed", "alarm told again"},
    {"ticket.opened", "ticket opened"},
    {"ticket.joined", "another episode joined"},
    {"ticket.assigned", "assigned to"},
    {"ticket.responded", "arrived on site"},
    {"ticket.waiting", "waits"},
    {"ticket.resumed", "goes on"},
    {"ticket.changed", "changed"},
    {"ticket.resolved", "resolved, says the worker"},
    {"ticket.verified", "confirmed by the sensor"},
    {"ticket.reopened", "reopened"},
    {"ticket.closed", "ticket closed"},
    {"ticket.warned", "80 % of the time is gone"},
    {"ticket.breached", "too late"},
    {"ticket.escalated", "escalated"},
    {"ticket.noted", "note"},
    {"ticket.rated", "rated"},
    {"ticket.watched", "its sensor"},
    {"ticket.ticked", "step"},
};

static const char *
text_of(const struct evidence_event *v, const char *key)
{
    return json_string_value(json_object_get(v->json, key));
}

static int64_t
number_of(const struct evidence_event *v, const char *key)
{
    return json_integer_value(json_object_get(v->json, key));
}

/* What only some kinds have, behind the words. */
static void
add_kind(struct strbuf *out, const struct evidence *e, const struct evidence_event *v)
{
    const char *assignee = text_of(v, "assignee");
    const char *deadline = text_of(v, "deadline");
    const char *pause = text_of(v, "pause");
    const char *proof = text_of(v, "proof");
    if (strcmp(v->name, "ticket.ticked") == 0) {
        bool undone = json_is_true(json_object_get(v->json, "undone"));
        strbuf_printf(out, " %lld %s", (long long)number_of(v, "step"),
                      say(e, undone ? "taken back" : "done"));
    }
    if (assignee != NULL && strcmp(v->name, "ticket.assigned") == 0) {
        strbuf_printf(out, " %s", evidence_person(e, assignee));
    }
    if (deadline != NULL) {
        bool respond = strcmp(deadline, "respond") == 0;
        strbuf_printf(out, ", %s", say(e, respond ? "to respond" : "to resolve"));
    }
    if (pause != NULL) {
        strbuf_printf(out, ": %s", say(e, pause));
    }
    if (proof != NULL) {
        strbuf_printf(out, ": %s", say(e, proof));
    }
    if (number_of(v, "level") > 0) {
        strbuf_printf(out, ", %s %lld", say(e, "level"),
                      (long long)number_of(v, "level"));
    }
    if (text_of(v, "to") != NULL) {
        strbuf_printf(out, ", %s %s", say(e, "to"),
                      evidence_person(e, text_of(v, "to")));
    }
    if (number_of(v, "rating") > 0) {
        strbuf_printf(out, ": %lld / 5", (long long)number_of(v, "rating"));
    }
}

static void
add_json_parts(struct strbuf *out, const struct evidence *e, const json_t *parts)
{
    size_t i;
    json_t *part;
    struct ticket t = {0};
    json_array_foreach(parts, i, part)
    {
        const char *name = json_string_value(json_object_get(part, "name"));
        if (name != NULL && t.part_count < TICKET_PARTS_MAX) {
            struct ticket_part *p = &t.parts[t.part_count++];
            snprintf(p->name, sizeof p->name, "%s", name);
            p->count = json_integer_value(json_object_get(part, "count"));
            p->cost = json_integer_value(json_object_get(part, "cost"));
        }
    }
    if (t.part_count > 0) {
        strbuf_printf(out, "; %s ", say(e, "parts"));
        evidence_parts(out, e, &t);
    }
}

/* What was said of the work. */
static void
add_work(struct strbuf *out, const struct evidence *e, const struct evidence_event *v)
{
    static const char *const texts[] = {"symptom", "cause", "category", "team"};
    const json_t *value = json_object_get(v->json, "value");
    if (json_is_number(value)) {
        char number[NUMBER_TEXT_BYTES];
        number_format(number, json_number_value(value));
        strbuf_printf(out, " (%s)", number);
    }
    if (text_of(v, "note") != NULL) {
        strbuf_printf(out, ": %s", text_of(v, "note"));
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (text_of(v, texts[i]) != NULL) {
            strbuf_printf(out, "; %s %s", say(e, texts[i]), text_of(v, texts[i]));
        }
    }
    if (number_of(v, "minutes") != 0) {
        strbuf_printf(out, "; %lld %s", (long long)number_of(v, "minutes"),
                      say(e, "min"));
    }
    if (number_of(v, "cost") != 0) {
        strbuf_printf(out, "; %s ", say(e, "cost"));
        evidence_money(out, e, number_of(v, "cost"));
    }
    add_json_parts(out, e, json_object_get(v->json, "parts"));
}

void
evidence_life_line(struct strbuf *out,
                   const struct evidence *e,
                   const struct evidence_event *v)
{
    const char *found = v->name; /* Of a newer program. */
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (strcmp(lines[i].event, v->name) == 0) {
            found = say(e, lines[i].words);
        }
    }
    strbuf_add(out, found);
    add_kind(out, e, v);
    add_work(out, e, v);
}

const char *
evidence_life_person(const struct evidence *e, const struct evidence_event *v)
{
    return evidence_person(e, text_of(v, "by"));
}
