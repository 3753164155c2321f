/* GET /api/v1/profiles      the register maps that the site finds, see profiles_json.h
 * GET /api/v1/profiles/ID   one whole */
#include "config/config.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/listings/profiles_json.h"

unsigned
api_profiles(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    struct diags diags;
    char id[ID_BYTES_MAX];
    int code = 0;
    diags_init(&diags); /* What is wrong in one was told when the site was loaded. */
    struct profile_set *set = config_load_profiles(a->live->path, &diags);
    (void)api_path_part(id, sizeof id, r, 1);
    const struct profile *one = id[0] != '\0' ? profile_set_find(set, id) : NULL;
    if (id[0] == '\0') {
        profiles_json(body, set);
    } else if (one != NULL) {
        profile_json(body, one);
    } else {
        code = err_set(&err, ERR_NOT_FOUND, "there is no profile \"%s\"", id);
    }
    profile_set_free(set);
    diags_fini(&diags);
    return code == 0 ? 200 : api_problem(body, &err);
}
