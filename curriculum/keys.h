/*
 * The table of every key that a curriculum may hold: the one place that knows
 * its section, type, range, default and meaning. The parser, `--set`, the
 * effective settings and the reference in docs/curriculum.md are made from it.
 */
#ifndef AFT_CURRICULUM_KEYS_H
#define AFT_CURRICULUM_KEYS_H

#include "curriculum/settings.h"

#include <stdbool.h>
#include <stddef.h>

enum { AFT_MAX_KEYS = 128, AFT_MAX_CHOICES = 4 };

enum aft_section {
    AFT_SECTION_RUN,
    AFT_SECTION_BUILDING,
    AFT_SECTION_ACTUATOR,
    AFT_SECTION_MOTION,
    AFT_SECTION_ENVIRONMENT,
    AFT_SECTION_PPO,
    AFT_SECTION_RECOVERY,
    AFT_SECTION_EVALUATION,
    AFT_SECTION_GATE,
    AFT_SECTION_STAGE, /* keys that only [stage …] has; it may hold others (aft_key_fits) */
    AFT_SECTION_COUNT,
};

enum aft_key_type {                 /* the C type of the field */
                    AFT_KEY_WHOLE,  /* int */
                    AFT_KEY_SIZE,   /* int64_t or uint64_t: 300000, 3e5 or 300_000 */
                    AFT_KEY_REAL,   /* double, finite */
                    AFT_KEY_TRUTH,  /* bool */
                    AFT_KEY_CHOICE, /* an enum whose values number the choices from 0 */
                    AFT_KEY_WORD,   /* char[16], one of the choices */
                    AFT_KEY_DEVICE, /* char[16], one of the choices or cuda:N */
                    AFT_KEY_NAME,   /* char[AFT_MAX_NAME], a name of a folder */
                    AFT_KEY_TEXT,   /* char[AFT_MAX_TEXT] */
                    AFT_KEY_LIST,   /* struct aft_int_list */
};

enum aft_key_flag {
    AFT_KEY_BITS = 1,           /* changes the bits of training: part of the fingerprint */
    AFT_KEY_OF_RUN = 2,         /* not in a stage, though its section's other keys may be */
    AFT_KEY_ABOVE = 4,          /* min itself is out of range */
    AFT_KEY_BELOW = 8,          /* max itself is out of range */
    AFT_KEY_MAY_BE_NONE = 16,   /* a list that may be "none" */
    AFT_KEY_ASCENDING = 32,     /* a list whose numbers ascend */
    AFT_KEY_NO_FIELD = 64,      /* has no field: read for what it says about others */
    AFT_KEY_STOCHASTIC = 128,   /* matters only with source = stochastic, */
    AFT_KEY_RECORDS = 256,      /* … with source = records, */
    AFT_KEY_PGA = 512,          /* … with scale = pga, */
    AFT_KEY_SA_T1 = 1024,       /* … with scale = sa_t1, */
    AFT_KEY_TF32 = 2048,        /* … where it is true and CUDA may compute, */
    AFT_KEY_NOMINAL = 4096,     /* … with a nominal controller, */
    AFT_KEY_UNLESS_ZERO = 8192, /* … where it is not 0 (a real number) */
};

struct aft_key {
    enum aft_section section;
    const char *name;
    const char *also; /* another name that files may use; NULL: none */
    enum aft_key_type type;
    unsigned flags;
    size_t offset; /* in the section's struct */
    double min, max;
    int most; /* numbers in a list */
    const char *choices[AFT_MAX_CHOICES];
    const char *initial; /* the default as it would stand in a file; NULL: see follows */
    const char *follows; /* the key of the same section whose value is the default */
    const char *help;
};

size_t aft_key_count(void);
const struct aft_key *aft_key_at(size_t index);
size_t aft_key_index(const struct aft_key *key);

const char *aft_section_name(enum aft_section section);
/* The section of that name, AFT_SECTION_COUNT where there is none ([stage …] is not found so). */
enum aft_section aft_section_find(const char *name);

bool aft_key_is_named(const struct aft_key *key, const char *name);

/* NULL where the section has no such key. */
const struct aft_key *aft_key_find(enum aft_section section, const char *name);

/* True where a section may hold the key: its own section, or a stage's. */
bool aft_key_fits(const struct aft_key *key, enum aft_section section);

/* The key that is most like the name, among those that fit the section; NULL
 * where none is near. */
const struct aft_key *aft_key_nearest(enum aft_section section, const char *name);
/* The section that is most like the name, or NULL. */
const char *aft_section_nearest(const char *name);

#endif
