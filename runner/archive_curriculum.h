/* The curriculum that an archive of ours carries. */
#ifndef AFT_RUNNER_ARCHIVE_CURRICULUM_H
#define AFT_RUNNER_ARCHIVE_CURRICULUM_H

#include "base/error.h"
#include "curriculum/curriculum.h"
#include "recovery/archive.h"

/* With the overrides that it was trained with, then with those given; MISSING where it
 * carries none. Record files are relative to the working folder. */
enum aft_code aft_curriculum_of_archive(struct aft_curriculum **curriculum,
                                        const struct aft_archive *archive, const char *const *more,
                                        int n_more, struct aft_error *error);

#endif
