/* The reader of PEER .AT2 records. */
#include "fuzz.h"
#include "record_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    record_check(data, size, "fuzz/fuzz.AT2");
    return 0;
}
