#include "runner/evaluate/page_memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

union block {
    union block *next;
    max_align_t align;
};

void *aft_page_array(struct aft_page_memory *memory, size_t n, size_t size)
{
    union block *block = size > 0 && n < ((size_t)-1 - sizeof *block) / size
                             ? calloc(1, sizeof *block + n * size)
                             : NULL;
    if (block == NULL) {
        memory->failed = true;
        return NULL;
    }
    block->next = memory->first;
    memory->first = block;
    return block + 1;
}

char *aft_page_text(struct aft_page_memory *memory, const char *format, ...)
{
    static char nothing[1] = "";
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : aft_page_array(memory, (size_t)length + 1, 1);
    if (text == NULL) {
        return nothing;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

void aft_page_memory_clear(struct aft_page_memory *memory)
{
    for (union block *block = memory->first; block != NULL;) {
        union block *next = block->next;
        free(block);
        block = next;
    }
    *memory = (struct aft_page_memory){0};
}
