/* What the paths of the API take in their queries; each list ends with a name of NULL.
 * Of api/ only. */
#ifndef CARETAKER_PIPELINE_API_ROUTE_PARAMS_H
#define CARETAKER_PIPELINE_API_ROUTE_PARAMS_H

#include "daemon/pipeline/api/api.h"

extern const struct api_param api_device_params[], api_life_params[],
    api_alarm_params[], api_explain_params[], api_ledger_params[], api_ticket_params[],
    api_pack_params[], api_pack_page_params[], api_photo_params[], api_plan_params[],
    api_plan_sum_params[], api_wire_params[], api_stream_params[], api_page_params[],
    api_user_params[], api_series_params[], api_range_params[], api_event_params[],
    api_calendar_params[], api_duty_params[], api_report_params[],
    api_alarm_report_params[], api_rule_params[], api_sample_params[],
    api_head_params[], api_explain_past_params[], api_replay_params[],
    api_replay_log_params[], api_import_params[];

#endif
