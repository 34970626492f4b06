#include "environment/motion_list.h"

#include "base/path.h"
#include "environment/building.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum aft_code make_set(struct aft_motion_set **set,
                              const struct aft_environment_config *config,
                              const struct aft_motion_config *motion, struct aft_error *error)
{
    struct aft_motion_context context = {
        .dt_s = config->dt_s, .seed = config->seed, .stage = config->stage, .workers = 1};
    *set = NULL;
    enum aft_code code = aft_building_first_period(&context.t1_s, &config->building, error);
    return code == AFT_OK ? aft_motion_set_create(set, motion, &context, error) : code;
}

static enum aft_code make_room(struct aft_motion_list *list, int more, struct aft_error *error)
{
    if (list->n + more <= list->capacity) {
        return AFT_OK;
    }
    size_t capacity = (size_t)list->n + (size_t)more;
    struct aft_listed_motion *grown = realloc(list->motions, capacity * sizeof *grown);
    if (grown == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "list %zu motions: out of memory", capacity);
    }
    list->motions = grown;
    list->capacity = (int)capacity;
    return AFT_OK;
}

static void name_motion(struct aft_listed_motion *listed, const struct aft_motion_config *config,
                        int index)
{
    if (config->kind == AFT_MOTION_RECORDED) {
        (void)snprintf(listed->name, sizeof listed->name, "%s",
                       aft_path_name(config->record_paths[index]));
    } else {
        (void)snprintf(listed->name, sizeof listed->name, "M%g #%d", config->magnitude, index + 1);
    }
}

static enum aft_code add(struct aft_motion_list *list, const struct aft_environment_config *config,
                         const struct aft_motion_config *motion, enum aft_random_purpose purpose,
                         int n, struct aft_error *error)
{
    struct aft_motion_set *set = NULL;
    enum aft_code code = make_set(&set, config, motion, error);
    if (code != AFT_OK) {
        return code;
    }
    int records = aft_motion_set_records(set);
    int count = records > 0 && records < n ? records : n;
    code = make_room(list, count, error);
    for (int i = 0; i < count && code == AFT_OK; i++) {
        struct aft_listed_motion *listed = &list->motions[list->n];
        name_motion(listed, motion, i);
        code = aft_motion_held_out(&listed->motion, set, purpose, (uint32_t)i, error);
        list->n += code == AFT_OK;
    }
    aft_motion_set_destroy(set);
    return code;
}

enum aft_code aft_motion_list_add_held_out(struct aft_motion_list *list,
                                           const struct aft_environment_config *config,
                                           enum aft_random_purpose purpose, int n,
                                           struct aft_error *error)
{
    return add(list, config, &config->motion, purpose, n, error);
}

enum aft_code aft_motion_list_add_records(struct aft_motion_list *list,
                                          const struct aft_environment_config *config,
                                          const char *const *paths, int n, struct aft_error *error)
{
    struct aft_motion_config motion = config->motion;
    motion.kind = AFT_MOTION_RECORDED;
    motion.record_paths = paths;
    motion.n_records = n;
    /* Of records, no purpose is drawn from. */
    return add(list, config, &motion, AFT_RANDOM_TEST_MOTION, n, error);
}

void aft_motion_list_clear(struct aft_motion_list *list)
{
    for (int i = 0; i < list->n; i++) {
        aft_motion_clear(&list->motions[i].motion);
    }
    free(list->motions);
    *list = (struct aft_motion_list){0};
}
