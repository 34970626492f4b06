/* The reader of archives that Stable-Baselines3 saved. An input that is a pack (forge.h) is
 * made into such a zip; any other is taken for one, with its CRCs made to fit. */
#include "forge.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static void open_pack(const uint8_t *data, size_t size)
{
    static struct forge_pack pack;
    static struct forge_members members;
    char *zip = NULL;
    size_t zip_size = 0;
    forge_read_pack(&pack, data, size);
    forge_collect(&members, &pack);
    /* It fails where two members have one name, or names are no UTF-8. */
    if (aft_zip_write(&zip, &zip_size, members.entries, members.n, NULL) == AFT_OK) {
        forge_open_any(zip, zip_size);
    }
    free(zip);
    forge_members_clear(&members);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 2 && memcmp(data, "@@", 2) == 0) {
        open_pack(data, size);
        return 0;
    }
    char *copy = fuzz_copy(data, size);
    forge_crcs((uint8_t *)copy, size);
    forge_open_any(copy, size);
    free(copy);
    return 0;
}
