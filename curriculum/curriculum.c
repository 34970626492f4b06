#include "curriculum/curriculum.h"

#include "base/file.h"
#include "curriculum/layers.h"
#include "curriculum/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 20 };

static enum aft_code read_document(struct aft_document *document, struct aft_curriculum *curriculum,
                                   size_t size, const char *const *overrides, int n_overrides,
                                   struct aft_error *error)
{
    enum aft_code code = aft_document_read(document, curriculum->text, size, error);
    if (code == AFT_OK && document->n_stages == 0) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "%s: no stages: expected at least one section [stage M4.5@50kN]",
                        document->shown);
    }
    for (int i = 0; i < n_overrides && code == AFT_OK; i++) {
        code = aft_document_override(document, overrides[i], error);
    }
    return code;
}

static enum aft_code build_stage(struct aft_curriculum *curriculum, const struct aft_layer *run,
                                 const struct aft_document *document, int stage,
                                 struct aft_error *error)
{
    struct aft_layer layer;
    aft_layer_of_stage(&layer, run, document, stage);
    curriculum->stages[stage] = layer.stage;
    const struct aft_key *timesteps = aft_key_find(AFT_SECTION_STAGE, "timesteps");
    if (layer.origin[aft_key_index(timesteps)] == NULL) {
        char section[AFT_MAX_NAME + 8];
        (void)snprintf(section, sizeof section, "stage %s", layer.stage.name);
        return aft_document_fail_at(document, document->stages[stage].line, section, "timesteps",
                                    error, "missing: expected timesteps = N");
    }
    return aft_layer_check(&layer, curriculum, document, error);
}

static enum aft_code build(struct aft_curriculum *curriculum, const struct aft_document *document,
                           struct aft_error *error)
{
    struct aft_layer run;
    aft_layer_of_run(&run, curriculum, document);
    curriculum->stages = calloc((size_t)document->n_stages, sizeof *curriculum->stages);
    if (curriculum->stages == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "read '%s': no memory", curriculum->path);
    }
    curriculum->n_stages = document->n_stages;
    enum aft_code code = AFT_OK;
    for (int i = 0; i < document->n_stages && code == AFT_OK; i++) {
        code = build_stage(curriculum, &run, document, i, error);
    }
    return code;
}

enum aft_code aft_curriculum_parse(struct aft_curriculum **curriculum, const char *text,
                                   size_t size, const char *path, const char *const *overrides,
                                   int n_overrides, struct aft_error *error)
{
    struct aft_document document;
    aft_document_init(&document, path);
    enum aft_code code = AFT_OK;
    struct aft_curriculum *parsed = calloc(1, sizeof *parsed);
    if (parsed == NULL || (parsed->path = strdup(path)) == NULL ||
        (parsed->text = calloc(1, size + 1)) == NULL) {
        code = aft_fail(error, AFT_ERR_MEMORY, "read '%s': no memory", path);
        goto out;
    }
    memcpy(parsed->text, text, size);
    code = read_document(&document, parsed, size, overrides, n_overrides, error);
    if (code == AFT_OK) {
        code = build(parsed, &document, error);
    }
out:
    aft_document_clear(&document);
    if (code != AFT_OK) {
        aft_curriculum_destroy(parsed);
        return code;
    }
    *curriculum = parsed;
    return AFT_OK;
}

enum aft_code aft_curriculum_load(struct aft_curriculum **curriculum, const char *path,
                                  const char *const *overrides, int n_overrides,
                                  struct aft_error *error)
{
    char *text = NULL;
    size_t size = 0;
    enum aft_code code = aft_file_read(&text, &size, path, MAX_FILE, error);
    if (code == AFT_ERR_MISSING || code == AFT_ERR_IO) {
        code = AFT_ERR_USAGE; /* a curriculum that is not there is the caller's mistake */
        if (error != NULL) {
            error->code = code;
        }
    }
    if (code == AFT_OK) {
        code = aft_curriculum_parse(curriculum, text, size, path, overrides, n_overrides, error);
    }
    free(text);
    return code;
}

void aft_curriculum_destroy(struct aft_curriculum *curriculum)
{
    if (curriculum == NULL) {
        return;
    }
    free(curriculum->path);
    free(curriculum->text);
    free(curriculum->stages);
    free(curriculum);
}

/* When a key enters the fingerprint, in words: what settings.c decides stage by stage. */
static const char *fingerprint_words(const struct aft_key *key)
{
    static const struct {
        unsigned flag;
        const char *words;
    } conditions[] = {
        {AFT_KEY_STOCHASTIC, "with source = stochastic"},
        {AFT_KEY_RECORDS, "with source = records: the files' contents"},
        {AFT_KEY_PGA, "with scale = pga"},
        {AFT_KEY_SA_T1, "with scale = sa_t1"},
        {AFT_KEY_TF32, "where true and CUDA may compute"},
        {AFT_KEY_NOMINAL, "unless nominal = none"},
        {AFT_KEY_UNLESS_ZERO, "unless 0"},
    };
    if ((key->flags & AFT_KEY_NO_FIELD) != 0) {
        return "by the other keys";
    }
    if ((key->flags & AFT_KEY_BITS) == 0) {
        return "no";
    }
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        if ((key->flags & conditions[i].flag) != 0) {
            return conditions[i].words;
        }
    }
    return "yes";
}

struct aft_json *aft_curriculum_reference(void)
{
    struct aft_json *reference = aft_json_array();
    for (size_t i = 0; i < aft_key_count(); i++) {
        const struct aft_key *key = aft_key_at(i);
        char expectation[AFT_MAX_EXPECTATION];
        aft_value_expectation(key, expectation);
        struct aft_json *row = aft_json_object();
        aft_json_set_string(row, "section", aft_section_name(key->section));
        aft_json_set_string(row, "key", key->name);
        aft_json_set_string(row, "type", expectation);
        aft_json_set_string(row, "default", key->initial != NULL ? key->initial : key->follows);
        aft_json_set_boolean(row, "in_stages", aft_key_fits(key, AFT_SECTION_STAGE));
        aft_json_set_string(row, "fingerprint", fingerprint_words(key));
        aft_json_set_string(row, "help", key->help);
        aft_json_append(reference, row);
    }
    return reference;
}
