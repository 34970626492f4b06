#include "recovery/pickle_value.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 };

struct chunk {
    struct chunk *next;
    size_t used;
    struct aft_pickle_value values[CHUNK];
};

struct aft_pickle {
    struct chunk *chunks;
    struct aft_pickle_value *root;
};

struct aft_pickle *aft_pickle_create(void)
{
    return calloc(1, sizeof(struct aft_pickle));
}

struct aft_pickle_value *aft_pickle_add(struct aft_pickle *pickle, enum aft_pickle_type type)
{
    if (pickle->chunks == NULL || pickle->chunks->used == CHUNK) {
        struct chunk *chunk = calloc(1, sizeof *chunk);
        if (chunk == NULL) {
            return NULL;
        }
        chunk->next = pickle->chunks;
        pickle->chunks = chunk;
    }
    struct aft_pickle_value *value = &pickle->chunks->values[pickle->chunks->used++];
    value->type = type;
    return value;
}

bool aft_pickle_grow(struct aft_pickle_value ***items, size_t n, size_t *capacity)
{
    if (n < *capacity) {
        return true;
    }
    size_t larger = n < 4 ? 4 : 2 * n;
    struct aft_pickle_value **grown = realloc(*items, larger * sizeof(struct aft_pickle_value *));
    if (grown == NULL) {
        return false;
    }
    *items = grown;
    *capacity = larger;
    return true;
}

bool aft_pickle_append(struct aft_pickle_value *value, struct aft_pickle_value *item)
{
    if (!aft_pickle_grow(&value->items, value->n, &value->capacity)) {
        return false;
    }
    value->items[value->n++] = item;
    return true;
}

void aft_pickle_set_root(struct aft_pickle *pickle, struct aft_pickle_value *root)
{
    pickle->root = root;
}

void aft_pickle_destroy(struct aft_pickle *pickle)
{
    if (pickle == NULL) {
        return;
    }
    for (struct chunk *chunk = pickle->chunks; chunk != NULL;) {
        struct chunk *next = chunk->next;
        for (size_t i = 0; i < chunk->used; i++) {
            free(chunk->values[i].items);
        }
        free(chunk);
        chunk = next;
    }
    free(pickle);
}

const struct aft_pickle_value *aft_pickle_root(const struct aft_pickle *pickle)
{
    return pickle->root;
}

static bool holds_pairs(const struct aft_pickle_value *value)
{
    return aft_pickle_is(value, AFT_PICKLE_DICT) || aft_pickle_is(value, AFT_PICKLE_CALL);
}

const struct aft_pickle_value *aft_pickle_get(const struct aft_pickle_value *dict, const char *key)
{
    for (size_t i = holds_pairs(dict) ? dict->n : 0; i >= 2; i -= 2) {
        if (aft_pickle_is_text(dict->items[i - 2], key)) {
            return dict->items[i - 1];
        }
    }
    return NULL;
}

const struct aft_pickle_value *aft_pickle_get_at(const struct aft_pickle_value *dict, int64_t key)
{
    for (size_t i = holds_pairs(dict) ? dict->n : 0; i >= 2; i -= 2) {
        const struct aft_pickle_value *candidate = dict->items[i - 2];
        if (candidate->type == AFT_PICKLE_INTEGER && candidate->integer == key) {
            return dict->items[i - 1];
        }
    }
    return NULL;
}

bool aft_pickle_is(const struct aft_pickle_value *value, enum aft_pickle_type type)
{
    return value != NULL && value->type == type;
}

static bool same_text(const char *bytes, size_t length, const char *text)
{
    return strlen(text) == length && memcmp(bytes, text, length) == 0;
}

bool aft_pickle_is_text(const struct aft_pickle_value *value, const char *text)
{
    return aft_pickle_is(value, AFT_PICKLE_TEXT) && same_text(value->text, value->length, text);
}

bool aft_pickle_is_global(const struct aft_pickle_value *value, const char *module,
                          const char *name)
{
    return aft_pickle_is(value, AFT_PICKLE_GLOBAL) &&
           same_text(value->text, value->length, module) &&
           same_text(value->name, value->name_length, name);
}

bool aft_pickle_is_call(const struct aft_pickle_value *value, const char *module, const char *name,
                        size_t n_arguments)
{
    return aft_pickle_is(value, AFT_PICKLE_CALL) &&
           aft_pickle_is_global(value->head, module, name) && value->argument->n >= n_arguments;
}
