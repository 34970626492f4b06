/*
 * The training state that an archive holds. One of ours has it in state.bin; a
 * model that Stable-Baselines3 saved has weights, moments and counters, and with
 * them a stage may begin: its state is that of a finished stage, not evaluated.
 */
#ifndef AFT_RUNNER_ARCHIVE_STATE_H
#define AFT_RUNNER_ARCHIVE_STATE_H

#include "base/error.h"
#include "curriculum/curriculum.h"
#include "recovery/archive.h"
#include "trainer/network.h"

#include <stddef.h>

/* The state as a snapshot's bytes (training_state.h), which the caller frees. The normaliser of
 * Stable-Baselines3's model has seen nothing; without optimizer state its moments and its step
 * are 0. Fails like aft_training_state_unpack. */
enum aft_code aft_training_state_of_archive(void **bytes, size_t *size,
                                            const struct aft_archive *archive,
                                            struct aft_error *error);

struct aft_network aft_network_of_model(const struct aft_sb3_model *model);

/* REFUSED, with both sides of the contradiction, unless the curriculum's stages from this one
 * on (counted from 1) can go on training the model: the same observation, layers and activation,
 * and no normalisation, of whose statistics the archive has none. what names the archive. */
enum aft_code aft_sb3_model_fits(const struct aft_sb3_model *model,
                                 const struct aft_curriculum *curriculum, int stage,
                                 const char *what, struct aft_error *error);

#endif
