#include "recovery/archive_parts.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are hashed as they lie");

static const char *const kind_names[] = {
    [AFT_ARCHIVE_STAGE] = "stage",     [AFT_ARCHIVE_FINAL] = "final",
    [AFT_ARCHIVE_BEST] = "best",       [AFT_ARCHIVE_INTERRUPTED] = "interrupted",
    [AFT_ARCHIVE_ERROR] = "error",     [AFT_ARCHIVE_CHECKPOINT] = "checkpoint",
    [AFT_ARCHIVE_UNKNOWN] = "unknown", [AFT_ARCHIVE_SB3] = "Stable-Baselines3",
};

const struct aft_counter_field aft_counter_fields[AFT_COUNTER_FIELDS] = {
    {"stage", offsetof(struct aft_archive_counters, stage)},
    {"steps", offsetof(struct aft_archive_counters, steps)},
    {"total_steps", offsetof(struct aft_archive_counters, total_steps)},
    {"iterations", offsetof(struct aft_archive_counters, iterations)},
    {"episodes", offsetof(struct aft_archive_counters, episodes)},
    {"updates", offsetof(struct aft_archive_counters, updates)},
    {"adam_step", offsetof(struct aft_archive_counters, adam_step)},
};

size_t aft_archive_unpacked_limit(size_t file_size)
{
    const size_t allowance = (size_t)64 << 20;
    if (file_size > (AFT_ARCHIVE_SIZE_LIMIT - allowance) / 64) {
        return AFT_ARCHIVE_SIZE_LIMIT;
    }
    return allowance + 64 * file_size;
}

const char *aft_archive_kind_name(enum aft_archive_kind kind)
{
    return kind_names[kind <= AFT_ARCHIVE_SB3 ? kind : AFT_ARCHIVE_UNKNOWN];
}

enum aft_archive_kind aft_archive_kind_of_name(const char *name)
{
    for (int kind = 0; name != NULL && kind < AFT_ARCHIVE_UNKNOWN; kind++) {
        if (strcmp(name, kind_names[kind]) == 0) {
            return (enum aft_archive_kind)kind;
        }
    }
    return AFT_ARCHIVE_UNKNOWN;
}

static void add_floats(struct aft_digest *digest, const float *floats, size_t count)
{
    if (floats != NULL) {
        aft_digest_add(digest, floats, count * sizeof *floats);
    }
}

void aft_archive_weights_sha256(char hex[AFT_SHA256_HEX_SIZE],
                                const struct aft_archive_tensor *tensors, int n)
{
    struct aft_digest *digest = aft_digest_create();
    hex[0] = '\0'; /* equals no digest: short memory is seen as a mismatch */
    if (digest == NULL) {
        return;
    }
    for (int i = 0; i < n; i++) {
        add_floats(digest, tensors[i].value, tensors[i].count);
    }
    aft_digest_finish(digest, hex);
}

void aft_archive_state_sha256(char hex[AFT_SHA256_HEX_SIZE],
                              const struct aft_archive_tensor *tensors, int n,
                              const struct aft_archive_counters *counters)
{
    struct aft_digest *digest = aft_digest_create();
    hex[0] = '\0';
    if (digest == NULL) {
        return;
    }
    for (int i = 0; i < n; i++) {
        add_floats(digest, tensors[i].value, tensors[i].count);
    }
    for (int i = 0; i < n; i++) {
        add_floats(digest, tensors[i].exp_avg, tensors[i].count);
    }
    for (int i = 0; i < n; i++) {
        add_floats(digest, tensors[i].exp_avg_sq, tensors[i].count);
    }
    for (size_t i = 0; i < AFT_COUNTER_FIELDS; i++) {
        const char *at = (const char *)counters + aft_counter_fields[i].offset;
        aft_digest_add(digest, at, sizeof(int64_t));
    }
    aft_digest_finish(digest, hex);
}
