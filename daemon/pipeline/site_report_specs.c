/* The tables of the report on a site: what they are called and what is in them. */
#include "daemon/pipeline/site_report.h"

#include "daemon/base/err.h"

#define T(en_, zh_)                                                                    \
    {                                                                                  \
        .in = { en_, zh_ }                                                             \
    }
#define COLUMN(key_, en_, zh_, ...)                                                    \
    {                                                                                  \
        .key = key_, .title = T(en_, zh_), .unit = __VA_ARGS__                         \
    }
#define OF(columns_) .columns = columns_, .column_count = ARRAY_LEN(columns_)
#define SPEC(key_, en_, zh_, subject_en_, subject_zh_, ...)                            \
    {                                                                                  \
        .key = key_, .title = T(en_, zh_), .subject = T(subject_en_, subject_zh_),     \
        __VA_ARGS__                                                                    \
    }

static const struct report_column summary[] = {
    COLUMN("value", "VALUE", "数值", REPORT_VARIES, .n = "n", .lead = true),
    COLUMN("unit", "UNIT", "单位", REPORT_WORD),
    COLUMN("n", "N", "样本数", REPORT_COUNT),
};
static const struct report_column availability[] = {
    COLUMN("availability", "AVAILABLE %", "完好率 %", REPORT_PERCENT, .lead = true),
    COLUMN("down_h", "DOWN h", "故障 h", REPORT_HOURS),
    COLUMN("out_of_service_h", "OUT OF SERVICE h", "停用 h", REPORT_HOURS),
    COLUMN("unseen_h", "UNSEEN h", "无数据 h", REPORT_HOURS),
    COLUMN("up_h", "UP h", "正常 h", REPORT_HOURS),
    COLUMN("devices", "DEVICES", "设备数", REPORT_COUNT),
};
static const struct report_column reliability[] = {
    COLUMN("faults", "FAULTS", "故障数", REPORT_COUNT),
    COLUMN("device_months", "DEVICE-MONTHS", "台月", REPORT_SCORE, .data = true),
    COLUMN(
        "fault_rate", "RATE", "故障率", REPORT_PER_MONTH, .n = "faults", .lead = true),
    COLUMN("failures", "FAILURES", "严重故障", REPORT_COUNT),
    COLUMN("mtbf_h",
           "MTBF h",
           "平均无故障 h",
           REPORT_HOURS,
           .n = "failures",
           .bound = "mtbf_at_least_h"),
    COLUMN("mtbf_at_least_h",
           "MTBF AT LEAST h",
           "平均无故障下限 h",
           REPORT_HOURS,
           .n = "failures",
           .data = true),
    COLUMN("repairs", "FIXED", "已修复", REPORT_COUNT),
    COLUMN("mttr_h",
           "MTTR h",
           "平均修复 h",
           REPORT_HOURS,
           .n = "repairs",
           .bound = "mttr_at_most_h"),
    COLUMN("mttr_at_most_h",
           "MTTR AT MOST h",
           "平均修复上限 h",
           REPORT_HOURS,
           .n = "repairs",
           .data = true),
};
static const struct report_column times[] = {
    COLUMN("n", "N", "工单数", REPORT_COUNT),
    COLUMN("mean_min", "MEAN min", "平均 min", REPORT_MINUTES, .n = "n", .lead = true),
    COLUMN("median_min", "MEDIAN min", "中位数 min", REPORT_MINUTES, .n = "n"),
    COLUMN("p90_min", "90 % WITHIN min", "90 % 不超过 min", REPORT_MINUTES, .n = "n"),
};
static const struct report_column promises[] = {
    COLUMN("respond_n", "TO RESPOND", "应响应", REPORT_COUNT),
    COLUMN("respond_met",
           "IN TIME %",
           "响应及时率 %",
           REPORT_PERCENT,
           .n = "respond_n",
           .lead = true),
    COLUMN("resolve_n", "TO RESOLVE", "应解决", REPORT_COUNT),
    COLUMN(
        "resolve_met", "IN TIME %", "解决及时率 %", REPORT_PERCENT, .n = "resolve_n"),
};
static const struct report_column repeats[] = {
    COLUMN("faults", "FAULTS", "故障数", REPORT_COUNT),
    COLUMN("reopened", "REOPENED", "返修", REPORT_COUNT),
};
static const struct report_column causes[] = {
    COLUMN("tickets", "TICKETS", "工单数", REPORT_COUNT, .lead = true),
    COLUMN("share", "SHARE %", "占比 %", REPORT_PERCENT, .n = "tickets"),
    COLUMN("cumulative", "TOGETHER %", "累计 %", REPORT_PERCENT),
    COLUMN("repair_h", "REPAIR h", "修复 h", REPORT_HOURS),
    COLUMN("cost", "COST", "费用", REPORT_MONEY),
};
static const struct report_column costs[] = {
    COLUMN("tickets", "TICKETS", "工单数", REPORT_COUNT),
    COLUMN("work_h", "WORK h", "工时 h", REPORT_HOURS),
    COLUMN("labour", "LABOUR", "人工及其他", REPORT_MONEY),
    COLUMN("parts", "PARTS", "配件", REPORT_MONEY),
    COLUMN("cost", "COST", "费用合计", REPORT_MONEY, .n = "tickets", .lead = true),
};
static const struct report_column work[] = {
    COLUMN("tickets", "TICKETS", "工单数", REPORT_COUNT, .lead = true),
    COLUMN("resolved", "RESOLVED", "已解决", REPORT_COUNT),
    COLUMN("reopened", "REOPENED", "返修", REPORT_COUNT),
    COLUMN("work_h", "WORK h", "工时 h", REPORT_HOURS),
    COLUMN("responded", "RESPONDED", "已响应", REPORT_COUNT, .data = true),
    COLUMN("response_min",
           "RESPONSE min",
           "平均响应 min",
           REPORT_MINUTES,
           .n = "responded"),
    COLUMN("cost", "COST", "费用", REPORT_MONEY),
    COLUMN("rating", "STARS", "星级", REPORT_STARS, .n = "ratings"),
    COLUMN("ratings", "OF", "评价数", REPORT_COUNT),
};
static const struct report_column shares[] = {
    COLUMN("tickets", "TICKETS", "工单数", REPORT_COUNT),
    COLUMN("share", "SHARE %", "占比 %", REPORT_PERCENT, .n = "tickets", .lead = true),
    COLUMN("work_h", "WORK h", "工时 h", REPORT_HOURS),
    COLUMN("work_share", "OF WORK %", "工时占比 %", REPORT_PERCENT),
    COLUMN("cost", "COST", "费用", REPORT_MONEY),
};
static const struct report_column plans[] = {
    COLUMN("visits", "VISITS", "计划次数", REPORT_COUNT),
    COLUMN("done", "DONE", "已完成", REPORT_COUNT),
    COLUMN("in_time", "IN TIME", "按时完成", REPORT_COUNT),
    COLUMN("overdue", "OVERDUE", "逾期", REPORT_COUNT, .lead = true),
};
static const struct report_column false_alarms[] = {
    COLUMN("tickets", "TICKETS", "工单数", REPORT_COUNT),
    COLUMN("judged", "CLOSED WITH A CAUSE", "已填原因", REPORT_COUNT),
    COLUMN("false_alarms", "FALSE", "误报", REPORT_COUNT),
    COLUMN("share", "FALSE %", "误报率 %", REPORT_PERCENT, .n = "judged", .lead = true),
};
static const struct report_column life[] = {
    COLUMN("used", "LIFE USED %", "寿命已用 %", REPORT_PERCENT),
    COLUMN("by", "BY", "依据", REPORT_WORD),
    COLUMN("replace_on", "USED UP ON", "到寿日期", REPORT_DAY),
    COLUMN("age_y", "AGE y", "役龄 年", REPORT_YEARS),
    COLUMN("design_y", "OF y", "设计 年", REPORT_YEARS),
    COLUMN("run_h", "RUN h", "运行 h", REPORT_HOURS),
    COLUMN("design_h", "OF h", "设计 h", REPORT_HOURS),
    COLUMN("starts", "STARTS", "启动次数", REPORT_COUNT),
    COLUMN("design_starts", "OF", "设计次数", REPORT_COUNT),
};
static const struct report_column energy[] = {
    COLUMN("kwh", "kWh", "电量 kWh", REPORT_KWH, .lead = true),
    COLUMN("days", "WHOLE DAYS", "完整天数", REPORT_COUNT),
    COLUMN("kwh_per_day", "kWh A DAY", "日均 kWh", REPORT_KWH, .n = "days"),
    COLUMN("marked", "STAND OUT", "异常天数", REPORT_COUNT),
    COLUMN("resets", "RESETS", "表计复位", REPORT_COUNT),
};
static const struct report_column marked[] = {
    COLUMN("day", "DAY", "日期", REPORT_DAY),
    COLUMN("device", "DEVICE", "设备", REPORT_WORD),
    COLUMN("kwh", "kWh", "电量 kWh", REPORT_KWH),
    COLUMN("expected_kwh", "USUAL kWh", "通常 kWh", REPORT_KWH),
    COLUMN("score", "SCORE", "偏离分", REPORT_SCORE),
};
static const struct report_column parts[] = {
    COLUMN("from", "FROM", "起", REPORT_DAY),
    COLUMN("type", "TYPE", "类型", REPORT_WORD),
    COLUMN("faults", "FAULTS", "故障数", REPORT_COUNT),
    COLUMN("availability", "AVAILABLE %", "完好率 %", REPORT_PERCENT),
};
static const struct report_column energy_days[] = {
    COLUMN("day", "DAY", "日期", REPORT_DAY),
    COLUMN("device", "DEVICE", "设备", REPORT_WORD),
    COLUMN("kwh", "kWh", "电量 kWh", REPORT_KWH),
    COLUMN("whole", "WHOLE", "完整", REPORT_COUNT),
};

