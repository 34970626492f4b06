/* Between the two parts of the C file: csource.c and csource_controller.c. */
#ifndef AFT_RUNNER_EXPORT_CSOURCE_H
#define AFT_RUNNER_EXPORT_CSOURCE_H

#include "environment/observer.h"
#include "runner/export/exported_policy.h"

#include <stdio.h>

/* `static const float NAME[count] = {…};`, with bits kept. */
void aft_csource_table(FILE *out, const char *name, const float *values, size_t count);
/* `#define NAME 1.0e+00F` */
void aft_csource_float(FILE *out, const char *name, float value);
/* One line of a comment for each entry. */
void aft_csource_entries(FILE *out, const struct aft_observation_layout *layout);

/* controller_step and controller_reset, for a policy with an observer: what its head
 * says, its prototypes, and its code. */
void aft_csource_controller_head(FILE *out, const struct aft_exported_policy *policy,
                                 const struct aft_observer_model *model);
void aft_csource_controller_prototypes(FILE *out);
enum aft_code aft_csource_controller(FILE *out, const struct aft_exported_policy *policy,
                                     const struct aft_observer_model *model,
                                     struct aft_error *error);

#endif
