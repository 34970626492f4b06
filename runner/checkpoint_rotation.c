#include "runner/checkpoint_rotation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum aft_code append(struct aft_checkpoint_rotation *rotation, const char *path,
                            int64_t order, struct aft_error *error)
{
    if (rotation->n == rotation->capacity) {
        int capacity = 2 * rotation->capacity + 8;
        struct aft_checkpoint *grown =
            realloc(rotation->checkpoints, (size_t)capacity * sizeof *grown);
        if (grown == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "list checkpoints: no memory");
        }
        rotation->checkpoints = grown;
        rotation->capacity = capacity;
    }
    char *copy = strdup(path);
    if (copy == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "list checkpoints: no memory");
    }
    rotation->checkpoints[rotation->n++] = (struct aft_checkpoint){copy, order};
    return AFT_OK;
}

static int by_order(const void *a, const void *b)
{
    int64_t first = ((const struct aft_checkpoint *)a)->order;
    int64_t second = ((const struct aft_checkpoint *)b)->order;
    return (first > second) - (first < second);
}

/* Only what bears the name that the program gave it: copies are the user's own. */
static bool is_ours(const struct aft_scan_entry *entry, const char *folder)
{
    char expected[PATH_MAX + 64];
    (void)snprintf(expected, sizeof expected, "%s/checkpoints/stage%d_step%09lld.zip", folder,
                   entry->stage, (long long)entry->steps);
    return entry->kind == AFT_ARCHIVE_CHECKPOINT && entry->valid && !entry->set_aside &&
           strcmp(entry->path, expected) == 0;
}

enum aft_code aft_checkpoint_rotation_init(struct aft_checkpoint_rotation *rotation, int keep,
                                           const struct aft_scan *scan, struct aft_error *error)
{
    *rotation = (struct aft_checkpoint_rotation){.keep = keep};
    enum aft_code code = AFT_OK;
    for (int i = 0; i < scan->n && code == AFT_OK; i++) {
        const struct aft_scan_entry *entry = &scan->entries[i];
        if (is_ours(entry, scan->folder)) {
            code = append(rotation, entry->path, entry->order, error);
        }
    }
    if (rotation->n > 1) {
        qsort(rotation->checkpoints, (size_t)rotation->n, sizeof *rotation->checkpoints, by_order);
    }
    return code;
}

void aft_checkpoint_rotation_clear(struct aft_checkpoint_rotation *rotation)
{
    for (int i = 0; i < rotation->n; i++) {
        free(rotation->checkpoints[i].path);
    }
    free(rotation->checkpoints);
    *rotation = (struct aft_checkpoint_rotation){0};
}

int64_t aft_checkpoint_rotation_next(const struct aft_checkpoint_rotation *rotation)
{
    return rotation->n > 0 ? rotation->checkpoints[rotation->n - 1].order + 1 : 1;
}

static void forget(struct aft_checkpoint_rotation *rotation, int index)
{
    free(rotation->checkpoints[index].path);
    rotation->n--;
    memmove(&rotation->checkpoints[index], &rotation->checkpoints[index + 1],
            (size_t)(rotation->n - index) * sizeof *rotation->checkpoints);
}

enum aft_code aft_checkpoint_rotation_add(struct aft_checkpoint_rotation *rotation,
                                          const char *path, struct aft_error *error)
{
    int64_t order = aft_checkpoint_rotation_next(rotation);
    for (int i = 0; i < rotation->n; i++) {
        if (strcmp(rotation->checkpoints[i].path, path) == 0) {
            forget(rotation, i); /* written over by a later step of its own lineage */
            break;
        }
    }
    enum aft_code code = append(rotation, path, order, error);
    while (code == AFT_OK && rotation->n > rotation->keep) {
        (void)unlink(rotation->checkpoints[0].path);
        forget(rotation, 0);
    }
    return code;
}