const struct report_spec site_table_specs[SITE_TABLES] = {
    [SITE_SUMMARY] = SPEC("summary", "Summary", "概要", "FIGURE", "指标", OF(summary)),
    [SITE_AVAILABILITY] = SPEC("availability",
                               "Availability",
                               "设备完好率",
                               "EQUIPMENT",
                               "设备",
                               OF(availability),
                               .shown = 60),
    [SITE_RELIABILITY] = SPEC(
        "reliability",
        "Faults, time between failures, time to repair",
        "故障率、平均无故障时间与修复时间",
        "EQUIPMENT",
        "设备",
        OF(reliability),
        .note =
            T("RATE: faults per device and month. ≥ and ≤: one-sided 90 % bound; below "
              "5 failures (repairs) only the "
              "bound is shown.",
              "故障率：每台每月。≥ 与 ≤：90 % 单侧置信界；少于 5 次时只给出置信界。"),
        .shown = 60),
    [SITE_RESPONSE] = SPEC("response",
                           "From the report to the response",
                           "响应时间",
                           "PRIORITY",
                           "优先级",
                           OF(times)),
    [SITE_RESOLUTION] = SPEC("resolution",
                             "From the report to the solution",
                             "解决时间",
                             "PRIORITY",
                             "优先级",
                             OF(times)),
    [SITE_PROMISES] = SPEC("deadlines",
                           "Deadlines kept",
                           "时限达成率",
                           "PRIORITY",
                           "优先级",
                           OF(promises)),
    [SITE_REPEATS] = SPEC("repeats",
                          "Faults that come back",
                          "重复故障",
                          "DEVICE AND RULE",
                          "设备与规则",
                          OF(repeats),
                          .shown = 15),
    [SITE_CAUSES] =
        SPEC("causes", "Causes", "故障原因", "CAUSE", "原因", OF(causes), .shown = 20),
    [SITE_COSTS] =
        SPEC("cost", "Cost", "费用", "EQUIPMENT", "设备", OF(costs), .shown = 30),
    [SITE_PEOPLE] =
        SPEC("people", "Work by person", "个人工作量", "PERSON", "人员", OF(work)),
    [SITE_TEAMS] =
        SPEC("teams", "Work by team", "班组工作量", "TEAM", "班组", OF(work)),
    [SITE_SHARES] = SPEC("kinds",
                         "Planned and unplanned work",
                         "计划与非计划工作",
                         "KIND",
                         "类别",
                         OF(shares)),
    [SITE_PLANS] =
        SPEC("plans", "Planned maintenance", "维保计划执行", "PLAN", "计划", OF(plans)),
    [SITE_FALSE_ALARMS] = SPEC("false_alarms",
                               "False alarms by rule",
                               "规则误报率",
                               "RULE",
                               "规则",
                               OF(false_alarms),
                               .shown = 20),
    [SITE_LIFE] =
        SPEC("life", "Life used", "寿命", "DEVICE", "设备", OF(life), .shown = 40),
    [SITE_ENERGY] =
        SPEC("energy", "Energy", "能耗", "DEVICE OR AREA", "设备或区域", OF(energy)),
    [SITE_ENERGY_MARKED] = SPEC("energy_marked",
                                "Days that stand out",
                                "能耗异常日",
                                "DEVICE/DAY",
                                "设备/日期",
                                OF(marked),
                                .shown = 30),
    [SITE_PARTS] = SPEC("parts",
                        "Faults and availability over time",
                        "故障与完好率走势",
                        "TYPE/FROM",
                        "类型/起",
                        OF(parts),
                        .data = true),
    [SITE_ENERGY_DAYS] = SPEC("energy_days",
                              "Energy by day",
                              "每日能耗",
                              "DEVICE/DAY",
                              "设备/日期",
                              OF(energy_days),
                              .data = true),
};

