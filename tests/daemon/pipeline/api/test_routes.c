/* The table of routes: each is found, none hides another, and the description that is
 * made of it is whole. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/api/api.h"

#define PATH_BYTES  256
#define REFS        "#/components/schemas/"
#define SCHEMAS_MAX 256

/* "/api/v1/devices/{device}/marks" with `part` in the place of what stands in braces.
 */
static void
example(char out[PATH_BYTES], const char *pattern, const char *part)
{
    size_t used = 0;
    while (*pattern != '\0') {
        ck_assert_uint_lt(used + strlen(part), PATH_BYTES - 1);
        if (*pattern == '{') {
            memcpy(out + used, part, strlen(part));
            used += strlen(part);
            pattern += strcspn(pattern, "}") + 1;
        } else {
            out[used++] = *pattern++;
        }
    }
    out[used] = '\0';
}

START_TEST(each_route_is_found)
{
    static const char *const parts[] = {"pump-1", "7", "a b", "\xe6\xb3\xb5", "{", "."};
    for (size_t i = 0; i < api_route_count; i++) {
        for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
            char path[PATH_BYTES];
            bool known = false;
            const struct api_route *r = &api_routes[i];
            example(path, r->path, parts[k]);
            ck_assert_msg(api_route_find(r->method, path, &known) == r, "%s %s",
                          r->method, path);
            ck_assert(known);
        }
    }
}
END_TEST

/* Whether some path fits both, part by part. */
static bool
overlap(const char *a, const char *b)
{
    for (;;) {
        size_t a_size = strcspn(a, "/");
        size_t b_size = strcspn(b, "/");
        bool same = a_size == b_size && memcmp(a, b, a_size) == 0;
        if (!same && a[0] != '{' && b[0] != '{') {
            return false;
        }
        if (a[a_size] == '\0' || b[b_size] == '\0') {
            return a[a_size] == b[b_size];
        }
        a += a_size + 1;
        b += b_size + 1;
    }
}

START_TEST(no_route_hides_another)
{
    for (size_t i = 0; i < api_route_count; i++) {
        for (size_t k = i + 1; k < api_route_count; k++) {
            const struct api_route *a = &api_routes[i];
            const struct api_route *b = &api_routes[k];
            ck_assert_msg(!overlap(a->path, b->path) ||
                              (strcmp(a->path, b->path) == 0 &&
                               strcmp(a->method, b->method) != 0),
                          "%s %s, %s %s", a->method, a->path, b->method, b->path);
        }
    }
}
END_TEST

static const struct {
    const char *name, *method, *path;
    bool known;
} strangers[] = {
    {"nothing", "GET", "", false},
    {"the root alone", "GET", "/api/v1/", false},
    {"a path that begins as one of ours", "GET", "/api/v1/statu", false},
    {"a path that goes on behind ours", "GET", "/api/v1/statusx", false},
    {"a slash behind it", "GET", "/api/v1/status/", false},
    {"another version", "GET", "/api/v2/status", false},
    {"other letters", "GET", "/api/v1/Status", false},
    {"an empty part", "GET", "/api/v1/devices/", false},
    {"an empty part in the middle", "GET", "/api/v1/devices//series", false},
    {"a part too many", "GET", "/api/v1/devices/a/b/series", false},
    {"the name of a part is no part", "GET", "/api/v1/devices/a/serie", false},
    {"a method that it does not take", "DELETE", "/api/v1/status", true},
    {"a method in other letters", "get", "/api/v1/status", true},
    {"no method", "", "/api/v1/users/li", true},
};

START_TEST(what_is_no_route_is_not_found)
{
    bool known = !strangers[_i].known;
    ck_assert_msg(api_route_find(strangers[_i].method, strangers[_i].path, &known) ==
                      NULL,
                  "%s", strangers[_i].name);
    ck_assert_msg(known == strangers[_i].known, "%s", strangers[_i].name);
}
END_TEST

static const struct api_param *
find_param(const struct api_route *r, const char *name)
{
    for (const struct api_param *p = r->params; p != NULL && p->name != NULL; p++) {
        if (strcmp(p->name, name) == 0) {
            return p;
        }
    }
    return NULL;
}

