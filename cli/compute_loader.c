#include "cli/compute_loader.h"

#include "base/path.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum aft_code aft_compute_load(const struct aft_compute_interface **compute,
                               struct aft_error *error)
{
    char path[PATH_MAX];
    enum aft_code code = aft_path_find_module(path, AFT_COMPUTE_MODULE_FILE, error);
    if (code != AFT_OK) {
        return code;
    }
    /* The threads are this program's own; BLAS must not add some. */
    (void)setenv("OPENBLAS_NUM_THREADS", "1", 1);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        return aft_fail(error, AFT_ERR_MISSING, "load '%s': %s", path, dlerror());
    }
    aft_compute_module_function entry;
    void *symbol = dlsym(module, AFT_COMPUTE_MODULE_SYMBOL);
    memcpy(&entry, &symbol, sizeof entry); /* POSIX's way from void * to a function */
    if (!symbol) {
        return aft_fail(error, AFT_ERR_MISSING, "load '%s': it has no %s", path,
                        AFT_COMPUTE_MODULE_SYMBOL);
    }
    const struct aft_compute_interface *found = entry();
    if (found->version != AFT_COMPUTE_VERSION) {
        return aft_fail(error, AFT_ERR_REFUSED,
                        "load '%s': it is of another build (version %d, not %d)", path,
                        found->version, AFT_COMPUTE_VERSION);
    }
    *compute = found;
    return AFT_OK;
}
