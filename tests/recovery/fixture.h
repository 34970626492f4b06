/* Archives for tests: a small actor-critic network with made-up numbers. */
#ifndef AFT_TESTS_RECOVERY_FIXTURE_H
#define AFT_TESTS_RECOVERY_FIXTURE_H

#include "recovery/archive.h"

#include <limits.h>
#include <stdbool.h>

enum { FIXTURE_MAX_TENSORS = 16 };

struct fixture {
    struct aft_archive_content content; /* points into the rest: do not copy */
    struct aft_archive_tensor tensors[FIXTURE_MAX_TENSORS];
    struct aft_archive_member members[4];
    struct aft_json *manifest;
    float *floats; /* all weights, then exp_avg, then exp_avg_sq */
    size_t n_floats;
};

/* Two hidden layers of that width; 5 observations, 1 action; kind stage, stage 1. */
void fixture_init(struct fixture *fixture, int width);
void fixture_clear(struct fixture *fixture);

/* Builds the archive; asserts that it works. The caller frees it. */
char *fixture_build(const struct fixture *fixture, size_t *size);

/* An archive in a run's folder. */
struct fixture_file {
    const char *file; /* within the folder */
    enum aft_archive_kind kind;
    int stage;
    int steps;
    const char *parent;      /* NULL: none */
    const char *fingerprint; /* NULL: fixture_fingerprint(stage) */
    bool damaged;            /* one byte in the middle is changed */
    bool other_weights;      /* a different training */
    int attempt;             /* 0: its manifest names none */
};

/* Writes it; state_hash may be NULL. Its settings are fixture_settings(stage). */
void fixture_put(const char *folder, const struct fixture_file *file,
                 char state_hash[AFT_SHA256_HEX_SIZE]);
void fixture_fingerprint(char fingerprint[AFT_SHA256_HEX_SIZE], int stage);
struct aft_json *fixture_settings(int stage);

/* Writes the digest anew after the bytes were changed: an attacker who knows the
 * format. */
void fixture_sign(char *bytes, size_t size);

/* A new folder under /tmp; remove it with fixture_remove_folder. */
void fixture_make_folder(char folder[PATH_MAX]);
void fixture_remove_folder(const char *folder);

void fixture_write(const char *folder, const char *name, const void *bytes, size_t size);
bool fixture_exists(const char *folder, const char *name);
/* How many entries the folder has. */
int fixture_count(const char *folder);

#endif
