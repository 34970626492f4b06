#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fuzz_broken(const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

void fuzz_check_failure(enum aft_code code, const struct aft_error *error, enum aft_code allowed,
                        enum aft_code also_allowed)
{
    if (code != allowed && code != also_allowed) {
        (void)fprintf(stderr, "code %d: %.255s\n", (int)code, error->message);
    }
    FUZZ_CHECK(code == allowed || code == also_allowed);
    FUZZ_CHECK(error->code == code);
    FUZZ_CHECK(error->message[0] != '\0');
    FUZZ_CHECK(memchr(error->message, '\0', sizeof error->message) != NULL);
}

char *fuzz_copy(const void *bytes, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    FUZZ_CHECK(copy != NULL);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}
