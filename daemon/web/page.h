/* The page: its files, compiled into the program by scripts/page-to-c. */
#ifndef CARETAKER_WEB_PAGE_H
#define CARETAKER_WEB_PAGE_H

#include <stddef.h>

struct page_file {
    const char *name; /* "app.js" */
    const char *type; /* "text/javascript; charset=utf-8" */
    const char *tag;  /* Entity tag with its quotes, of the content. */
    const unsigned char *bytes;
    size_t size;
    const unsigned char *gzip; /* The same, compressed (RFC 1952). */
    size_t gzip_size;
};
extern const struct page_file page_files[];
extern const size_t page_file_count;

/* The file behind a path: "/page/app.js"; any other path but one below "/api/" or
 * "/page/" is a view of the page: "index.html".  NULL: there is none. */
const struct page_file *page_find(const char *path);

#endif
