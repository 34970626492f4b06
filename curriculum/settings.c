#include "curriculum/curriculum.h"

#include "base/file.h"
#include "curriculum/keys.h"
#include "curriculum/layers.h"
#include "curriculum/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t max_record = (size_t)256 << 20;

/* Whether TF32 may be at work: what auto comes to is known on the machine that trains only. */
static bool may_use_tf32(const struct aft_run_settings *run)
{
    return run->tf32 && strcmp(run->engine, "native") != 0 && strcmp(run->device, "cpu") != 0;
}

/* Of a key that a stage may hold. */
static bool is_zero(const struct aft_key *key, const struct aft_stage *stage)
{
    struct aft_stage own = *stage;
    double value;
    memcpy(&value, (const char *)aft_section_base(NULL, &own, key->section) + key->offset,
           sizeof value);
    return value == 0.0;
}

/* A key enters where it changes the bits of this stage, as the stage is. */
static bool matters(const struct aft_key *key, const struct aft_run_settings *run,
                    const struct aft_stage *stage)
{
    const struct aft_motion_settings *motion = &stage->motion;
    bool nominal = stage->environment.nominal != AFT_NOMINAL_NONE;
    if ((key->flags & AFT_KEY_BITS) == 0) {
        return false;
    }
    bool stochastic = motion->source == AFT_MOTION_STOCHASTIC;
    return ((key->flags & AFT_KEY_STOCHASTIC) == 0 || stochastic) &&
           ((key->flags & AFT_KEY_RECORDS) == 0 || !stochastic) &&
           ((key->flags & AFT_KEY_PGA) == 0 || motion->scale == AFT_SCALE_PGA) &&
           ((key->flags & AFT_KEY_SA_T1) == 0 || motion->scale == AFT_SCALE_SA_T1) &&
           ((key->flags & AFT_KEY_TF32) == 0 || may_use_tf32(run)) &&
           ((key->flags & AFT_KEY_NOMINAL) == 0 || nominal) &&
           ((key->flags & AFT_KEY_UNLESS_ZERO) == 0 || !is_zero(key, stage));
}

static enum aft_code records_json(struct aft_json **out, const struct aft_curriculum *curriculum,
                                  int stage, struct aft_error *error)
{
    char **paths = NULL;
    int n = 0;
    enum aft_code code = aft_stage_record_paths(&paths, &n, curriculum, stage, error);
    struct aft_json *digests = aft_json_array();
    for (int i = 0; i < n && code == AFT_OK; i++) {
        char *bytes = NULL;
        size_t size = 0;
        char hex[AFT_SHA256_HEX_SIZE];
        code = aft_file_read(&bytes, &size, paths[i], max_record, error);
        if (code == AFT_OK) {
            aft_sha256_hex(bytes, size, hex);
            aft_json_append(digests, aft_json_string(hex));
            free(bytes);
        }
    }
    aft_record_paths_destroy(paths, n);
    if (code != AFT_OK) {
        aft_json_destroy(digests);
        return code;
    }
    *out = digests;
    return AFT_OK;
}

enum aft_code aft_stage_effective_settings(struct aft_json **settings,
                                           const struct aft_curriculum *curriculum, int stage,
                                           struct aft_error *error)
{
    struct aft_curriculum whole = *curriculum;
    struct aft_stage own = curriculum->stages[stage];
    struct aft_json *object = aft_json_object();
    for (size_t i = 0; i < aft_key_count(); i++) {
        const struct aft_key *key = aft_key_at(i);
        if (!matters(key, &whole.run, &own)) {
            continue;
        }
        char name[AFT_MAX_NAME + 16];
        (void)snprintf(name, sizeof name, "%s.%s", aft_section_name(key->section), key->name);
        struct aft_json *value = NULL;
        if ((key->flags & AFT_KEY_RECORDS) != 0) {
            enum aft_code code = records_json(&value, curriculum, stage, error);
            if (code != AFT_OK) {
                aft_json_destroy(object);
                return code;
            }
        } else {
            value = aft_value_json(key, aft_section_base(&whole, &own, key->section));
        }
        aft_json_set(object, name, value);
    }
    aft_json_set_real(object, "stage.magnitude", own.magnitude);
    aft_json_set_real(object, "stage.force_limit_n", own.force_limit_n);
    *settings = object;
    return AFT_OK;
}

enum aft_code aft_settings_fingerprint(char hex[AFT_SHA256_HEX_SIZE],
                                       const struct aft_json *settings, struct aft_error *error)
{
    char *text = NULL;
    size_t size = 0;
    enum aft_code code = aft_json_write(&text, &size, settings, false, error);
    if (code == AFT_OK) {
        aft_sha256_hex(text, size, hex);
        free(text);
    }
    return code;
}
