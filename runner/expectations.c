/* Builds the expectations of the start-up scan from a curriculum. */
#include "runner/expectations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* stage counts from 1, the curriculum's index from 0 */
static enum aft_code make_one(struct aft_stage_expectation *expectation,
                              const struct aft_curriculum *curriculum, int stage,
                              struct aft_error *error)
{
    struct aft_json *settings = NULL;
    enum aft_code code = aft_stage_effective_settings(&settings, curriculum, stage - 1, error);
    if (code != AFT_OK) {
        return code;
    }
    expectation->settings = settings;
    (void)snprintf(expectation->archive_name, sizeof expectation->archive_name, "stage%d_%s.zip",
                   stage, curriculum->stages[stage - 1].force_label);
    return aft_settings_fingerprint(expectation->fingerprint, settings, error);
}

enum aft_code aft_expectations_make(struct aft_expectations *expectations,
                                    const struct aft_curriculum *curriculum,
                                    struct aft_error *error)
{
    *expectations = (struct aft_expectations){0};
    size_t n = (size_t)curriculum->n_stages;
    expectations->stages = calloc(n > 0 ? n : 1, sizeof *expectations->stages);
    if (!expectations->stages) {
        return aft_fail(error, AFT_ERR_MEMORY, "prepare the stages of '%s': out of memory",
                        curriculum->path);
    }
    expectations->n = curriculum->n_stages;
    for (int i = 0; i < expectations->n; i++) {
        enum aft_code code = make_one(&expectations->stages[i], curriculum, i + 1, error);
        if (code != AFT_OK) {
            aft_expectations_clear(expectations);
            return code;
        }
    }
    return AFT_OK;
}

void aft_expectations_clear(struct aft_expectations *expectations)
{
    for (int i = 0; i < expectations->n; i++) { /* made by make_one, borrowed only by the scan */
        aft_json_destroy((struct aft_json *)(uintptr_t)expectations->stages[i].settings);
    }
    free(expectations->stages);
    *expectations = (struct aft_expectations){0};
}
