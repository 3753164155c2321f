/* What people ask for as JSON: the API and the MQTT command topic take the same object,
 * {"cmd":"ack","device":..,"rule":..,"by":..}. */
#ifndef CARETAKER_PIPELINE_COMMAND_JSON_H
#define CARETAKER_PIPELINE_COMMAND_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/command.h"

/* Texts are borrowed from `root`.  ERR_RANGE names the member and what is accepted. */
int command_from_json(struct command *c, json_t *root, struct err *err);

/* One member; `out` keeps its value when it is absent or null.  False when it is of the
 * wrong type, too long or outside the range. */
bool json_member_text(
    json_t *root, const char *key, size_t bytes_max, const char **out, struct err *err);
bool json_member_int(json_t *root,
                     const char *key,
                     int64_t min,
                     int64_t max,
                     int64_t *out,
                     struct err *err);

#endif
