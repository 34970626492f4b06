/*
 * Reads a curriculum from its INI, answers what a stage's effective settings
 * are, and fingerprints them. Nothing here knows how training works.
 */
#ifndef AFT_CURRICULUM_CURRICULUM_H
#define AFT_CURRICULUM_CURRICULUM_H

#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "curriculum/settings.h"

/* Reads and checks the file, with the `--set` overrides ("SECTION.KEY=VALUE",
 * where SECTION may be "stage N" or "stage NAME") applied after it. Every
 * mistake is AFT_ERR_USAGE: "FILE:LINE: [section] key: what is wrong, and what
 * was expected"; an override's begins "--set SECTION.KEY=VALUE: …". */
enum aft_code aft_curriculum_load(struct aft_curriculum **curriculum, const char *path,
                                  const char *const *overrides, int n_overrides,
                                  struct aft_error *error);
/* The same for a text that was read before, such as an archive's curriculum.ini;
 * path names it in messages, and record files are relative to its folder. */
enum aft_code aft_curriculum_parse(struct aft_curriculum **curriculum, const char *text,
                                   size_t size, const char *path, const char *const *overrides,
                                   int n_overrides, struct aft_error *error);
void aft_curriculum_destroy(struct aft_curriculum *curriculum);

/* From here on a stage is its index in curriculum->stages, from 0.
 *
 * Everything that changes the bits of training a stage, and nothing else, as an
 * object { "section.key": value, … }: seed, building, actuator, the stage's
 * motion, environment, ppo, timesteps, magnitude and force; the contents of
 * record files by SHA-256 rather than their paths. Fails where a record file
 * cannot be read. The caller owns *settings. */
enum aft_code aft_stage_effective_settings(struct aft_json **settings,
                                           const struct aft_curriculum *curriculum, int stage,
                                           struct aft_error *error);

/* SHA-256 of the one-line text of those settings. */
enum aft_code aft_settings_fingerprint(char hex[AFT_SHA256_HEX_SIZE],
                                       const struct aft_json *settings, struct aft_error *error);

/* The record files of a stage in a fixed order (folders expanded, sorted by
 * name, .AT2/.at2/.csv only; paths relative to the INI made whole). *paths and
 * its strings are freed by aft_record_paths_destroy. */
enum aft_code aft_stage_record_paths(char ***paths, int *n, const struct aft_curriculum *curriculum,
                                     int stage, struct aft_error *error);
/* The same of one folder or file, as given on a command line; freed alike. */
enum aft_code aft_record_paths_find(char ***paths, int *n, const char *path,
                                    struct aft_error *error);
void aft_record_paths_destroy(char **paths, int n);

/* One line per key, for docs: section, key, type (with its range), default, in_stages,
 * fingerprint (in words: whether a change contradicts a completed stage), help. */
struct aft_json *aft_curriculum_reference(void);

#endif