static const struct text definitions[] = {
    T("A fault is a ticket of kind fault or reported that was not closed as "
      "false-alarm "
      "or no-fault-found; a failure is a fault of priority urgent or critical.",
      "故障：类别为 fault 或 "
      "reported、且未以误报（false-alarm、no-fault-found）关闭的工单；"
      "严重故障：优先级为紧急或特急的故障。"),
    T("Down: an alarm of severity urgent or critical stands, or a ticket of that "
      "priority "
      "that a person reported is not resolved. Availability = up / (up + down); times "
      "out "
      "of service (without a fault) and times in which nobody could see the device "
      "count "
      "for neither. Buses and the gateway stand apart: \"all\" is without them.",
      "故障时间：紧急或特急报警存在期间，或人工报修的同级工单尚未解决期间。"
      "设备完好率 = 正常 /（正常 + 故障）；无故障的停用时间和无数据时间不计入。"
      "总线与网关单列，不计入合计。"),
    T("MTBF = time up / failures; MTTR = mean time from the report to the solution, "
      "and "
      "again from each reopening. Bounds: chi-square, 2n+2 and 2n degrees of freedom.",
      "平均无故障时间 = 正常时间 / 严重故障数；平均修复时间 = "
      "从报修到解决（返修另加）的"
      "平均时间。置信界：卡方分布，自由度 2n+2 与 2n。"),
    T("Response and solution: the first of each ticket, from its opening, by the clock "
      "on "
      "the wall, pauses included. In time: no deadline of it was ever missed, also "
      "before "
      "it was reopened; what is still running is not counted.",
      "响应与解决时间：自开单起至首次响应、首次解决的自然时间（含暂停）。"
      "及时：任何一次时限均未超过（含返修前）；尚在进行的不计。"),
    T("First-time fix: closed faults that were never reopened. A fault that came back "
      "had one of the same device and rule (or category) in the 30 days before it.",
      "一次修复率：已关闭且从未返修的故障占比。重复故障：此前 30 天内同一设备同一规则"
      "（或类别）已出现过。"),
    T("A ticket counts, with all its work and cost, in the period in which it was "
      "opened; "
      "times are cut at the ends of the period [from, to).",
      "工单连同其全部工时与费用计入其开单所在的期间；时间按期间 [起, 止) 截断。"),
    T("Energy: counters in kWh read where each day begins; a day stands out when it is "
      "more than 3.5 robust deviations (median and MAD) from the days of its kind: "
      "working "
      "days, Saturdays, Sundays and holidays. An area counts no meter behind another "
      "of "
      "it.",
      "能耗：每日零点读取 kWh "
      "计数器；与同类日（工作日、周六、周日及节假日）的中位数相差"
      "超过 3.5 个稳健偏差（MAD）者为异常。区域合计不重复计入下级电表。"),
    T("Life used: the largest of age, hours and starts against the design; the day it "
      "is "
      "used up goes on as up to now.",
      "寿命已用：役龄、运行小时、启动次数与设计值之比的最大者；到寿日期按目前速度线性推"
      "算。"),
};

const struct text *
site_report_definition(size_t index)
{
    return index < ARRAY_LEN(definitions) ? &definitions[index] : NULL;
}

const char *
site_change_verdict_name(enum site_change_verdict v)
{
    static const char *const names[] = {"too-few", "unclear", "better", "worse"};
    return names[v];
}

const struct text *
site_change_verdict_text(enum site_change_verdict v)
{
    static const struct text texts[] = {T("too few to say", "样本太少"),
                                        T("no clear change", "无明显变化"),
                                        T("better", "改善"), T("worse", "变差")};
    return &texts[v];
}
