/*
 * The ground motion of an episode: generated from the stage's source or taken
 * from records, scaled, and cut to the episode's length. Everything drawn is a
 * function of (seed, stage, environment, episode), so that a motion is made
 * again, bit for bit, from two counters.
 */
#ifndef AFT_ENVIRONMENT_GROUND_MOTION_H
#define AFT_ENVIRONMENT_GROUND_MOTION_H

#include "base/error.h"
#include "base/random.h"
#include "environment/config.h"
#include "environment/response_spectrum.h"
#include "environment/stochastic_motion.h"

#include <stdbool.h>
#include <stddef.h>

/* One whole motion, in steps of dt_s. */
struct aft_motion {
    double *acceleration_m_s2; /* [n] */
    size_t n;
    double dt_s;
    bool units_assumed; /* a record that names no unit, taken as in g */
};

/* A motion of the source, unscaled, from the noise stream (high, middle). */
enum aft_code aft_motion_from_source(struct aft_motion *motion, const struct aft_source *source,
                                     double dt_s, struct aft_random_key key,
                                     const uint32_t stream[2], struct aft_error *error);
/* A record (record_reader.h), low-passed and resampled to dt_s; 0 keeps its own step. */
enum aft_code aft_motion_from_record(struct aft_motion *motion, const char *path, double dt_s,
                                     struct aft_error *error);
void aft_motion_clear(struct aft_motion *motion);

/* The factor that brings a motion to the config's target; t1_s matters for Sa(T1) only. */
double aft_motion_factor(const struct aft_motion_config *config, double t1_s,
                         const double *acceleration_m_s2, size_t n, double dt_s);

/* The source with its scatter: stress drop, distance and κ are lognormal, the
 * three standard normal numbers cut at ±3. */
struct aft_source aft_source_draw(const struct aft_source *median,
                                  const struct aft_motion_config *scatter, const double normal[3]);

struct aft_motion_set; /* all motions of a stage; read-only but for its working memories */

struct aft_motion_context {
    double dt_s;
    double t1_s; /* the building's first period */
    uint64_t seed;
    uint32_t stage;
    int workers; /* motions that may be made at one time */
};

/* Reads the records, if any, and reserves the memory that motions need. */
enum aft_code aft_motion_set_create(struct aft_motion_set **set,
                                    const struct aft_motion_config *config,
                                    const struct aft_motion_context *context,
                                    struct aft_error *error);
void aft_motion_set_destroy(struct aft_motion_set *set);
int aft_motion_set_records(const struct aft_motion_set *set);

/*
 * The n samples of a training episode, m/s². Drawn: the magnitude (with
 * mix_fraction another one at mix_distance_km) or the record, the source's
 * scatter, the amplitude, the sign, a quiet time of up to onset_max_s, and, of
 * a motion that does not fit, the part: it covers the 5-95 % Arias interval, or
 * where that does not fit either, starts anywhere in it so that the part lies
 * within. A part that does not start at the motion's start is faded in over
 * 0.5 s. Safe to call from several threads; no allocation.
 */
void aft_motion_episode(float *ground_m_s2, size_t n, struct aft_motion_set *set, uint32_t env,
                        uint32_t episode);

/* Motion `index` of a held-out set (or that record), whole, scaled, without the
 * draws of a training episode but for the source's scatter. */
enum aft_code aft_motion_held_out(struct aft_motion *motion, struct aft_motion_set *set,
                                  enum aft_random_purpose purpose, uint32_t index,
                                  struct aft_error *error);

#endif
