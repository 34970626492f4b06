/*
 * What a pickle describes, as a graph of plain values, and the questions that its
 * readers ask. Values are made by pickle_read.c; nothing here executes anything.
 */
#ifndef AFT_RECOVERY_PICKLE_VALUE_H
#define AFT_RECOVERY_PICKLE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum aft_pickle_type {
    AFT_PICKLE_NONE,
    AFT_PICKLE_BOOLEAN,
    AFT_PICKLE_INTEGER,
    AFT_PICKLE_REAL,
    AFT_PICKLE_TEXT,
    AFT_PICKLE_LIST,
    AFT_PICKLE_TUPLE,
    AFT_PICKLE_DICT,
    AFT_PICKLE_GLOBAL,     /* a name: module and name */
    AFT_PICKLE_CALL,       /* head(*argument), with items set and state built afterwards */
    AFT_PICKLE_PERSISTENT, /* an object kept elsewhere, known by its argument */
};

struct aft_pickle_value {
    enum aft_pickle_type type;
    int64_t integer;  /* INTEGER, BOOLEAN */
    double real;      /* REAL */
    const char *text; /* TEXT, and GLOBAL's module: not NUL-terminated, in the caller's bytes */
    size_t length;
    const char *name; /* GLOBAL */
    size_t name_length;
    struct aft_pickle_value *head;     /* CALL: a GLOBAL */
    struct aft_pickle_value *argument; /* CALL: a TUPLE; PERSISTENT: any */
    struct aft_pickle_value *state;    /* CALL: of the last BUILD, or NULL */
    struct aft_pickle_value **items;   /* [n] LIST, TUPLE: the elements */
    size_t n;                          /* DICT, CALL: key, value, key, value, … */
    size_t capacity;
};

struct aft_pickle; /* owns the values */

/* NULL: no memory. */
struct aft_pickle *aft_pickle_create(void);
void aft_pickle_destroy(struct aft_pickle *pickle);

/* A new value, all zeros but for its type; NULL: no memory. */
struct aft_pickle_value *aft_pickle_add(struct aft_pickle *pickle, enum aft_pickle_type type);
/* To the value's items; false: no memory. */
bool aft_pickle_append(struct aft_pickle_value *value, struct aft_pickle_value *item);
/* Makes room for one more than n in an array of pointers to values; false: no memory. */
bool aft_pickle_grow(struct aft_pickle_value ***items, size_t n, size_t *capacity);
void aft_pickle_set_root(struct aft_pickle *pickle, struct aft_pickle_value *root);

/* Values may be shared and may contain themselves: follow known paths only. */
const struct aft_pickle_value *aft_pickle_root(const struct aft_pickle *pickle);

/* Value of a text or integer key of a DICT or of a CALL that had items set (an
 * OrderedDict); NULL where there is none, and for a NULL dict. The last one counts. */
const struct aft_pickle_value *aft_pickle_get(const struct aft_pickle_value *dict, const char *key);
const struct aft_pickle_value *aft_pickle_get_at(const struct aft_pickle_value *dict, int64_t key);
bool aft_pickle_is(const struct aft_pickle_value *value, enum aft_pickle_type type);
bool aft_pickle_is_text(const struct aft_pickle_value *value, const char *text);
bool aft_pickle_is_global(const struct aft_pickle_value *value, const char *module,
                          const char *name);
/* A CALL of that global, with a tuple of at least n_arguments. */
bool aft_pickle_is_call(const struct aft_pickle_value *value, const char *module, const char *name,
                        size_t n_arguments);

#endif
