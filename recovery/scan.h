/*
 * The start-up scan: what is in a run's folder, and where training goes on.
 * Looking (scan) and deciding (plan) are separate and change nothing on disk;
 * aft_plan_settle carries out the renames that a plan asks for.
 */
#ifndef AFT_RECOVERY_SCAN_H
#define AFT_RECOVERY_SCAN_H

#include "base/error.h"
#include "base/json.h"
#include "recovery/archive.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct aft_scan_entry {
    char path[PATH_MAX];
    enum aft_archive_kind kind; /* by the manifest, or by the name where it cannot be read */
    int stage;                  /* counts from 1; 0: unknown */
    bool valid;
    bool set_aside;   /* named *.corrupt or *.superseded.zip */
    bool damaged;     /* not valid because its bytes are bad. What is not valid
                       * otherwise (a folder, a link, no permission, a format of the
                       * future, a name that its manifest contradicts) may be sound,
                       * and is never renamed */
    int name_stage;   /* N of a file stageN_*.zip in the run's folder; otherwise 0. A
                       * stage archive is such a file, of kind stage */
    char reason[256]; /* why it is not valid; empty otherwise */
    int64_t attempt;  /* at its stage, counted from 1; each has its steps from 0 */
    int64_t steps, total_steps;
    double score;  /* NaN where there is none */
    int64_t order; /* of checkpoints: which was written when; 0: unknown */
    char fingerprint[AFT_SHA256_HEX_SIZE];
    char state_hash[AFT_SHA256_HEX_SIZE];
    char parent[AFT_SHA256_HEX_SIZE]; /* the state hash of the stage it started from; "": none */
    char run_id[64];
    struct aft_json *settings; /* the stage's effective settings; NULL when not valid */
    struct aft_sb3_model sb3;  /* of kind AFT_ARCHIVE_SB3 */
};

struct aft_scan {
    char folder[PATH_MAX];
    int n;
    struct aft_scan_entry *entries; /* ordered by kind, stage, attempt, steps, name */
};

/* Looks at every archive in folder and folder/checkpoints. A folder that does
 * not exist scans as empty. */
enum aft_code aft_scan_folder(struct aft_scan *scan, const char *folder, struct aft_error *error);
void aft_scan_clear(struct aft_scan *scan);

/* Looks at one archive, wherever it is (`--resume PATH`), which may also be one that
 * Stable-Baselines3 saved: kind AFT_ARCHIVE_SB3, of stage 0. MISSING where there is none. */
enum aft_code aft_scan_archive(struct aft_scan_entry *entry, const char *path,
                               struct aft_error *error);
void aft_scan_entry_clear(struct aft_scan_entry *entry);

/* A file stageN_*.zip of kind stage, valid or not, that is not set aside. */
bool aft_scan_is_stage_archive(const struct aft_scan_entry *entry);

enum aft_plan_outcome {
    AFT_PLAN_FRESH,    /* nothing there: stage 1 from new weights */
    AFT_PLAN_RESUME,   /* after the last complete stage */
    AFT_PLAN_COMPLETE, /* all stages have valid archives */
    AFT_PLAN_REFUSE,   /* exit 3: report says why and the ways on */
};

struct aft_stage_expectation { /* of one stage of the curriculum, as it is today */
    char fingerprint[AFT_SHA256_HEX_SIZE];
    const struct aft_json *settings; /* borrowed: { "section.key": value } */
    char archive_name[96];           /* stage2_100kN.zip */
};

struct aft_plan_request { /* what the user asked for */
    bool accept_changes;
    bool latest; /* rule 2: from the latest state in the middle of a stage */
    const struct aft_scan_entry *archive; /* rule 3: from exactly this one; NULL: none named */
    const char *const *fixed_keys; /* of settings that no accepted change may touch: those that the
                                    * state's shape depends on; ends with NULL; may be NULL */
};

struct aft_plan {
    enum aft_plan_outcome outcome;
    int last_completed;                 /* 0: none */
    int next_stage;                     /* counts from 1; 0 when complete */
    const struct aft_scan_entry *from;  /* the last complete stage's archive, within the scan */
    const struct aft_scan_entry *start; /* whose state training starts from: `from`, or what rule 2
                                         * or 3 found; NULL: new weights */
    bool mid_stage;                     /* start is in the middle of next_stage, at next_step */
    bool import;           /* start is another stage's result that begins next_stage (rule 3) */
    int64_t next_step;     /* of start's attempt at the stage */
    bool accepted_changes; /* completed stages differ, and --accept-changes was given */
    char sentence[256];    /* what train prints first: interface.md's words */
    char *report;          /* further lines for people: what was found damaged, what is kept for
                            * them and how to use it, which keys differ; never NULL, may be "" */
    int n_stages;          /* of the curriculum */
    int n_damaged;         /* stage archives to rename *.corrupt, … */
    int n_behind_gap;      /* … and valid ones behind the gap, superseded when their turn comes */
};

/* The rules of "Where training resumes" (docs/recovery.md). The plan borrows from
 * scan and request. */
enum aft_code aft_plan_make(struct aft_plan *plan, const struct aft_scan *scan,
                            const struct aft_stage_expectation *stages, int n_stages,
                            const struct aft_plan_request *request, struct aft_error *error);
void aft_plan_clear(struct aft_plan *plan);

/* Is told of each archive that was moved out of the way; NULL where nobody is. */
struct aft_set_aside_witness {
    void *context;
    void (*moved)(void *context, const char *from, const char *to);
};

/* Renames damaged stage archives to *.corrupt. Nothing for a plan that refuses. */
enum aft_code aft_plan_settle(const struct aft_plan *plan, const struct aft_scan *scan,
                              const struct aft_set_aside_witness *witness, struct aft_error *error);

/* Before stage N's archive is published: moves any other file stageN_*.zip of
 * kind stage out of its way, to *.superseded.zip (numbered if that exists). */
enum aft_code aft_supersede_stage(const char *folder, int stage,
                                  const struct aft_set_aside_witness *witness,
                                  struct aft_error *error);

/* Before path is published with that training_state_sha256: an archive there of another
 * state is kept as *.superseded.zip, a damaged one as *.corrupt. */
enum aft_code aft_supersede_other(const char *path, const char *state_hash,
                                  const struct aft_set_aside_witness *witness,
                                  struct aft_error *error);

/* Before an INTERRUPTED, ERROR or step archive is published over an existing one: keeps the
 * existing file under a numbered name unless the new one is a later (or equal) step of the
 * same lineage (same "run_id", "parent" and "fingerprint" in both manifests). A step of a
 * later "attempt" is a later one. */
enum aft_code aft_keep_foreign_lineage(const char *path, const struct aft_json *new_manifest,
                                       const struct aft_archive_counters *counters,
                                       const struct aft_set_aside_witness *witness,
                                       struct aft_error *error);

#endif
