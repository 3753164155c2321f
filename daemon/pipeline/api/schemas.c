/* The schemas of what is asked and answered, for description.c. */
#include "daemon/pipeline/api/api.h"

/* not translated: for the assembler */
__asm__(".section .rodata\n"
        ".global api_schemas\n"
        "api_schemas: .incbin \"daemon/pipeline/api/schemas.json\"\n"
        ".byte 0\n"
        ".previous\n");
