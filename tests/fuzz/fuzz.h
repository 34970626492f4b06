/* What every harness shares: libFuzzer's entry point, and checks that end the process. */
#ifndef AFT_TESTS_FUZZ_FUZZ_H
#define AFT_TESTS_FUZZ_FUZZ_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* One harness defines it; libFuzzer or replay.c calls it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process where a promise of a header does not hold. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))

_Noreturn void fuzz_broken(const char *file, int line, const char *condition);

/* A failure has one of the two codes, the same code in the error, and a message. */
void fuzz_check_failure(enum aft_code code, const struct aft_error *error, enum aft_code allowed,
                        enum aft_code also_allowed);

/* A copy in a block of its own size, so that a sanitizer sees reads past its end. */
char *fuzz_copy(const void *bytes, size_t size);

#endif
