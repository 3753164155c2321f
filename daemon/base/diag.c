#include "daemon/base/diag.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/utf8.h"

#define DIAG_TEXT_BYTES  1024
#define NEAREST_WORD_MAX 64 /* Longer words are not compared. */

void
diags_init(struct diags *d)
{
    memset(d, 0, sizeof *d);
}

void
diags_fini(struct diags *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->items[i].file);
        free(d->items[i].text);
    }
    free(d->items);
    memset(d, 0, sizeof *d);
}

static char *
copy_or_abort(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        abort();
    }
    return copy;
}

void
diags_add(
    struct diags *d, enum diag_level level, const struct loc *loc, const char *fmt, ...)
{
    if (level == DIAG_ERROR) {
        d->errors++;
    } else {
        d->warnings++;
    }
    if (d->count >= DIAGS_MAX) {
        return;
    }
    if ((d->count & (d->count - 1)) == 0) {
        size_t capacity = d->count == 0 ? 8 : d->count * 2;
        struct diag *grown = realloc(d->items, capacity * sizeof *grown);
        if (grown == NULL) {
            abort();
        }
        d->items = grown;
    }
    char text[DIAG_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, tr(fmt), args);
    va_end(args);
    utf8_to_line(text);
    d->items[d->count++] = (struct diag){
        .level = level,
        .line = loc != NULL ? loc->line : 0,
        .column = loc != NULL ? loc->column : 0,
        .file = loc != NULL && loc->file != NULL ? copy_or_abort(loc->file) : NULL,
        .text = copy_or_abort(text),
    };
}

static int
compare(const struct diag *a, const struct diag *b)
{
    int order = strcmp(a->file != NULL ? a->file : "", b->file != NULL ? b->file : "");
    if (order != 0) {
        return order;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    if (a->column != b->column) {
        return a->column < b->column ? -1 : 1;
    }
    return 0;
}

void
diags_sort(struct diags *d)
{
    /* Insertion sort: stable, and DIAGS_MAX bounds it. */
    for (size_t i = 1; i < d->count; i++) {
        struct diag moved = d->items[i];
        size_t k = i;
        while (k > 0 && compare(&d->items[k - 1], &moved) > 0) {
            d->items[k] = d->items[k - 1];
            k--;
        }
        d->items[k] = moved;
    }
}

void
diags_print(const struct diags *d, FILE *out)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct diag *item = &d->items[i];
        if (item->file != NULL && item->line > 0) {
            fprintf(out, "%s:%u:%u: ", item->file, item->line, item->column);
        } else if (item->file != NULL) {
            fprintf(out, "%s: ", item->file);
        }
        fprintf(out, "%s%s\n", item->level == DIAG_WARNING ? tr("warning: ") : "",
                item->text);
    }
    size_t total = d->errors + d->warnings;
    if (total > d->count) {
        fprintf(out, tr("and %zu more\n"), total - d->count);
    }
}

static size_t
smallest(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits (insert, delete, replace) that make `b` of `a`; both under NEAREST_WORD_MAX. */
static size_t
edit_distance(const char *a, const char *b)
{
    size_t row[NEAREST_WORD_MAX + 1];
    size_t b_size = strlen(b);
    for (size_t j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t above = row[j];
            size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = smallest(above + 1, row[j - 1] + 1, replace);
            diagonal = above;
        }
    }
    return row[b_size];
}

const char *
diag_nearest(const char *word, const char *const *words, size_t count)
{
    size_t size = strlen(word);
    if (size == 0 || size >= NEAREST_WORD_MAX) {
        return NULL;
    }
    const char *best = NULL;
    size_t best_distance = size / 3 + 2; /* Farther is another word. */
    for (size_t i = 0; i < count; i++) {
        if (words[i] == NULL || strlen(words[i]) >= NEAREST_WORD_MAX) {
            continue;
        }
        size_t distance = edit_distance(word, words[i]);
        if (distance < best_distance && distance < size) {
            best = words[i];
            best_distance = distance;
        }
    }
    return best;
}
