#include "base/path.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

enum aft_code aft_path_make_folder(const char *path, struct aft_error *error)
{
    char partial[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof partial) {
        return aft_fail(error, AFT_ERR_USAGE, "create folder '%.100s': bad path", path);
    }
    memcpy(partial, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (partial[i] != '/' && partial[i] != '\0') {
            continue;
        }
        char kept = partial[i];
        partial[i] = '\0';
        if (mkdir(partial, 0777) == 0) {
            enum aft_code code = aft_file_sync_folder_of(partial, error);
            if (code != AFT_OK) {
                return code;
            }
        } else if (errno != EEXIST) {
            return aft_fail_errno(error, "create folder '%s'", partial);
        }
        partial[i] = kept;
    }
    struct stat status;
    if (stat(path, &status) != 0) {
        return aft_fail_errno(error, "look at folder '%s'", path);
    }
    if (!S_ISDIR(status.st_mode)) {
        return aft_fail(error, AFT_ERR_IO, "create folder '%s': a file is in the way", path);
    }
    return AFT_OK;
}

enum aft_code aft_path_find_module(char out[PATH_MAX], const char *name, struct aft_error *error)
{
    static const char *const folders[] = {"modules", "../lib/aftershock"};
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
    return aft_fail(error, AFT_ERR_MISSING,
                    "find module '%s': it is neither in %.80s/modules nor in ../lib/aftershock",
                    name, executable);
}
