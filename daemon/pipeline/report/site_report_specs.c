/* The tables of the report on a site: what they are called and what is in them. */
#include "daemon/pipeline/report/site_report.h"

#include "daemon/base/catalogue.h"
#include "daemon/base/err.h"

#define COLUMN(key_, title_, ...)                                                      \
    {                                                                                  \
        .key = key_, .title = title_, .unit = __VA_ARGS__                              \
    }
#define OF(columns_) .columns = columns_, .column_count = ARRAY_LEN(columns_)
#define SPEC(key_, title_, subject_, ...)                                              \
    {                                                                                  \
        .key = key_, .title = title_, .subject = subject_, __VA_ARGS__                 \
    }

static const struct report_column summary[] = {
    COLUMN("value", "VALUE", REPORT_VARIES, .n = "n", .lead = true),
    COLUMN("unit", "UNIT", REPORT_WORD, .words = "unit"),
    COLUMN("n", "N", REPORT_COUNT),
};
static const struct report_column availability[] = {
    COLUMN("availability", "AVAILABLE %", REPORT_AVAILABILITY, .lead = true),
    COLUMN("down_h", "DOWN h", REPORT_HOURS),
    COLUMN("out_of_service_h", "OUT OF SERVICE h", REPORT_HOURS),
    COLUMN("unseen_h", "UNSEEN h", REPORT_HOURS),
    COLUMN("up_h", "UP h", REPORT_HOURS),
    COLUMN("devices", "DEVICES", REPORT_COUNT),
};
static const struct report_column reliability[] = {
    COLUMN("faults", "FAULTS", REPORT_COUNT),
    COLUMN("device_months", "DEVICE-MONTHS", REPORT_SCORE, .data = true),
    COLUMN("fault_rate", "RATE", REPORT_PER_MONTH, .n = "faults", .lead = true),
    COLUMN("failures", "FAILURES", REPORT_COUNT),
    COLUMN(
        "mtbf_h", "MTBF h", REPORT_HOURS, .n = "failures", .bound = "mtbf_at_least_h"),
    COLUMN("mtbf_at_least_h",
           "MTBF AT LEAST h",
           REPORT_HOURS,
           .n = "failures",
           .data = true),
    COLUMN("repairs", "FIXED", REPORT_COUNT),
    COLUMN("mttr_h", "MTTR h", REPORT_HOURS, .n = "repairs", .bound = "mttr_at_most_h"),
    COLUMN(
        "mttr_at_most_h", "MTTR AT MOST h", REPORT_HOURS, .n = "repairs", .data = true),
};
static const struct report_column times[] = {
    COLUMN("n", "N", REPORT_COUNT),
    COLUMN("mean_min", "MEAN min", REPORT_MINUTES, .n = "n", .lead = true),
    COLUMN("median_min", "MEDIAN min", REPORT_MINUTES, .n = "n"),
    COLUMN("p90_min", "90 % WITHIN min", REPORT_MINUTES, .n = "n"),
};
static const struct report_column promises[] = {
    COLUMN("respond_n", "TO RESPOND", REPORT_COUNT),
    COLUMN("respond_met",
           "RESPONDED IN TIME %",
           REPORT_PERCENT,
           .n = "respond_n",
           .lead = true),
    COLUMN("resolve_n", "TO RESOLVE", REPORT_COUNT),
    COLUMN("resolve_met", "RESOLVED IN TIME %", REPORT_PERCENT, .n = "resolve_n"),
};
static const struct report_column repeats[] = {
    COLUMN("faults", "FAULTS", REPORT_COUNT),
    COLUMN("reopened", "REOPENED", REPORT_COUNT),
};
static const struct report_column causes[] = {
    COLUMN("tickets", "TICKETS", REPORT_COUNT, .lead = true),
    COLUMN("share", "SHARE %", REPORT_PERCENT, .n = "tickets"),
    COLUMN("cumulative", "TOGETHER %", REPORT_PERCENT),
    COLUMN("repair_h", "REPAIR h", REPORT_HOURS),
    COLUMN("cost", "COST", REPORT_MONEY),
};
static const struct report_column costs[] = {
    COLUMN("tickets", "TICKETS", REPORT_COUNT),
    COLUMN("work_h", "WORK h", REPORT_HOURS),
    COLUMN("labour", "LABOUR", REPORT_MONEY),
    COLUMN("parts", "PARTS", REPORT_MONEY),
    COLUMN("cost", "COST", REPORT_MONEY, .n = "tickets", .lead = true),
};
static const struct report_column work[] = {
    COLUMN("tickets", "TICKETS", REPORT_COUNT, .lead = true),
    COLUMN("resolved", "RESOLVED", REPORT_COUNT),
    COLUMN("reopened", "REOPENED", REPORT_COUNT),
    COLUMN("work_h", "WORK h", REPORT_HOURS),
    COLUMN("responded", "RESPONDED", REPORT_COUNT, .data = true),
    COLUMN("response_min", "RESPONSE min", REPORT_MINUTES, .n = "responded"),
    COLUMN("cost", "COST", REPORT_MONEY),
    COLUMN("rating", "STARS", REPORT_STARS, .n = "ratings"),
    COLUMN("ratings", "OF", REPORT_COUNT),
};
static const struct report_column shares[] = {
    COLUMN("tickets", "TICKETS", REPORT_COUNT),
    COLUMN("share", "SHARE %", REPORT_PERCENT, .n = "tickets", .lead = true),
    COLUMN("work_h", "WORK h", REPORT_HOURS),
    COLUMN("work_share", "OF WORK %", REPORT_PERCENT),
    COLUMN("cost", "COST", REPORT_MONEY),
};
static const struct report_column plans[] = {
    COLUMN("visits", "VISITS", REPORT_COUNT),
    COLUMN("done", "DONE", REPORT_COUNT),
    COLUMN("in_time", "IN TIME", REPORT_COUNT),
    COLUMN("overdue", "OVERDUE", REPORT_COUNT, .lead = true),
};
static const struct report_column false_alarms[] = {
    COLUMN("tickets", "TICKETS", REPORT_COUNT),
    COLUMN("judged", "CLOSED WITH A CAUSE", REPORT_COUNT),
    COLUMN("false_alarms", "FALSE", REPORT_COUNT),
    COLUMN("share", "FALSE %", REPORT_PERCENT, .n = "judged", .lead = true),
};
static const struct report_column life[] = {
    COLUMN("used", "LIFE USED %", REPORT_PERCENT),
    COLUMN("by", "BY", REPORT_WORD, .words = "life"),
    COLUMN("replace_on", "USED UP ON", REPORT_DAY),
    COLUMN("age_y", "AGE y", REPORT_YEARS),
    COLUMN("design_y", "OF y", REPORT_YEARS),
    COLUMN("run_h", "RUN h", REPORT_HOURS),
    COLUMN("design_h", "OF h", REPORT_HOURS),
    COLUMN("starts", "STARTS", REPORT_COUNT),
    COLUMN("design_starts", "OF STARTS", REPORT_COUNT),
};
static const struct report_column papers[] = {
    COLUMN("valid_until", "LAST DAY", REPORT_DAY),
    COLUMN("days_left", "DAYS LEFT", REPORT_COUNT),
    COLUMN("kind", "KIND", REPORT_WORD, .words = "document_kind"),
    COLUMN("title", "PAPER", REPORT_WORD),
};
static const struct report_column energy[] = {
    COLUMN("kwh", "kWh", REPORT_KWH),
    COLUMN("days", "WHOLE DAYS", REPORT_COUNT),
    COLUMN("kwh_per_day", "kWh A DAY", REPORT_KWH, .n = "days", .lead = true),
    COLUMN("marked", "STAND OUT", REPORT_COUNT),
    COLUMN("resets", "RESETS", REPORT_COUNT),
};
static const struct report_column marked[] = {
    COLUMN("day", "DAY", REPORT_DAY),
    COLUMN("device", "DEVICE", REPORT_WORD),
    COLUMN("kwh", "kWh", REPORT_KWH),
    COLUMN("expected_kwh", "USUAL kWh", REPORT_KWH),
    COLUMN("score", "SCORE", REPORT_SCORE),
};
static const struct report_column parts[] = {
    COLUMN("from", "FROM", REPORT_DAY),
    COLUMN("type", "TYPE", REPORT_WORD),
    COLUMN("faults", "FAULTS", REPORT_COUNT),
    COLUMN("availability", "AVAILABLE %", REPORT_AVAILABILITY),
};
static const struct report_column energy_days[] = {
    COLUMN("day", "DAY", REPORT_DAY),
    COLUMN("device", "DEVICE", REPORT_WORD),
    COLUMN("kwh", "kWh", REPORT_KWH),
    COLUMN("whole", "WHOLE", REPORT_COUNT),
};

