/*
 * A reader for the part of pickle protocol 2 that torch.save uses. It builds a
 * graph of plain values and executes nothing: a call (REDUCE) stays a record
 * of what would be called with what. Every other opcode is refused. Size,
 * number of values and depth of marks are limited; nothing is recursive.
 *
 * Messages are bare causes, as in zip_bytes.h.
 */
#ifndef AFT_RECOVERY_PICKLE_READ_H
#define AFT_RECOVERY_PICKLE_READ_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AFT_PICKLE_MAX_BYTES = 4 << 20,
    AFT_PICKLE_MAX_VALUES = 100000,
    AFT_PICKLE_MAX_MARKS = 64,
};

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

/* The bytes are borrowed until destroy. AFT_ERR_CORRUPT for anything but one
 * pickle of protocol 2, of the known opcodes, within the limits. */
enum aft_code aft_pickle_read(struct aft_pickle **pickle, const void *bytes, size_t size,
                              struct aft_error *error);
void aft_pickle_destroy(struct aft_pickle *pickle);

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
