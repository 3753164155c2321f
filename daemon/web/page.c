#include "daemon/web/page.h"

#include <string.h>

#define FILES "/page/"
#define API   "/api/"

const struct page_file *
page_find(const char *path)
{
    const char *name = "index.html";
    if (strncmp(path, API, strlen(API)) == 0 || strcmp(path, "/api") == 0) {
        return NULL;
    }
    if (strncmp(path, FILES, strlen(FILES)) == 0) {
        name = path + strlen(FILES);
    }
    for (size_t i = 0; i < page_file_count; i++) {
        if (strcmp(page_files[i].name, name) == 0) {
            return &page_files[i];
        }
    }
    return NULL;
}
