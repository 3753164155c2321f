/* What `caretaker report` shows. */
#ifndef CARETAKER_CLI_REPORT_PRINT_H
#define CARETAKER_CLI_REPORT_PRINT_H

#include "daemon/pipeline/alarm_report.h"

struct report_head {
    const struct site *site;
    uint32_t operators;
    bool from_logs;
    bool advised;
};

void report_print_alarms_json(const struct alarm_report *r,
                              const struct report_head *h);
/* Returns an exit status. */
int report_print_alarms_text(const struct alarm_report *r, const struct report_head *h);

#endif
