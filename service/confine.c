#include "service/confine.h"

#include "base/path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum aft_code aft_confine(char out[PATH_MAX], const char *folder, const char *path,
                          struct aft_error *error)
{
    char root[PATH_MAX], joined[PATH_MAX];
    if (*path == '\0' || *path == '/') {
        return aft_fail(error, AFT_ERR_REFUSED, "'%s': not a path within its folder", path);
    }
    enum aft_code code = aft_path_join(joined, folder, path, error);
    if (code != AFT_OK) {
        return code;
    }
    if (!realpath(folder, root)) {
        return aft_fail_errno(error, "look into '%s'", folder);
    }
    if (!realpath(joined, out)) {
        bool cannot_be = errno == ENOTDIR || errno == ENAMETOOLONG || errno == ELOOP;
        code = aft_fail_errno(error, "find '%.200s'", path);
        return cannot_be
                   ? aft_fail(error, AFT_ERR_MISSING, "find '%.200s': there is no such path", path)
                   : code;
    }
    size_t length = strlen(root);
    bool within = strncmp(out, root, length) == 0 &&
                  (root[length - 1] == '/' || out[length] == '/' || out[length] == '\0');
    return within ? AFT_OK
                  : aft_fail(error, AFT_ERR_REFUSED, "'%s': it leads out of its folder", path);
}
