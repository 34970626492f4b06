#include "base/path.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum aft_code aft_path_join(char out[PATH_MAX], const char *folder, const char *name,
                            struct aft_error *error)
{
    size_t length = strlen(folder);
    const char *separator = (length > 0 && folder[length - 1] == '/') ? "" : "/";
    int written = snprintf(out, PATH_MAX, "%s%s%s", folder, separator, name);
    if (written < 0 || written >= PATH_MAX) {
        return aft_fail(error, AFT_ERR_USAGE, "path '%.80s…/%.80s': too long", folder, name);
    }
    return AFT_OK;
}

const char *aft_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

const char *aft_path_within(const char *folder, const char *path)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && path[length] == '/' ? path + length + 1 : path;
}

enum aft_code aft_path_find_module(char out[PATH_MAX], const char *name, struct aft_error *error)
{
    static const char *const folders[] = {"modules", AFT_INSTALLED_MODULES};
    char executable[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
    if (length < 0) {
        return aft_fail_errno(error, "find the program's own folder");
    }
    executable[length] = '\0';
    *strrchr(executable, '/') = '\0';
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        int written = snprintf(out, PATH_MAX, "%s/%s/%s", executable, folders[i], name);
        if (written > 0 && written < PATH_MAX && access(out, R_OK) == 0) {
            return AFT_OK;
        }
    }
    return aft_fail(
        error, AFT_ERR_MISSING,
        "find module '%s': it is neither in %.80s/modules nor in " AFT_INSTALLED_MODULES, name,
        executable);
}
