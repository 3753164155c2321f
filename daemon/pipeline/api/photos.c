/* Photos of tickets:
 *   POST /api/v1/tickets/5/photos    the body is the photo itself; ?note=
 *   GET  /api/v1/tickets/5/photos    what there is
 *   GET  /api/v1/tickets/5/photos/2  one of them
 *
 * The file is on the disk before the loop hears of the photo: a row without its file
 * cannot be.  What was sent already, and is sent again because the answer got lost, is
 * the photo that there is. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/log.h"
#include "daemon/base/utf8.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/store/photo_clean.h"
#include "daemon/store/photos.h"
#include "daemon/store/state_photo.h"

#define NUMBER_BYTES 24

/* Part `index` of the path as a number; 0 for none. */
static int64_t
number_of(const struct web_request *r, unsigned index)
{
    char part[NUMBER_BYTES];
    char *end = NULL;
    api_path_part(part, sizeof part, r, index);
    if (part[0] < '1' || part[0] > '9') {
        return 0;
    }
    int64_t number = strtoll(part, &end, 10);
    return *end == '\0' && number < INT64_MAX ? number : 0;
}

static bool
take_ticket(void *ctx, const struct ticket *t)
{
    *(int64_t *)ctx = t->number;
    return true;
}

/* Of the path, and there. */
static int
find_ticket(const struct api *a,
            const struct web_request *r,
            int64_t *number,
            struct err *err)
{
    int64_t found = 0;
    *number = number_of(r, 1);
    int code = *number > 0
                   ? state_one_ticket(a->reader, *number, take_ticket, &found, err)
                   : 0;
    if (code == 0 && found == 0) {
        char part[NUMBER_BYTES];
        code = err_set(err, ERR_NOT_FOUND, "there is no ticket %s",
                       api_path_part(part, sizeof part, r, 1));
    }
    return code;
}

/* ---- What there is ---- */

static bool
add_photo(void *ctx, const struct photo *p)
{
    struct strbuf *body = ctx;
    strbuf_add(body, body->size > 1 ? "," : "");
    photo_to_json(body, p);
    return true;
}

unsigned
api_get_photos(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    int64_t ticket = 0;
    int code = find_ticket(a, r, &ticket, &err);
    strbuf_add_char(body, '[');
    if (code == 0) {
        code = state_each_photo(a->reader, ticket, add_photo, body, &err);
    }
    strbuf_add_char(body, ']');
    return code == 0 ? 200 : api_problem(body, &err);
}

/* The photo with this number or, where that is 0, with this hash. */
struct wanted {
    int64_t number;
    const char *sha256;
    bool found;
    struct photo photo;
};

static bool
take_photo(void *ctx, const struct photo *p)
{
    struct wanted *w = ctx;
    w->found =
        w->number != 0 ? p->number == w->number : strcmp(p->sha256, w->sha256) == 0;
    if (w->found) {
        w->photo = *p;
    }
    return !w->found;
}

unsigned
api_get_photo(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    int64_t ticket = 0;
    struct wanted w = {.number = number_of(r, 3), .sha256 = ""};
    int code = find_ticket(a, r, &ticket, &err);
    if (code == 0 && w.number > 0) {
        code = state_each_photo(a->reader, ticket, take_photo, &w, &err);
    }
    if (code == 0 && !w.found) {
        code = err_set(&err, ERR_NOT_FOUND, "ticket %" PRId64 " has no such photo",
                       ticket);
    }
    if (code == 0) {
        struct site *site = api_share_site(a);
        code = photos_get(body, site->data_dir, &w.photo, &err);
        site_free(site);
        if (code != 0) {
            /* Its row says that it should be there. */
            log_error("ticket %lld: %s", (long long)ticket, err.text);
            err.code = ERR_IO;
        }
    }
    if (code != 0) {
        return api_problem(body, &err);
    }
    r->answer->type = photo_type_name(w.photo.type);
    r->answer->for_ever = true;
    return 200;
}

/* ---- A new one ---- */

/* The journal and the table are to say the same. */
static int
check_text(const struct web_request *r, const char *key, struct err *err)
{
    const char *text = r->query(r, key);
    size_t left = text != NULL ? strlen(text) : 0;
    while (left > 0) {
        size_t size = utf8_size(text, left);
        if (size == 0) {
            return err_set(err, ERR_RANGE, "\"%s\" must be text in UTF-8", key);
        }
        text += size;
        left -= size;
    }
    return 0;
}

/* The loop does it, as all that people do.  A file that was made for what it refuses
 * goes again; where it is not known what became of it, the next start finds out. */
static int
tell_loop(struct api *a,
          const struct web_request *r,
          const char *dir,
          const struct photo *photo,
          bool made,
          struct err *err)
{
    const char *by = a->caller.local ? r->query(r, "by") : a->caller.user;
    const struct command c = {.kind = COMMAND_TICKET_PHOTO,
                              .ticket = photo->ticket,
                              .by = by != NULL ? by : "",
                              .note = r->query(r, "note"),
                              .photo = photo};
    struct request request = {.kind = REQUEST_COMMAND, .command = &c, .peer = r->peer};
    int code = request_ask(&a->live->requests, &request);
    bool refused = code == ERR_NOT_FOUND || code == ERR_REFUSED || code == ERR_USAGE;
    if (refused && made) {
        photos_remove(dir, photo);
    }
    if (code != 0) {
        *err = request.err;
    }
    return code;
}

/* Under the lock.  `out` is as it is stored. */
static int
store(struct api *a,
      const struct web_request *r,
      const char *dir,
      struct photo *photo,
      const struct strbuf *bytes,
      struct photo *out,
      struct err *err)
{
    struct wanted w = {.sha256 = photo->sha256};
    bool made = false;
    int code = photos_put(dir, photo, bytes->text, bytes->size, &made, err);
    if (code == 0) {
        code = state_each_photo(a->reader, photo->ticket, take_photo, &w, err);
    }
    if (code == 0 && !w.found) {
        code = tell_loop(a, r, dir, photo, made, err);
        code = code == 0
                   ? state_each_photo(a->reader, photo->ticket, take_photo, &w, err)
                   : code;
    }
    *out = w.photo;
    return code;
}

unsigned
api_post_photo(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    struct photo photo = {0}, stored = {0};
    struct strbuf bytes = {0};
    if (!photo_type_of(&photo.type, r->body, r->body_size)) {
        return web_problem(
            body, 415,
            tr("the body is no photo that is known here; JPEG, PNG and WebP are "
               "accepted (image/jpeg, image/png, image/webp)"));
    }
    int code = find_ticket(a, r, &photo.ticket, &err);
    code = code == 0 ? check_text(r, "note", &err) : code;
    code = code == 0 ? check_text(r, "by", &err) : code;
    code = code == 0 ? photo_clean(&bytes, &photo.type, r->body, r->body_size, &err)
                     : code;
    if (code == 0) {
        struct site *site = api_share_site(a);
        pthread_mutex_lock(&a->live->photo_lock);
        code = store(a, r, site->data_dir, &photo, &bytes, &stored, &err);
        pthread_mutex_unlock(&a->live->photo_lock);
        site_free(site);
    }
    strbuf_fini(&bytes);
    if (code != 0) {
        return api_problem(body, &err);
    }
    photo_to_json(body, &stored);
    return 200;
}
