/* The reader of CSV records, and of files whose ending says nothing. */
#include "fuzz.h"
#include "record_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    record_check(data, size, "fuzz/fuzz.csv");
    record_check(data, size, "fuzz/fuzz.txt");
    return 0;
}
