/* The user's YAML files -> plain structs, with every error at its place.
 *
 * All errors are collected in `diags`; NULL is returned if there was any error.
 * Files are capped in size, depth and nodes; aliases, anchors, tags, NUL bytes,
 * repeated and unknown keys are errors. */
#ifndef CARETAKER_CONFIG_CONFIG_H
#define CARETAKER_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/diag.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/profile.h"
#include "daemon/model/replay_case.h"
#include "daemon/model/sim.h"
#include "daemon/model/site.h"

/* Where shipped profiles are looked for when they are not beside the site file: the
 * environment variable CARETAKER_SHARE; for a program that runs where it was built, its
 * source tree; else PREFIX/share/caretaker.  Lives as long as `a`. */
const char *config_share_dir(struct arena *a);

/* The site file and all that it includes.  `rules_files` (NULL when `count` is 0)
 * replace the rules of the site.  Rules' expressions are carried as text: rules_new()
 * checks them.  Returns owned (site_free) or NULL. */
struct site *config_load_site(const char *path,
                              const char *const *rules_files,
                              size_t count,
                              struct diags *diags);

/* One rule from memory, for `site`: an item of `rules:`, a list of one, or `rules:`
 * with one.  `name` stands for the file in every place.  What is returned, and its
 * texts, live in `arena`; NULL: there were errors.  As above, rules_new() checks the
 * expressions. */
const struct rule_spec *config_read_rule(struct arena *arena,
                                         const struct site *site,
                                         const char *name,
                                         const char *text,
                                         struct diags *diags);

/* The same, but a site with errors is returned too, marked `incomplete`, so that the
 * checks of others can add what they find.  NULL: nothing could be read at all. */
struct site *config_load_for_check(const char *path, struct diags *diags);

/* What `language:` of the site file at `path` says, even if the rest of it has errors,
 * which are not told.  False: nothing; it may stand in a file that is included. */
bool config_site_language(enum language *out, const char *path);

struct replay_case *config_load_case(const char *path, struct diags *diags);
/* A file with nothing but the `commands:` of a case, for replay. */
struct replay_case *config_load_commands(const char *path, struct diags *diags);
struct log_map *config_load_map(const char *path, struct diags *diags);
struct sim *config_load_sim(const char *path, struct diags *diags);

/* Every profile that a site file at `site_file` finds; the file itself is not read and
 * need not exist.  Returns owned (profile_set_free), never NULL: profiles with errors
 * are named in `wrong`. */
struct profile_set *config_load_profiles(const char *site_file, struct diags *diags);

/* A profile alone, as `check` does for every shipped one. */
bool config_check_profile(const char *path, struct diags *diags);

/* The kinds of file that editors can be told of, and what each is; NULL behind the
 * last.
 */
const char *config_schema_name(size_t index, const char **about);

/* Appends the JSON Schema (draft-07, which editors' YAML servers read best) of a kind
 * of file, written from the tables that its reader uses.  False: there is no such kind.
 */
bool config_schema_write(struct strbuf *out, const char *name);

#endif