static void
check_param(const struct api_route *r, const struct api_param *p)
{
    ck_assert_msg(find_param(r, p->name) == p, "%s: %s twice", r->path, p->name);
    ck_assert_msg(p->about != NULL && p->about[0] != '\0', "%s: %s", r->path, p->name);
    ck_assert_msg(p->kind != PARAM_NUMBER || p->min < p->max, "%s: %s", r->path,
                  p->name);
    ck_assert_msg((p->kind == PARAM_CHOICE) == (p->choices != NULL), "%s: %s", r->path,
                  p->name);
    /* An empty choice would be one that is accepted. */
    ck_assert_msg(p->choices == NULL ||
                      (p->choices[0] != '\0' && p->choices[0] != '|' &&
                       strstr(p->choices, "||") == NULL &&
                       p->choices[strlen(p->choices) - 1] != '|'),
                  "%s: %s", r->path, p->name);
}

START_TEST(a_route_agrees_with_itself)
{
    const struct api_route *r = &api_routes[_i];
    ck_assert(r->handle != NULL);
    ck_assert_ptr_nonnull(r->answer);
    ck_assert_ptr_nonnull(r->summary);
    ck_assert_uint_le(r->needs.body_max, WEB_BODY_LARGEST);
    ck_assert_msg(strcmp(r->method, "GET") != 0 || r->body == NULL, "%s", r->path);
    for (const struct api_param *p = r->params; p != NULL && p->name != NULL; p++) {
        check_param(r, p);
    }
    /* What has pages is asked for them, and an array of rows is what has pages. */
    if (r->page_keys != NULL) {
        ck_assert_msg(find_param(r, "cursor") != NULL && find_param(r, "limit") != NULL,
                      "%s", r->path);
        ck_assert_int_eq(find_param(r, "limit")->kind, PARAM_NUMBER);
        ck_assert_int_eq(find_param(r, "limit")->max, API_PAGE_MAX);
        ck_assert_msg(r->answer[0] == '[' || strstr(r->answer, "Listing") != NULL, "%s",
                      r->path);
    }
}
END_TEST

/* ---- The description ---- */

static json_t *
describe(void)
{
    struct strbuf text = {0};
    json_error_t where;
    api_describe(&text);
    json_t *root =
        json_loadb(strbuf_text(&text), text.size, JSON_REJECT_DUPLICATES, &where);
    ck_assert_msg(root != NULL, "%d:%d: %s", where.line, where.column, where.text);
    strbuf_fini(&text);
    return root;
}

static const char *
text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    ck_assert_msg(text != NULL, "%s", key);
    return text;
}

static json_t *
operation_of(json_t *root, const struct api_route *r)
{
    char method[8];
    size_t i = 0;
    for (; r->method[i] != '\0' && i < sizeof method - 1; i++) {
        method[i] = (char)(r->method[i] - 'A' + 'a');
    }
    method[i] = '\0';
    return json_object_get(json_object_get(json_object_get(root, "paths"), r->path),
                           method);
}

/* "query limit", "path device": of parameters, which are distinct. */
static size_t
count_parameters(json_t *operation, const char *where)
{
    size_t index = 0;
    size_t count = 0;
    json_t *p = NULL;
    json_array_foreach(json_object_get(operation, "parameters"), index, p)
    {
        count += strcmp(text_of(p, "in"), where) == 0;
    }
    return count;
}

START_TEST(every_route_is_described)
{
    json_t *root = describe();
    json_t *seen = json_object();
    size_t operations = 0;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *r = &api_routes[i];
        json_t *o = operation_of(root, r);
        ck_assert_msg(o != NULL, "%s %s", r->method, r->path);
        ck_assert_str_eq(text_of(o, "x-role"), role_name(r->role));
        ck_assert_str_eq(text_of(o, "summary"), r->summary);
        ck_assert_msg(json_is_array(json_object_get(o, "security")) ==
                          (r->role == ROLE_NONE),
                      "%s", r->path);
        ck_assert_msg((json_object_get(o, "requestBody") != NULL) == (r->body != NULL),
                      "%s", r->path);
        const char *id = text_of(o, "operationId");
        ck_assert_msg(json_object_get(seen, id) == NULL, "%s is twice", id);
        json_object_set_new(seen, id, json_true());
        size_t params = 0;
        while (r->params != NULL && r->params[params].name != NULL) {
            params++;
        }
        size_t parts = 0;
        for (const char *p = r->path; (p = strchr(p, '{')) != NULL; p++) {
            parts++;
        }
        ck_assert_uint_eq(count_parameters(o, "query"), params);
        ck_assert_uint_eq(count_parameters(o, "path"), parts);
    }
    const char *path = NULL;
    json_t *methods = NULL;
    json_object_foreach(json_object_get(root, "paths"), path, methods)
    {
        operations += json_object_size(methods);
    }
    ck_assert_uint_eq(operations, api_route_count);
    json_decref(seen);
    json_decref(root);
}
END_TEST