const struct report_spec site_table_specs[SITE_TABLES] = {
    [SITE_SUMMARY] = SPEC("summary", "Summary", "FIGURE", OF(summary)),
    [SITE_AVAILABILITY] = SPEC(
        "availability", "Availability", "EQUIPMENT", OF(availability), .shown = 60),
    [SITE_RELIABILITY] =
        SPEC("reliability",
             "Faults, time between failures, time to repair",
             "EQUIPMENT",
             OF(reliability),
             .note = N_("RATE: faults per device and month. ≥ and ≤: one-sided 90 % "
                        "bound; below 5 failures (repairs) only the bound is shown."),
             .shown = 60),
    [SITE_RESPONSE] =
        SPEC("response", "From the report to the response", "PRIORITY", OF(times)),
    [SITE_RESOLUTION] =
        SPEC("resolution", "From the report to the solution", "PRIORITY", OF(times)),
    [SITE_PROMISES] = SPEC("deadlines", "Deadlines kept", "PRIORITY", OF(promises)),
    [SITE_REPEATS] = SPEC("repeats",
                          "Faults that come back",
                          "DEVICE AND RULE",
                          OF(repeats),
                          .shown = 15),
    [SITE_CAUSES] = SPEC("causes", "Causes", "CAUSE", OF(causes), .shown = 20),
    [SITE_COSTS] = SPEC("cost", "Cost", "EQUIPMENT", OF(costs), .shown = 30),
    [SITE_PEOPLE] = SPEC("people", "Work by person", "PERSON", OF(work)),
    [SITE_TEAMS] = SPEC("teams", "Work by team", "TEAM", OF(work)),
    [SITE_SHARES] = SPEC("kinds", "Planned and unplanned work", "KIND", OF(shares)),
    [SITE_PLANS] = SPEC("plans", "Planned maintenance", "PLAN", OF(plans)),
    [SITE_FALSE_ALARMS] = SPEC(
        "false_alarms", "False alarms by rule", "RULE", OF(false_alarms), .shown = 20),
    [SITE_LIFE] = SPEC("life", "Life used", "DEVICE", OF(life), .shown = 40),
    [SITE_PAPERS] = SPEC("papers", "Papers that run out", "DEVICE", OF(papers)),
    [SITE_ENERGY] = SPEC("energy", "Energy", "DEVICE OR AREA", OF(energy)),
    [SITE_ENERGY_MARKED] = SPEC(
        "energy_marked", "Days that stand out", "DEVICE/DAY", OF(marked), .shown = 30),
    [SITE_PARTS] = SPEC("parts",
                        "Faults and availability over time",
                        "TYPE/FROM",
                        OF(parts),
                        .data = true),
    [SITE_ENERGY_DAYS] = SPEC(
        "energy_days", "Energy by day", "DEVICE/DAY", OF(energy_days), .data = true),
};

