/* What a user is told to type after a checkpoint. */
#ifndef AFT_RUNNER_RESUME_COMMAND_H
#define AFT_RUNNER_RESUME_COMMAND_H

#include "runner/train.h"

#include <stddef.h>

/* "checkpointed; go on with: aftershock train …": the command that goes on from the run's
 * checkpoint, quoted for a shell. */
void aft_write_resume_command(char *text, size_t size, const struct aft_train_options *options);

#endif