/* Sets in `found` what `value` refers to, and what that refers to. */
static void
follow(json_t *value, json_t *schemas, json_t *found)
{
    const char *key = NULL;
    size_t index = 0;
    json_t *member = NULL;
    json_array_foreach(value, index, member)
    {
        follow(member, schemas, found);
    }
    json_object_foreach(value, key, member)
    {
        const char *to = json_string_value(member);
        if (strcmp(key, "$ref") != 0 || to == NULL) {
            follow(member, schemas, found);
            continue;
        }
        ck_assert_msg(strncmp(to, REFS, strlen(REFS)) == 0, "%s", to);
        const char *name = to + strlen(REFS);
        json_t *schema = json_object_get(schemas, name);
        ck_assert_msg(schema != NULL, "there is no schema %s", name);
        if (json_object_get(found, name) == NULL) {
            json_object_set_new(found, name, json_true());
            ck_assert_uint_le(json_object_size(found), SCHEMAS_MAX);
            follow(schema, schemas, found);
        }
    }
}

START_TEST(every_schema_is_there_and_is_used)
{
    json_t *root = describe();
    json_t *schemas = json_object_get(json_object_get(root, "components"), "schemas");
    json_t *found = json_object();
    const char *name = NULL;
    json_t *schema = NULL;
    ck_assert(json_is_object(schemas));
    follow(json_object_get(root, "paths"), schemas, found);
    json_object_foreach(schemas, name, schema)
    {
        ck_assert_msg(json_object_get(found, name) != NULL, "%s: nobody uses it", name);
    }
    json_decref(found);
    json_decref(root);
}
END_TEST

/* What must be there can be there. */
static void
check_required(const char *name, json_t *value)
{
    const char *key = NULL;
    size_t index = 0;
    json_t *member = NULL;
    json_t *properties = json_object_get(value, "properties");
    json_t *required = json_object_get(value, "required");
    if (json_is_object(properties) && json_is_array(required)) {
        json_array_foreach(required, index, member)
        {
            const char *what = json_string_value(member);
            ck_assert_msg(what != NULL && json_object_get(properties, what) != NULL,
                          "%s: %s", name, what != NULL ? what : "?");
        }
    }
    json_array_foreach(value, index, member)
    {
        check_required(name, member);
    }
    json_object_foreach(value, key, member)
    {
        check_required(name, member);
    }
}

START_TEST(what_a_schema_requires_it_describes)
{
    json_error_t where;
    const char *name = NULL;
    json_t *schema = NULL;
    json_t *root = json_loads(api_schemas, JSON_REJECT_DUPLICATES, &where);
    ck_assert_msg(root != NULL, "%d: %s", where.line, where.text);
    json_object_foreach(root, name, schema)
    {
        check_required(name, schema);
    }
    json_decref(root);
}
END_TEST

static Suite *
routes_suite(void)
{
    Suite *s = suite_create("routes");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, each_route_is_found);
    tcase_add_test(tc, no_route_hides_another);
    tcase_add_loop_test(tc, what_is_no_route_is_not_found, 0,
                        (int)ARRAY_LEN(strangers));
    tcase_add_loop_test(tc, a_route_agrees_with_itself, 0, (int)api_route_count);
    suite_add_tcase(s, tc);
    tc = tcase_create("description");
    tcase_add_test(tc, every_route_is_described);
    tcase_add_test(tc, every_schema_is_there_and_is_used);
    tcase_add_test(tc, what_a_schema_requires_it_describes);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    SRunner *sr = srunner_create(routes_suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
