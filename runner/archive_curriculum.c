#include "runner/archive_curriculum.h"

#include "base/json.h"

#include <stdlib.h>

enum aft_code aft_curriculum_of_archive(struct aft_curriculum **curriculum,
                                        const struct aft_archive *archive, const char *const *more,
                                        int n_more, struct aft_error *error)
{
    size_t size = 0;
    const char *text = aft_archive_member(archive, "curriculum.ini", &size);
    const struct aft_json *list = aft_json_get(aft_archive_manifest(archive), "overrides");
    size_t n = aft_json_length(list);
    if (text == NULL) {
        return aft_fail(error, AFT_ERR_MISSING, "no curriculum.ini");
    }
    const char **overrides = calloc(n + (size_t)n_more + 1, sizeof *overrides);
    if (overrides == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "read curriculum.ini: out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        overrides[i] = aft_json_string_value(aft_json_at(list, i), "");
    }
    for (int i = 0; i < n_more; i++) {
        overrides[n++] = more[i];
    }
    enum aft_code code =
        aft_curriculum_parse(curriculum, text, size, "curriculum.ini", overrides, (int)n, error);
    free(overrides);
    return code;
}
