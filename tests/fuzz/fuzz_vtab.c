/* Any bytes as a statement over the history: the virtual table must answer it as a
 * plain table with the same rows does. */
#include "tests/fake/sql_statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct sql_world world;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char dir[] = "/tmp/caretaker-fuzz-XXXXXX";
    (void)argc;
    (void)argv;
    assert(mkdtemp(dir) != NULL);
    sql_world_make(&world, dir);
    /* The files live until the database is closed, and nobody has to take them away. */
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert(system(command) == 0);
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t rows;
    if (!sql_world_agrees(&world, data, size, &rows)) {
        abort();
    }
    return 0;
}
