/* The archive reader over bytes of a file: as they are, and with CRCs and the
 * digest made to fit, so that the zip's structure is judged and not only its sum. */
#include "forge.h"
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = fuzz_copy(data, size);
    forge_open(bytes, size);
    forge_crcs((uint8_t *)bytes, size);
    if (forge_digest(bytes, size)) {
        forge_open(bytes, size);
    }
    free(bytes);
    return 0;
}
