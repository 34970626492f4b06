#include "runner/curriculum_summary.h"

#include "curriculum/curriculum.h"
#include "curriculum/keys.h"

#include <stdio.h>
#include <string.h>

enum aft_code aft_curriculum_summary(struct aft_json **summary, const char *path,
                                     const char *const *overrides, int n_overrides,
                                     struct aft_error *error)
{
    struct aft_curriculum *curriculum = NULL;
    enum aft_code code = aft_curriculum_load(&curriculum, path, overrides, n_overrides, error);
    if (code != AFT_OK) {
        return code;
    }
    struct aft_json *stages = aft_json_array();
    for (int i = 0; i < curriculum->n_stages; i++) {
        struct aft_json *stage = aft_json_object();
        aft_json_set_string(stage, "name", curriculum->stages[i].name);
        aft_json_set_integer(stage, "timesteps", curriculum->stages[i].timesteps);
        aft_json_append(stages, stage);
    }
    *summary = aft_json_object();
    aft_json_set_string(*summary, "run", curriculum->run.name);
    aft_json_set(*summary, "stages", stages);
    aft_curriculum_destroy(curriculum);
    return AFT_OK;
}

bool aft_setting_names_files(const char *setting)
{
    static const char blanks[] = " \t"; /* which --set leaves out around a key */
    const char *dot = strrchr(setting, '.');
    char name[AFT_MAX_NAME];
    const char *first = dot != NULL ? dot + 1 : setting;
    first += strspn(first, blanks);
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(first, blanks), first);
    for (size_t i = 0; i < aft_key_count(); i++) {
        const struct aft_key *key = aft_key_at(i);
        if (key->type == AFT_KEY_TEXT && aft_key_is_named(key, name)) {
            return true;
        }
    }
    return false;
}
