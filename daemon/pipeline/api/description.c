/* The OpenAPI 3.1 description, made of the table of routes and of the schemas beside
 * this file, which are compiled in. */
#include <ctype.h>
#include <string.h>

#include "daemon/pipeline/api/api.h"

static void
add_schema(struct strbuf *out, const char *name)
{
    size_t size = strlen(name);
    if (name[0] == '[') {
        strbuf_add(out, "{\"type\":\"array\",\"items\":");
        strbuf_printf(out, "{\"$ref\":\"#/components/schemas/%.*s\"}}", (int)size - 2,
                      name + 1);
    } else {
        strbuf_printf(out, "{\"$ref\":\"#/components/schemas/%s\"}", name);
    }
}

/* A media type is one that has a slash. */
static void
add_content(struct strbuf *out, const char *what)
{
    strbuf_add(out, ",\"content\":{");
    if (strchr(what, '/') == NULL) {
        strbuf_add(out, "\"application/json\":{\"schema\":");
        add_schema(out, what);
        strbuf_add(out, "}}");
        return;
    }
    for (const char *p = what; *p != '\0'; p += *p == ',') {
        int size = (int)strcspn(p, ",");
        strbuf_printf(out, "%s\"%.*s\":{\"schema\":{}}", p == what ? "" : ",", size, p);
        p += size;
    }
    strbuf_add_char(out, '}');
}

static void
add_choices(struct strbuf *out, const char *choices)
{
    strbuf_add(out, "{\"type\":\"string\",\"enum\":[");
    for (const char *p = choices; *p != '\0'; p += *p == '|') {
        size_t length = strcspn(p, "|");
        strbuf_printf(out, "%s\"%.*s\"", p == choices ? "" : ",", (int)length, p);
        p += length;
    }
    strbuf_add(out, "]}");
}

static void
add_query_param(struct strbuf *out, const struct api_param *p)
{
    strbuf_add(out, "{\"name\":");
    strbuf_json_string(out, p->name);
    strbuf_add(out, ",\"in\":\"query\",\"description\":");
    strbuf_json_string(out, p->about);
    strbuf_add(out, ",\"schema\":");
    switch (p->kind) {
    case PARAM_TEXT:
        strbuf_add(out, "{\"type\":\"string\"}");
        break;
    case PARAM_FLAG:
        strbuf_add(out, "{\"type\":\"string\",\"enum\":[\"0\",\"1\"]}");
        break;
    case PARAM_NUMBER:
        strbuf_printf(out, "{\"type\":\"integer\",\"minimum\":%lld,\"maximum\":%lld}",
                      (long long)p->min, (long long)p->max);
        break;
    case PARAM_CHOICE:
        add_choices(out, p->choices);
        break;
    }
    strbuf_add_char(out, '}');
}

static void
add_params(struct strbuf *out, const struct api_route *route)
{
    bool first = true;
    strbuf_add(out, ",\"parameters\":[");
    for (const char *p = strchr(route->path, '{'); p != NULL; p = strchr(p + 1, '{')) {
        size_t size = strcspn(p + 1, "}");
        strbuf_printf(out,
                      "%s{\"name\":\"%.*s\",\"in\":\"path\",\"required\":true,"
                      "\"schema\":{\"type\":\"string\"}}",
                      first ? "" : ",", (int)size, p + 1);
        first = false;
    }
    for (const struct api_param *p = route->params; p != NULL && p->name != NULL; p++) {
        strbuf_add(out, first ? "" : ",");
        add_query_param(out, p);
        first = false;
    }
    strbuf_add_char(out, ']');
}

/* "getTicketsChartSvg" */
static void
add_operation_id(struct strbuf *out, const struct api_route *route)
{
    strbuf_add(out, ",\"operationId\":\"");
    for (const char *m = route->method; *m != '\0'; m++) {
        strbuf_add_char(out, (char)tolower((unsigned char)*m));
    }
    bool upper = true;
    for (const char *p = route->path + strlen("/api/v1"); *p != '\0'; p++) {
        if (isalnum((unsigned char)*p)) {
            strbuf_add_char(out, upper ? (char)toupper((unsigned char)*p) : *p);
            upper = false;
        } else {
            upper = true;
        }
    }
    strbuf_add_char(out, '"');
}

static void
add_operation(struct strbuf *out, const struct api_route *route)
{
    strbuf_printf(out, "{\"summary\":");
    strbuf_json_string(out, route->summary);
    add_operation_id(out, route);
    strbuf_json_str(out, "x-role", role_name(route->role));
    if (route->role == ROLE_NONE) {
        strbuf_add(out, ",\"security\":[]");
    }
    add_params(out, route);
    if (route->body != NULL) {
        strbuf_add(out, ",\"requestBody\":{\"required\":true");
        add_content(out, route->body);
        strbuf_add_char(out, '}');
    }
    strbuf_add(out, ",\"responses\":{\"200\":{\"description\":\"done\"");
    add_content(out, route->answer);
    strbuf_add(out, "},\"default\":{\"description\":\"what was wrong\",\"content\":"
                    "{\"application/problem+json\":{\"schema\":"
                    "{\"$ref\":\"#/components/schemas/Problem\"}}}}}}");
}

void
api_describe(struct strbuf *out)
{
    strbuf_add(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Caretaker\","
                    "\"version\":\"" CARETAKER_VERSION "\",\"description\":"
                    "\"What the site is, what happened and what people do with it, as "
                    "the command line lists and does it. Errors are RFC 9457 problem "
                    "details. A GET has an ETag, unless it is sent in pieces; where a "
                    "listing goes on, Link leads to the next page.\"},"
                    "\"servers\":[{\"url\":\"/\"}],"
                    "\"security\":[{\"session\":[]},{\"token\":[]}],\"paths\":{");
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *route = &api_routes[i];
        bool begins = i == 0 || strcmp(api_routes[i - 1].path, route->path) != 0;
        bool ends = i + 1 == api_route_count ||
                    strcmp(api_routes[i + 1].path, route->path) != 0;
        if (begins) {
            strbuf_json_string(out, route->path);
            strbuf_add(out, ":{");
        } else {
            strbuf_add_char(out, ',');
        }
        strbuf_add_char(out, '"');
        for (const char *m = route->method; *m != '\0'; m++) {
            strbuf_add_char(out, (char)tolower((unsigned char)*m));
        }
        strbuf_add(out, "\":");
        add_operation(out, route);
        strbuf_add(out, !ends ? "" : i + 1 < api_route_count ? "}," : "}");
    }
    strbuf_add(out,
               "},\"components\":{\"securitySchemes\":{\"session\":{\"type\":"
               "\"apiKey\",\"in\":\"cookie\",\"name\":\"caretaker\",\"description\":"
               "\"by POST session; all but GET say in the header X-CSRF-Token "
               "what GET session says in csrf\"},\"token\":"
               "{\"type\":\"http\",\"scheme\":\"bearer\"}},\"schemas\":");
    strbuf_add(out, api_schemas);
    strbuf_add(out, "}}");
}

unsigned
api_get_description(struct api *a, const struct web_request *r, struct strbuf *body)
{
    (void)a;
    (void)r;
    api_describe(body);
    return 200;
}
