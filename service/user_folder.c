#include "service/user_folder.h"

#include "base/file.h"
#include "base/path.h"

#include <stdlib.h>

enum aft_code aft_user_folder(char out[PATH_MAX], const char *variable, const char *fallback,
                              struct aft_error *error)
{
    char base[PATH_MAX];
    const char *named = getenv(variable);
    const char *home = getenv("HOME");
    enum aft_code code;
    if (named != NULL && *named == '/') {
        code = aft_path_join(out, named, "aftershock", error);
    } else if (home != NULL && *home == '/') {
        code = aft_path_join(base, home, fallback, error);
        if (code == AFT_OK) {
            code = aft_path_join(out, base, "aftershock", error);
        }
    } else {
        return aft_fail(error, AFT_ERR_MISSING, "neither %s nor HOME names a folder", variable);
    }
    return code == AFT_OK ? aft_file_make_folder(out, error) : code;
}
