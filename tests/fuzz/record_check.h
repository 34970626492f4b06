/* Reads bytes as a record of that name; what is accepted keeps record_reader.h's promises. */
#ifndef AFT_TESTS_FUZZ_RECORD_CHECK_H
#define AFT_TESTS_FUZZ_RECORD_CHECK_H

#include <stddef.h>
#include <stdint.h>

void record_check(const uint8_t *data, size_t size, const char *path);

#endif
