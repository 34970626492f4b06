/* What a page is made of lives until it is written: everything is freed at once. */
#ifndef AFT_RUNNER_EVALUATE_PAGE_MEMORY_H
#define AFT_RUNNER_EVALUATE_PAGE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct aft_page_memory { /* zeros: empty */
    void *first;
    bool failed; /* something was not to be had */
};

/* Zeros; NULL where there is no memory. */
void *aft_page_array(struct aft_page_memory *memory, size_t n, size_t size);
/* "" where there is no memory. */
char *aft_page_text(struct aft_page_memory *memory, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void aft_page_memory_clear(struct aft_page_memory *memory);

#endif
