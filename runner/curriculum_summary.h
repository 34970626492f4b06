/* What a curriculum file would train, for those who start runs on behalf of others. */
#ifndef AFT_RUNNER_CURRICULUM_SUMMARY_H
#define AFT_RUNNER_CURRICULUM_SUMMARY_H

#include "base/error.h"
#include "base/json.h"

#include <stdbool.h>

/* { "run": name, "stages": [{ "name", "timesteps" }] }, with the overrides ("SECTION.KEY=VALUE")
 * applied. Fails as aft_curriculum_load does. The caller owns *summary. */
enum aft_code aft_curriculum_summary(struct aft_json **summary, const char *path,
                                     const char *const *overrides, int n_overrides,
                                     struct aft_error *error);

/* True for a setting, "SECTION.KEY" as --set takes it, whose value names files or folders. */
bool aft_setting_names_files(const char *setting);

#endif
