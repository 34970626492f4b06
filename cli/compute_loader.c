#include "cli/compute_loader.h"

#include "cli/module_loader.h"

#include <stdlib.h>
#include <string.h>

enum aft_code aft_compute_load(const struct aft_compute_interface **compute,
                               struct aft_error *error)
{
    void *symbol = NULL;
    /* The threads are this program's own; BLAS must not add some. */
    (void)setenv("OPENBLAS_NUM_THREADS", "1", 1);
    enum aft_code code =
        aft_module_load(&symbol, AFT_COMPUTE_MODULE_FILE, AFT_COMPUTE_MODULE_SYMBOL, error);
    if (code != AFT_OK) {
        return code;
    }
    aft_compute_module_function entry;
    memcpy(&entry, &symbol, sizeof entry); /* POSIX's way from void * to a function */
    const struct aft_compute_interface *found = entry();
    if (found->version != AFT_COMPUTE_VERSION) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "load '%s': it is of another build (version %d, not %d)",
                        AFT_COMPUTE_MODULE_FILE, found->version, AFT_COMPUTE_VERSION);
    }
    *compute = found;
    return AFT_OK;
}
