/*
 * The motions of an evaluation: whole, scaled, in steps of dt, from a
 * held-out set, from a source, or from records.
 */
#ifndef AFT_ENVIRONMENT_MOTION_LIST_H
#define AFT_ENVIRONMENT_MOTION_LIST_H

#include "base/thread_pool.h"
#include "environment/ground_motion.h"

struct aft_listed_motion {
    char name[96]; /* "M5.7 #3", or a record's file name */
    struct aft_motion motion;
};

struct aft_motion_list { /* zeros: empty */
    struct aft_listed_motion *motions;
    int n, capacity;
};

/* Motions 0…n-1 of the set `purpose` (AFT_RANDOM_VALIDATION, AFT_RANDOM_TEST_MOTION;
 * AFT_RANDOM_MOTION gives whole training motions of the stage's own magnitude),
 * scaled as config->motion says: no onset, no random amplitude or sign, no mixed
 * magnitudes. A config of records gives each record once, n of them at most.
 * Magnitude, distance, PGA, seed and stage are config's: change them there. */
enum aft_code aft_motion_list_add_held_out(struct aft_motion_list *list,
                                           const struct aft_environment_config *config,
                                           enum aft_random_purpose purpose, int n,
                                           struct aft_error *error);

/* Record files, scaled as config->motion.scaling says (AFT_MOTION_UNSCALED: as
 * recorded; pga_g; sa_t1_g at the building's first period). Folders are turned
 * into files by curriculum/curriculum.h. */
enum aft_code aft_motion_list_add_records(struct aft_motion_list *list,
                                          const struct aft_environment_config *config,
                                          const char *const *paths, int n, struct aft_error *error);

void aft_motion_list_clear(struct aft_motion_list *list);

#endif