static const char *const definitions[] = {
    N_("A fault is a ticket of kind fault or reported that was not closed as "
       "false-alarm or no-fault-found; a failure is a fault of priority urgent or "
       "critical. What was predicted is no fault until it comes true."),
    N_("Down: an alarm of severity urgent or critical stands (of a rule that sees "
       "faults, not of one that predicts), or a ticket of that "
       "priority that a person reported is not resolved. Availability = up / (up + "
       "down); times out of service (without a fault) and times in which nobody could "
       "know (the device did not answer or was not in the site yet, or the daemon did "
       "not run) count for neither. Buses and the gateway stand apart: \"all\" is "
       "without them."),
    N_("MTBF = time up / failures; MTTR = mean time from the report to the solution, "
       "and again from each reopening. Bounds: chi-square, 2n+2 and 2n degrees of "
       "freedom."),
    N_("Response and solution: the first of each ticket, from its opening, by the "
       "clock on the wall, pauses included. In time: no deadline of it was ever "
       "missed, also before it was reopened; what is still running is not counted."),
    N_("First-time fix: closed faults that were never reopened. A fault that came back "
       "had one of the same device and rule (or category) in the 30 days before it."),
    N_("A ticket counts, with all its work and cost, in the period in which it was "
       "opened; times are cut at the ends of the period [from, to). Per month: of the "
       "months of the period that were recorded."),
    N_("Energy: counters in kWh read where each day begins; a day stands out when it "
       "is more than 3.5 robust deviations (median and MAD) from the days of its kind: "
       "working days, Saturdays, Sundays and holidays. An area counts no meter behind "
       "another of it."),
    N_("Life used: the largest of age, hours and starts against the design; the day it "
       "is used up goes on as up to now."),
};

const char *
site_report_definition(size_t index)
{
    return index < ARRAY_LEN(definitions) ? definitions[index] : NULL;
}

const char *const site_change_headings[SITE_CHANGE_COLUMNS] = {
    "FIGURE", "BEFORE", "N", "AFTER", "N", "CHANGE", "90 % INTERVAL", "SAYS"};

const char *
site_change_verdict_name(enum site_change_verdict v)
{
    static const char *const names[] = {"too-few", "unclear", "better", "worse"};
    return names[v];
}

const char *
site_change_verdict_text(enum site_change_verdict v)
{
    static const char *const verdicts[] = {"too few to say", "no clear change",
                                           "better", "worse"};
    return verdicts[v];
}
