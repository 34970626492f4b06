/* The pickle reader alone: a graph it accepts must be whole, and its limits kept. */
#include "fuzz.h"
#include "recovery/pickle_read.h"

#include <stdlib.h>

enum { MAX_VISITS = 2000 };

static int visits;

static void walk(const struct aft_pickle_value *value, int depth);

static void walk_parts(const struct aft_pickle_value *value, int depth)
{
    FUZZ_CHECK(value->n <= value->capacity);
    for (size_t i = 0; i < value->n; i++) {
        FUZZ_CHECK(value->items[i] != NULL);
        walk(value->items[i], depth + 1);
    }
    if (value->type == AFT_PICKLE_CALL) {
        FUZZ_CHECK(value->n % 2 == 0 && aft_pickle_is(value->head, AFT_PICKLE_GLOBAL));
        FUZZ_CHECK(aft_pickle_is(value->argument, AFT_PICKLE_TUPLE));
        walk(value->argument, depth + 1);
    } else if (value->type == AFT_PICKLE_PERSISTENT) {
        FUZZ_CHECK(value->argument != NULL);
        walk(value->argument, depth + 1);
    } else if (value->type == AFT_PICKLE_DICT) {
        FUZZ_CHECK(value->n % 2 == 0);
    }
    if (value->state != NULL) {
        walk(value->state, depth + 1);
    }
}

/* Values may contain themselves: a bounded part of the graph is looked at. */
static void walk(const struct aft_pickle_value *value, int depth)
{
    if (depth > 16 || visits++ > MAX_VISITS) {
        return;
    }
    FUZZ_CHECK(value->type <= AFT_PICKLE_PERSISTENT);
    (void)aft_pickle_is_text(value, "state");
    (void)aft_pickle_is_call(value, "torch._utils", "_rebuild_tensor_v2", 6);
    const struct aft_pickle_value *found = aft_pickle_get(value, "step");
    FUZZ_CHECK(found == NULL || found->type <= AFT_PICKLE_PERSISTENT);
    (void)aft_pickle_get_at(value, 0);
    walk_parts(value, depth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aft_pickle *pickle = NULL;
    struct aft_error error = {0};
    enum aft_code code = aft_pickle_read(&pickle, data, size, &error);
    if (code != AFT_OK) {
        FUZZ_CHECK(pickle == NULL);
        fuzz_check_failure(code, &error, AFT_ERR_CORRUPT, AFT_ERR_CORRUPT);
        return 0;
    }
    FUZZ_CHECK(aft_pickle_root(pickle) != NULL);
    visits = 0;
    walk(aft_pickle_root(pickle), 0);
    aft_pickle_destroy(pickle);
    return 0;
}
