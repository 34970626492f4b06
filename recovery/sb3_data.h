/* The `data` member: what stable_baselines3.PPO.load reads beside the tensors. */
#ifndef AFT_RECOVERY_SB3_DATA_H
#define AFT_RECOVERY_SB3_DATA_H

#include "base/error.h"
#include "recovery/archive.h"
#include "recovery/pickle_write.h"

#include <stddef.h>

#define AFT_SB3_VERSION "2.3.2" /* whose format we write; 2.0 to 2.9 read it */

/* JSON text; the caller frees it. */
enum aft_code aft_sb3_data_write(char **text, size_t *size, const struct aft_archive_sb3 *sb3,
                                 const struct aft_archive_counters *counters,
                                 struct aft_error *error);

/* gymnasium.spaces.Box(-bound, bound, (dim,), 'float32') */
void aft_sb3_pickle_box(struct aft_pickle_writer *pickle, double bound, int dim);

#endif
