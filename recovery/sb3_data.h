/*
 * The `data` member: what stable_baselines3.PPO.load reads beside the tensors.
 * It is JSON; what is no JSON is in it as a pickle, beside which Stable-Baselines3
 * states the parts in clear. Those are what is read: no pickle of `data` is decoded.
 */
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

/* Fills in all of the model but version and layers. REFUSED, with the reason, unless it is
 * PPO with SB3's own MlpPolicy, Tanh or ReLU, over one flat Box of observations and one
 * action in [-1, 1]; CORRUPT where the text is no JSON. Messages are bare causes. */
enum aft_code aft_sb3_data_read(struct aft_sb3_model *model, const char *text, size_t size,
                                struct aft_error *error);

#endif
