/* What every part of a worker's training needs of it. */
#include "runner/worker_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double aft_monotonic_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

struct aft_event aft_worker_event(const struct aft_worker_run *run, enum aft_event_type type)
{
    struct aft_event event;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    memset(&event, 0, sizeof event);
    event.type = type;
    event.stage = (int)run->state.header->counters.stage;
    event.stage_step = run->state.header->counters.steps;
    event.total_step = run->state.header->counters.total_steps;
    event.unix_time = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    return event;
}

enum aft_code aft_worker_run_reserve(struct aft_worker_run *run, size_t trainer_size,
                                     struct aft_error *error)
{
    struct aft_training_header *header = run->state.header;
    uint64_t before = header->trainer_size;
    header->trainer_size = trainer_size;
    size_t size = aft_training_state_size(header);
    if (size > run->state_capacity) {
        void *grown = realloc(header, size);
        if (grown == NULL) {
            header->trainer_size = before;
            return aft_fail(error, AFT_ERR_MEMORY, "make room for %zu bytes of state: no memory",
                            size);
        }
        run->state_capacity = size;
        header = grown;
    }
    aft_training_state_lay_out(&run->state, header);
    return AFT_OK;
}

enum aft_code aft_worker_run_import(struct aft_worker_run *run, struct aft_error *error)
{
    struct aft_engine_state state = {
        .parameters = run->state.parameters,
        .adam_m = run->state.adam_m,
        .adam_v = run->state.adam_v,
        .adam_step = run->state.header->counters.adam_step,
    };
    return run->engine.use->import_state(run->engine.self, &state, error);
}

void aft_forget_scores(struct aft_training_header *header)
{
    const double unknown = (double)NAN;
    header->score = unknown;
    for (int i = 0; i < AFT_MAX_STAGES; i++) {
        header->scores[i] =
            (struct aft_stage_score){unknown, unknown, unknown, unknown, unknown, unknown};
    }
}
