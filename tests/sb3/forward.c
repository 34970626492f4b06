#include "forward.h"

#include "runner/archive_curriculum.h"
#include "runner/archive_state.h"
#include "runner/training_state.h"
#include "trainer/engine.h"

#include <stdlib.h>

static enum aft_code find_network(struct aft_network *network, const struct aft_archive *archive,
                                  int obs_dim, struct aft_error *error)
{
    const struct aft_sb3_model *model = aft_archive_sb3_model(archive);
    struct aft_curriculum *curriculum = NULL;
    if (model != NULL) {
        *network = aft_network_of_model(model);
        return AFT_OK;
    }
    enum aft_code code = aft_curriculum_of_archive(&curriculum, archive, NULL, 0, error);
    if (code == AFT_OK) {
        *network = aft_network_of_settings(&curriculum->stages[0].ppo, obs_dim);
        aft_curriculum_destroy(curriculum);
    }
    return code;
}

static enum aft_code act(float *actions, float *values, const struct aft_network *network,
                         const struct aft_training_state *state, const float *obs, int rows,
                         struct aft_error *error)
{
    struct aft_engine engine = {0};
    struct aft_engine_config config = {
        .network = *network, .max_rows = rows, .max_batch = rows, .act_slots = 1, .device = "cpu"};
    struct aft_engine_state weights = {state->parameters, state->adam_m, state->adam_v,
                                       state->header->counters.adam_step};
    enum aft_code code = aft_engine_open(&engine, "native", &config, error);
    if (code == AFT_OK) {
        code = engine.use->import_state(engine.self, &weights, error);
    }
    if (code == AFT_OK) {
        code = engine.use->act(engine.self, 0, rows, obs, NULL, actions, NULL, values, error);
    }
    aft_engine_close(&engine);
    return code;
}

enum aft_code forward_of_archive(float *actions, float *values, const struct aft_archive *archive,
                                 const float *obs, int rows, struct aft_error *error)
{
    void *bytes = NULL;
    size_t size = 0;
    struct aft_training_state state;
    struct aft_network network;
    enum aft_code code = aft_training_state_of_archive(&bytes, &size, archive, error);
    if (code != AFT_OK) {
        return code;
    }
    code = aft_training_state_view(&state, bytes, size, error);
    if (code == AFT_OK) {
        code = find_network(&network, archive, state.header->obs_dim, error);
    }
    if (code == AFT_OK) {
        code = act(actions, values, &network, &state, obs, rows, error);
    }
    free(bytes);
    return code;
}
