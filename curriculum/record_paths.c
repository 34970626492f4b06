#include "curriculum/curriculum.h"

#include "base/path.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct list {
    char **paths;
    int n;
    int capacity;
};

void aft_record_paths_destroy(char **paths, int n)
{
    for (int i = 0; i < n; i++) {
        free(paths[i]);
    }
    free(paths);
}

static bool is_record(const char *name)
{
    static const char *const endings[] = {".AT2", ".at2", ".csv"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (length > ending && strcmp(name + length - ending, endings[i]) == 0) {
            return *name != '.';
        }
    }
    return false;
}

static enum aft_code add(struct list *list, const char *path, struct aft_error *error)
{
    if (list->n == list->capacity) {
        int capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        char **grown = realloc(list->paths, (size_t)capacity * sizeof *grown);
        if (grown == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "list the records: no memory");
        }
        list->paths = grown;
        list->capacity = capacity;
    }
    list->paths[list->n] = strdup(path);
    if (list->paths[list->n] == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "list the records: no memory");
    }
    list->n++;
    return AFT_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static enum aft_code add_folder(struct list *list, const char *folder, struct aft_error *error)
{
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return aft_fail_errno(error, "open folder '%s'", folder);
    }
    const int first = list->n;
    enum aft_code code = AFT_OK;
    for (struct dirent *entry = readdir(stream); entry != NULL && code == AFT_OK;
         entry = readdir(stream)) {
        char path[PATH_MAX];
        if (!is_record(entry->d_name)) {
            continue;
        }
        code = aft_path_join(path, folder, entry->d_name, error);
        if (code == AFT_OK && is_file(path)) {
            code = add(list, path, error);
        }
    }
    (void)closedir(stream);
    if (code == AFT_OK && list->n == first) {
        return aft_fail(error, AFT_ERR_USAGE, "no .AT2, .at2 or .csv file in '%s'", folder);
    }
    if (code == AFT_OK) {
        qsort(list->paths + first, (size_t)(list->n - first), sizeof *list->paths, by_name);
    }
    return code;
}

static enum aft_code add_entry(struct list *list, const char *path, struct aft_error *error)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return aft_fail_errno(error, "look at '%s'", path);
    }
    if (S_ISDIR(status.st_mode)) {
        return add_folder(list, path, error);
    }
    if (!S_ISREG(status.st_mode) || !is_record(aft_path_name(path))) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "'%s': expected a folder or a .AT2, .at2 or .csv file", path);
    }
    return add(list, path, error);
}

/* The entry as a path of its own: relative ones begin in the INI's folder. */
static enum aft_code resolve(char out[PATH_MAX], const char *ini_path, const char *entry,
                             size_t length, struct aft_error *error)
{
    char name[AFT_MAX_TEXT];
    char folder[PATH_MAX];
    memcpy(name, entry, length); /* an entry is a part of a text of that size */
    name[length] = '\0';
    const char *slash = strrchr(ini_path, '/');
    size_t folder_length = slash == NULL ? 0 : (size_t)(slash - ini_path) + 1;
    if (*name == '/' || folder_length == 0) {
        memcpy(out, name, length + 1);
        return AFT_OK;
    }
    if (folder_length >= sizeof folder) {
        return aft_fail(error, AFT_ERR_USAGE, "path '%.80s...': too long", ini_path);
    }
    memcpy(folder, ini_path, folder_length);
    folder[folder_length] = '\0';
    return aft_path_join(out, folder, name, error);
}

static enum aft_code add_all(struct list *list, const char *ini_path, const char *records,
                             struct aft_error *error)
{
    static const char blanks[] = " \t";
    for (const char *at = records; *at != '\0';) {
        at += strspn(at, blanks);
        size_t span = strcspn(at, ",");
        size_t length = span;
        while (length > 0 && strchr(blanks, at[length - 1]) != NULL) {
            length--;
        }
        char path[PATH_MAX];
        if (length == 0) {
            return aft_fail(error, AFT_ERR_USAGE,
                            "an entry is empty: expected folders or files separated by commas");
        }
        enum aft_code code = resolve(path, ini_path, at, length, error);
        if (code == AFT_OK) {
            code = add_entry(list, path, error);
        }
        if (code != AFT_OK) {
            return code;
        }
        at += span;
        at += *at == ',';
    }
    return AFT_OK;
}

enum aft_code aft_stage_record_paths(char ***paths, int *n, const struct aft_curriculum *curriculum,
                                     int stage, struct aft_error *error)
{
    const struct aft_motion_settings *motion = &curriculum->stages[stage].motion;
    struct list list = {0};
    struct aft_error cause = {0};
    enum aft_code code = AFT_OK;
    if (motion->source == AFT_MOTION_RECORDS) {
        code = add_all(&list, curriculum->path, motion->records, &cause);
    }
    if (code != AFT_OK) {
        aft_record_paths_destroy(list.paths, list.n);
        /* a record that is not there is a mistake in the curriculum */
        return aft_fail(error, code == AFT_ERR_MEMORY ? code : AFT_ERR_USAGE, "%.100s: records: %s",
                        curriculum->path, cause.message);
    }
    *paths = list.paths;
    *n = list.n;
    return AFT_OK;
}

enum aft_code aft_record_paths_find(char ***paths, int *n, const char *path,
                                    struct aft_error *error)
{
    struct list list = {0};
    *paths = NULL;
    *n = 0;
    enum aft_code code = add_entry(&list, path, error);
    if (code != AFT_OK) {
        aft_record_paths_destroy(list.paths, list.n);
        return code;
    }
    *paths = list.paths;
    *n = list.n;
    return AFT_OK;
}
