/* The environments' state as bytes: a head, then for each environment its episode, its building's
 * state, its sensors' memory, the commands that are under way. */
#include "environment/building_env.h"

#include <math.h>
#include <string.h>

enum { STATE_MAGIC = 0x41465445, STATE_VERSION = 2 };
/* The rows of struct aft_episode_lanes that are state: the first ones. */
enum { STATE_ROWS = offsetof(struct aft_episode_lanes, extra_noise) / (4 * AFT_LANES) };
enum { NUMBER_ROW, STEP_ROW, FIRST_FLOAT_ROW };

struct state_head {
    uint32_t magic, version;
    uint32_t n_envs, n_states, n_memory, steps;
};

/* Rows of memory and late_n. */
static int remembered(const struct aft_building_env *self)
{
    return self->sensors.n_memory + self->randomisation.most_late_steps;
}

static struct state_head head_of(const struct aft_building_env *self)
{
    return (struct state_head){STATE_MAGIC,
                               STATE_VERSION,
                               (uint32_t)self->n_envs,
                               (uint32_t)self->plant->n_states,
                               (uint32_t)remembered(self),
                               (uint32_t)self->steps};
}

static size_t env_bytes(const struct aft_building_env *self)
{
    return (size_t)(STATE_ROWS + self->plant->n_states + remembered(self)) * sizeof(float);
}

size_t aft_building_env_state_size(const void *self_)
{
    const struct aft_building_env *self = self_;
    return sizeof(struct state_head) + (size_t)self->n_envs * env_bytes(self);
}

static char *get_column(char *to, const void *rows, int n, int j)
{
    for (int i = 0; i < n; i++, to += sizeof(float)) {
        memcpy(to, (const char *)rows + (size_t)(i * AFT_LANES + j) * sizeof(float), sizeof(float));
    }
    return to;
}

static const char *set_column(void *rows, const char *from, int n, int j)
{
    for (int i = 0; i < n; i++, from += sizeof(float)) {
        memcpy((char *)rows + (size_t)(i * AFT_LANES + j) * sizeof(float), from, sizeof(float));
    }
    return from;
}

void aft_building_env_export(const void *self_, void *bytes)
{
    const struct aft_building_env *self = self_;
    struct state_head head = head_of(self);
    char *at = bytes;
    memcpy(at, &head, sizeof head);
    at += sizeof head;
    for (int env = 0; env < self->n_envs; env++) {
        struct aft_block block = aft_block_at(self, env / AFT_LANES);
        int j = env % AFT_LANES;
        at = get_column(at, block.episode, STATE_ROWS, j);
        at = get_column(at, block.state, self->plant->n_states, j);
        at = get_column(at, block.memory, remembered(self), j);
    }
}

static bool env_is_sound(const struct aft_building_env *self, int env, const char *bytes)
{
    uint32_t number, step;
    memcpy(&number, bytes + NUMBER_ROW * sizeof number, sizeof number);
    memcpy(&step, bytes + STEP_ROW * sizeof step, sizeof step);
    if (number >= AFT_MAX_EPISODES || step >= aft_episode_limit(self, env, number)) {
        return false;
    }
    bool finite = true;
    for (size_t at = FIRST_FLOAT_ROW * sizeof(float); at < env_bytes(self); at += sizeof(float)) {
        float value;
        memcpy(&value, bytes + at, sizeof value);
        finite = finite && isfinite(value);
    }
    return finite;
}

static enum aft_code check_state(const struct aft_building_env *self, const char *bytes,
                                 size_t size, struct aft_error *error)
{
    struct state_head head, expected = head_of(self);
    if (size != aft_building_env_state_size(self)) {
        return aft_fail(error, AFT_ERR_CORRUPT,
                        "import the environments' state: %zu bytes, expected %zu", size,
                        aft_building_env_state_size(self));
    }
    memcpy(&head, bytes, sizeof head);
    if (memcmp(&head, &expected, sizeof head) != 0) {
        return aft_fail(error, AFT_ERR_CORRUPT,
                        "import the environments' state: it belongs to other settings");
    }
    for (int env = 0; env < self->n_envs; env++) {
        if (!env_is_sound(self, env, bytes + sizeof head + (size_t)env * env_bytes(self))) {
            return aft_fail(error, AFT_ERR_CORRUPT,
                            "import the environments' state: environment %d: a value that cannot "
                            "be",
                            env);
        }
    }
    return AFT_OK;
}

enum aft_code aft_building_env_import(void *self_, const void *bytes, size_t size,
                                      struct aft_error *error)
{
    struct aft_building_env *self = self_;
    enum aft_code code = check_state(self, bytes, size, error);
    if (code != AFT_OK) {
        return code;
    }
    const char *at = (const char *)bytes + sizeof(struct state_head);
    for (int env = 0; env < self->n_envs; env++) {
        struct aft_block block = aft_block_at(self, env / AFT_LANES);
        int j = env % AFT_LANES;
        at = set_column(block.episode, at, STATE_ROWS, j);
        at = set_column(block.state, at, self->plant->n_states, j);
        at = set_column(block.memory, at, remembered(self), j);
    }
    for (int i = 0; i < self->n_blocks; i++) {
        struct aft_block block = aft_block_at(self, i);
        aft_episodes_resume(self, &block);
    }
    return AFT_OK;
}
