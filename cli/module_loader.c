#include "cli/module_loader.h"

#include "base/path.h"

#include <dlfcn.h>

enum aft_code aft_module_load(void **symbol, const char *file, const char *name,
                              struct aft_error *error)
{
    char path[PATH_MAX];
    enum aft_code code = aft_path_find_module(path, file, error);
    if (code != AFT_OK) {
        return code;
    }
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        return aft_fail(error, AFT_ERR_MISSING, "load '%s': %s", path, dlerror());
    }
    *symbol = dlsym(module, name);
    return *symbol ? AFT_OK
                   : aft_fail(error, AFT_ERR_MISSING, "load '%s': it has no %s", path, name);
}
