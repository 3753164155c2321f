/* What `caretaker report` shows. */
#ifndef CARETAKER_CLI_REPORT_PRINT_H
#define CARETAKER_CLI_REPORT_PRINT_H

#include "daemon/pipeline/report/alarm_report.h"

/* Returns an exit status. */
int report_print_alarms_text(const struct alarm_report *r,
                             const struct alarm_report_head *h);

#endif
