/* "Where training resumes", rule by rule (docs/recovery.md). */
#include "cmocka_headers.h"
#include "fixture.h"
#include "recovery/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FILES = 8, MAX_STAGES = 6, MAX_SAID = 5 };

/* parents */
enum { NONE = -1, FOREIGN = -2 };

struct file {
    const char *name;
    enum aft_archive_kind kind;
    int stage;
    int steps;
    int parent; /* index of an earlier file of the case, NONE or FOREIGN */
    bool damaged;
    const char *fingerprint;
    bool other_weights;
    int attempt;
};

struct plan_case {
    const char *rule;
    struct file files[MAX_FILES]; /* up to the first without a name */
    int n_stages;
    bool accept_changes;
    enum aft_plan_outcome outcome;
    int last_completed;
    int next_stage;
    const char *sentence;
    const char *said[MAX_SAID];   /* each in the report */
    const char *after[MAX_FILES]; /* what settling leaves, if it changes anything */
};

#define FRESH "No checkpoints found - starting fresh training"
#define RESUMING "RESUMING FROM CHECKPOINT"
#define COMPLETE "All stages complete"
#define STAGE1                                                                                     \
    {                                                                                              \
        "stage1_50kN.zip", AFT_ARCHIVE_STAGE, 1, 100, NONE, false, NULL, false, 0                  \
    }
#define STAGE2                                                                                     \
    {                                                                                              \
        "stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, 200, 0, false, NULL, false, 0                    \
    }
#define STAGE3                                                                                     \
    {                                                                                              \
        "stage3_150kN.zip", AFT_ARCHIVE_STAGE, 3, 300, 1, false, NULL, false, 0                    \
    }
#define STAGE4                                                                                     \
    {                                                                                              \
        "stage4_150kN.zip", AFT_ARCHIVE_STAGE, 4, 400, 2, false, NULL, false, 0                    \
    }

static const struct plan_case cases[] = {
    {.rule = "rule 1: nothing there starts fresh",
     .n_stages = 4,
     .outcome = AFT_PLAN_FRESH,
     .next_stage = 1,
     .sentence = FRESH},
    {.rule = "rule 1: resumes after the last complete stage",
     .files = {STAGE1, STAGE2},
     .n_stages = 4,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 2,
     .next_stage = 3,
     .sentence = RESUMING,
     .said = {"Found checkpoint: ", "stage2_100kN.zip\n", "Last completed: Stage 2/4\n",
              "Will resume from Stage 3/4\n"}},
    {.rule = "rule 1: after the first stage",
     .files = {STAGE1},
     .n_stages = 4,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = RESUMING,
     .said = {"stage1_50kN.zip\n", "Last completed: Stage 1/4\n", "Will resume from Stage 2/4\n"}},
    {.rule = "rule 1: all complete",
     .files = {STAGE1, STAGE2, STAGE3, STAGE4},
     .n_stages = 4,
     .outcome = AFT_PLAN_COMPLETE,
     .last_completed = 4,
     .sentence = COMPLETE},
    {.rule = "rule 1: a single stage",
     .files = {STAGE1},
     .n_stages = 1,
     .outcome = AFT_PLAN_COMPLETE,
     .last_completed = 1,
     .sentence = COMPLETE},
    {.rule = "rule 1: stages may be appended",
     .files = {STAGE1, STAGE2},
     .n_stages = 3,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 2,
     .next_stage = 3,
     .sentence = RESUMING},
    {.rule = "rule 1: INTERRUPTED, ERROR and steps are not used, and it is said so",
     .files = {STAGE1,
               {"stage2_INTERRUPTED_100kN.zip", AFT_ARCHIVE_INTERRUPTED, 2, 50, 0, false, NULL, 0,
                0},
               {"stage2_ERROR_100kN.zip", AFT_ARCHIVE_ERROR, 2, 60, 0, false, NULL, 0, 0},
               {"checkpoints/stage2_step000000070.zip", AFT_ARCHIVE_CHECKPOINT, 2, 70, 0, false,
                NULL, 0, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = RESUMING,
     .said = {"Not used: ", "stage2_step000000070.zip (checkpoint, stage 2, step 70)",
              "the latest of several", "--resume latest"}},
    {.rule = "rule 2: a later attempt is later, whatever its steps",
     .files = {STAGE1,
               {"checkpoints/stage2_step000000070.zip", AFT_ARCHIVE_CHECKPOINT, 2, 70, 0, false,
                NULL, 0, 0},
               {"stage2_INTERRUPTED_100kN.zip", AFT_ARCHIVE_INTERRUPTED, 2, 20, 0, false, NULL, 0,
                2}},
     .n_stages = 4,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = RESUMING,
     .said = {"stage2_INTERRUPTED_100kN.zip (interrupted, stage 2, step 20 of attempt 2)"}},
    {.rule = "rule 1: interrupted in the first stage starts it anew, and says how to continue",
     .files = {{"stage1_INTERRUPTED_50kN.zip", AFT_ARCHIVE_INTERRUPTED, 1, 50, NONE, false, NULL,
                false, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_FRESH,
     .next_stage = 1,
     .sentence = FRESH,
     .said = {"stage1_INTERRUPTED_50kN.zip (interrupted, stage 1, step 50)", "--resume latest"}},
    {.rule = "rule 2: a state of another lineage is not offered",
     .files = {STAGE1,
               {"stage2_INTERRUPTED_100kN.zip", AFT_ARCHIVE_INTERRUPTED, 2, 50, FOREIGN, false,
                NULL, false, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = RESUMING,
     .said = {"Not used: 1 more of later stages, another lineage"}},
    {.rule = "rule 1: what is left of stages that are complete is not mentioned",
     .files = {STAGE1,
               {"stage1_INTERRUPTED_50kN.zip", AFT_ARCHIVE_INTERRUPTED, 1, 50, NONE, false, NULL,
                false, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = RESUMING,
     .said = {"!INTERRUPTED"}},
    {.rule = "rule 1: best and final never count",
     .files = {{"best_model.zip", AFT_ARCHIVE_BEST, 1, 50, NONE, false, NULL, false, 0},
               {"final_x.zip", AFT_ARCHIVE_FINAL, 1, 50, NONE, false, NULL, false, 0}},
     .n_stages = 1,
     .outcome = AFT_PLAN_FRESH,
     .next_stage = 1,
     .sentence = FRESH},
    {.rule = "rule 1: a stage archive under another name does not count",
     .files = {{"backup.zip", AFT_ARCHIVE_STAGE, 1, 50, NONE, false, NULL, false, 0}},
     .n_stages = 1,
     .outcome = AFT_PLAN_FRESH,
     .next_stage = 1,
     .sentence = FRESH},
    {.rule = "rule 1: whatever force the name says",
     .files = {{"stage1_112.5kN.zip", AFT_ARCHIVE_STAGE, 1, 50, NONE, false, NULL, false, 0}},
     .n_stages = 2,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = RESUMING},
    {.rule = "rule 1: a file named as a stage but of another kind does not count",
     .files = {STAGE1, {"stage2_100kN.zip", AFT_ARCHIVE_INTERRUPTED, 2, 50, 0, false, NULL, 0, 0}},
     .n_stages = 3,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = RESUMING,
     .said = {"--resume latest"}},

    {.rule = "rule 4: a damaged stage is renamed and the one before it used",
     .files = {STAGE1,
               STAGE2,
               {"stage3_150kN.zip", AFT_ARCHIVE_STAGE, 3, 300, 1, true, NULL, 0, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 2,
     .next_stage = 3,
     .sentence = RESUMING,
     .said = {"Damaged: ", "stage3_150kN.zip (digest of the file does not match",
              "kept as stage3_150kN.zip.corrupt"},
     .after = {"stage1_50kN.zip", "stage2_100kN.zip", "stage3_150kN.zip.corrupt"}},
    {.rule = "rule 4: a damaged stage in the middle",
     .files = {STAGE1,
               {"stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, 200, 0, true, NULL, 0, 0},
               STAGE3},
     .n_stages = 4,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = RESUMING,
     .said = {"Damaged: ", "Behind the gap: "},
     .after = {"stage1_50kN.zip", "stage2_100kN.zip.corrupt", "stage3_150kN.zip"}},
    {.rule = "rule 4: a damaged first stage is refused",
     .files = {{"stage1_50kN.zip", AFT_ARCHIVE_STAGE, 1, 100, NONE, true, NULL, 0, 0}, STAGE2},
     .n_stages = 4,
     .outcome = AFT_PLAN_REFUSE,
     .next_stage = 1,
     .sentence = "Refused: the archive of stage 1 is damaged",
     .said = {"stage1_50kN.zip: digest of the file", "--fresh"},
     .after = {"stage1_50kN.zip", "stage2_100kN.zip"}},
    {.rule = "rule 4: archives, none of them valid",
     .files = {{"stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, 100, NONE, true, NULL, 0, 0},
               {"best_model.zip", AFT_ARCHIVE_BEST, 1, 100, NONE, true, NULL, 0, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_REFUSE,
     .next_stage = 1,
     .sentence = "Refused: there are archives in the run's folder, and none is valid",
     .said = {"stage2_100kN.zip: ", "best_model.zip: ", "--fresh"},
     .after = {"stage2_100kN.zip", "best_model.zip"}},
    {.rule = "rule 4: *.corrupt counts",
     .files = {{"stage2_100kN.zip.corrupt", AFT_ARCHIVE_STAGE, 2, 100, NONE, true, NULL, 0, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_REFUSE,
     .next_stage = 1,
     .sentence = "Refused: there are archives in the run's folder, and none is valid",
     .said = {"stage2_100kN.zip.corrupt: "},
     .after = {"stage2_100kN.zip.corrupt"}},
    {.rule = "rule 4: damaged checkpoints are left alone",
     .files = {STAGE1,
               {"checkpoints/stage2_step000000070.zip", AFT_ARCHIVE_CHECKPOINT, 2, 70, 0, true,
                NULL, 0, 0}},
     .n_stages = 2,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = RESUMING,
     .said = {"Not valid, and left alone: "},
     .after = {"stage1_50kN.zip", "checkpoints/stage2_step000000070.zip"}},
    {.rule = "rule 4: a stage number that name and manifest dispute is refused, not renamed",
     .files = {STAGE1, {"stage3_150kN.zip", AFT_ARCHIVE_STAGE, 2, 200, 0, false, NULL, 0, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_REFUSE,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = "Refused: stage 3's archive cannot be used",
     .said = {"its name says stage 3, its manifest stage 2"},
     .after = {"stage1_50kN.zip", "stage3_150kN.zip"}},

    {.rule = "two archives of one stage are refused",
     .files = {STAGE1,
               STAGE2,
               {"stage2_80kN.zip", AFT_ARCHIVE_STAGE, 2, 210, 0, false, NULL, false, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_REFUSE,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = "Refused: stage 2 has 2 archives",
     .said = {"stage2_100kN.zip\n", "stage2_80kN.zip\n"},
     .after = {"stage1_50kN.zip", "stage2_100kN.zip", "stage2_80kN.zip"}},
    {.rule = "two archives of one stage are refused, also when one is damaged",
     .files = {STAGE1, {"stage1_80kN.zip", AFT_ARCHIVE_STAGE, 1, 210, NONE, true, NULL, false, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_REFUSE,
     .next_stage = 1,
     .sentence = "Refused: stage 1 has 2 archives",
     .after = {"stage1_50kN.zip", "stage1_80kN.zip"}},

    {.rule = "rule 5: changed settings of a completed stage are refused",
     .files = {STAGE1, {"stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, 200, 0, false, "changed", 0, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_REFUSE,
     .last_completed = 2,
     .next_stage = 3,
     .sentence = "Refused: stage 2 was trained with other settings than the curriculum has now",
     .said = {"ppo.gamma: trained with 0.985, now 0.5", "restore these values in the INI",
              "from stage 2 on, delete stage2_100kN.zip", "--accept-changes", "!timesteps"}},
    {.rule = "rule 5: keys that one side lacks",
     .files = {{"stage1_50kN.zip", AFT_ARCHIVE_STAGE, 1, 100, NONE, false, "renamed", 0, 0}},
     .n_stages = 1,
     .outcome = AFT_PLAN_REFUSE,
     .last_completed = 1,
     .sentence = "Refused: stage 1 was trained with other settings than the curriculum has now",
     .said = {"ppo.activation: trained with \"tanh\", now (not set)",
              "ppo.nonlinearity: trained with (not set), now \"tanh\""}},
    {.rule = "rule 5: another fingerprint though every key reads the same",
     .files = {{"stage1_50kN.zip", AFT_ARCHIVE_STAGE, 1, 100, NONE, false, "same", 0, 0}},
     .n_stages = 1,
     .outcome = AFT_PLAN_REFUSE,
     .last_completed = 1,
     .sentence = "Refused: stage 1 was trained with other settings than the curriculum has now",
     .said = {"every key reads the same, but the fingerprint differs"}},
    {.rule = "rule 5: --accept-changes goes on",
     .files = {STAGE1, {"stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, 200, 0, false, "changed", 0, 0}},
     .n_stages = 4,
     .accept_changes = true,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 2,
     .next_stage = 3,
     .sentence = RESUMING,
     .said = {"Found checkpoint: ", "Accepted (--accept-changes)", "now 0.5"}},
    {.rule = "rule 5: behind a gap settings may differ",
     .files = {STAGE1,
               {"stage3_150kN.zip", AFT_ARCHIVE_STAGE, 3, 300, FOREIGN, false, "changed", false,
                0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = RESUMING,
     .said = {"Behind the gap: "}},

    {.rule = "rule 6: training starts at the gap",
     .files = {STAGE1,
               STAGE2,
               {"stage4_150kN.zip", AFT_ARCHIVE_STAGE, 4, 400, FOREIGN, false, NULL, false, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 2,
     .next_stage = 3,
     .sentence = RESUMING,
     .said = {"Behind the gap: ", "stage4_150kN.zip"},
     .after = {"stage1_50kN.zip", "stage2_100kN.zip", "stage4_150kN.zip"}},
    {.rule = "rule 6: a gap at the first stage starts fresh and keeps the others",
     .files = {{"stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, 200, FOREIGN, false, NULL, false, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_FRESH,
     .next_stage = 1,
     .sentence = FRESH,
     .said = {"Behind the gap: "},
     .after = {"stage2_100kN.zip"}},
    {.rule = "rule 6: a stage that started from another training is behind a gap",
     .files = {STAGE1,
               {"stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, 200, 0, false, NULL, true, 0},
               {"stage3_150kN.zip", AFT_ARCHIVE_STAGE, 3, 300, FOREIGN, false, NULL, false, 0}},
     .n_stages = 4,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 2,
     .next_stage = 3,
     .sentence = RESUMING,
     .said = {"Not following: ",
              "stage3_150kN.zip started from another stage 2 than "
              "stage2_100kN.zip"},
     .after = {"stage1_50kN.zip", "stage2_100kN.zip", "stage3_150kN.zip"}},
    {.rule = "rule 3: a stage that an import started names no parent and follows any",
     .files = {STAGE1,
               {"stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, 200, NONE, false, NULL, false, 0}},
     .n_stages = 2,
     .outcome = AFT_PLAN_COMPLETE,
     .last_completed = 2,
     .sentence = COMPLETE},
    {.rule = "set-aside archives are never used",
     .files = {STAGE1,
               {"stage2_100kN.superseded.zip", AFT_ARCHIVE_STAGE, 2, 200, 0, false, NULL, false, 0},
               {"stage2_100kN.zip.corrupt", AFT_ARCHIVE_STAGE, 2, 200, 0, false, NULL, false, 0}},
     .n_stages = 2,
     .outcome = AFT_PLAN_RESUME,
     .last_completed = 1,
     .next_stage = 2,
     .sentence = RESUMING},
    {.rule = "a shortened curriculum leaves later stages alone",
     .files = {STAGE1,
               STAGE2,
               {"stage3_150kN.zip", AFT_ARCHIVE_STAGE, 3, 300, 1, true, NULL, 0, 0}},
     .n_stages = 2,
     .outcome = AFT_PLAN_COMPLETE,
     .last_completed = 2,
     .sentence = COMPLETE,
     .said = {"Not used: ", "(stage 3 of a curriculum that has 2 now)"},
     .after = {"stage1_50kN.zip", "stage2_100kN.zip", "stage3_150kN.zip"}},
};

static void put_files(const char *folder, const struct plan_case *plan_case)
{
    static const char foreign[] =
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    char hashes[MAX_FILES][AFT_SHA256_HEX_SIZE];
    char checkpoints[PATH_MAX + 16];
    (void)snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", folder);
    assert_int_equal(mkdir(checkpoints, 0700), 0);
    for (int i = 0; i < MAX_FILES && plan_case->files[i].name != NULL; i++) {
        const struct file *file = &plan_case->files[i];
        const char *parent = file->parent >= 0 ? hashes[file->parent] : NULL;
        const struct fixture_file spec = {.file = file->name,
                                          .kind = file->kind,
                                          .stage = file->stage,
                                          .steps = file->steps,
                                          .parent = file->parent == FOREIGN ? foreign : parent,
                                          .fingerprint = file->fingerprint,
                                          .damaged = file->damaged,
                                          .other_weights = file->other_weights,
                                          .attempt = file->attempt};
        fixture_put(folder, &spec, hashes[i]);
    }
}

/* Today's settings: those of the archives, but for the stages whose archives have a
 * fingerprint that says what has changed since. */
static void expect_stages(struct aft_stage_expectation stages[MAX_STAGES],
                          const struct plan_case *plan_case)
{
    memset(stages, 0, MAX_STAGES * sizeof *stages);
    for (int i = 0; i < MAX_STAGES; i++) {
        fixture_fingerprint(stages[i].fingerprint, i + 1);
        struct aft_json *settings = fixture_settings(i + 1);
        for (int f = 0; f < MAX_FILES && plan_case->files[f].name != NULL; f++) {
            const struct file *file = &plan_case->files[f];
            if (file->stage != i + 1 || file->fingerprint == NULL) {
                continue;
            }
            if (strcmp(file->fingerprint, "changed") == 0) {
                aft_json_set_real(settings, "ppo.gamma", 0.5);
            } else if (strcmp(file->fingerprint, "renamed") == 0) {
                aft_json_destroy(settings);
                settings = aft_json_object();
                aft_json_set_integer(settings, "stage.timesteps", 1000 * (i + 1));
                aft_json_set_real(settings, "ppo.gamma", 0.985);
                aft_json_set_string(settings, "ppo.nonlinearity", "tanh");
            }
        }
        stages[i].settings = settings;
    }
}

static void check_said(const struct plan_case *plan_case, const char *report)
{
    for (int i = 0; i < MAX_SAID && plan_case->said[i] != NULL; i++) {
        const char *said = plan_case->said[i];
        bool unwanted = said[0] == '!';
        if ((strstr(report, said + unwanted) != NULL) == unwanted) {
            fail_msg("%s: '%s' in the report:\n%s", plan_case->rule, said, report);
        }
    }
}

static void check_settled(const struct plan_case *plan_case, const struct aft_plan *plan,
                          const struct aft_scan *scan, const char *folder)
{
    assert_int_equal(aft_plan_settle(plan, scan, NULL, NULL), AFT_OK);
    int n = 1; /* checkpoints */
    for (int i = 0; i < MAX_FILES && plan_case->after[i] != NULL; i++) {
        if (!fixture_exists(folder, plan_case->after[i])) {
            fail_msg("%s: after settling there is no %s", plan_case->rule, plan_case->after[i]);
        }
        n += strchr(plan_case->after[i], '/') == NULL;
    }
    if (plan_case->after[0] != NULL) {
        assert_int_equal(fixture_count(folder), n);
    }
}

static void check_case(const struct plan_case *plan_case)
{
    char folder[PATH_MAX];
    struct aft_scan scan;
    struct aft_plan plan;
    struct aft_stage_expectation stages[MAX_STAGES];
    fixture_make_folder(folder);
    put_files(folder, plan_case);
    expect_stages(stages, plan_case);
    assert_int_equal(aft_scan_folder(&scan, folder, NULL), AFT_OK);
    struct aft_plan_request request = {.accept_changes = plan_case->accept_changes};
    assert_int_equal(aft_plan_make(&plan, &scan, stages, plan_case->n_stages, &request, NULL),
                     AFT_OK);
    if (plan.outcome != plan_case->outcome || plan.last_completed != plan_case->last_completed ||
        plan.next_stage != plan_case->next_stage ||
        strcmp(plan.sentence, plan_case->sentence) != 0) {
        fail_msg("%s: outcome %d, last completed %d, next %d, '%s'\n%s", plan_case->rule,
                 (int)plan.outcome, plan.last_completed, plan.next_stage, plan.sentence,
                 plan.report);
    }
    check_said(plan_case, plan.report);
    check_settled(plan_case, &plan, &scan, folder);
    aft_plan_clear(&plan);
    aft_scan_clear(&scan);
    for (int i = 0; i < MAX_STAGES; i++) {
        aft_json_destroy((struct aft_json *)(uintptr_t)stages[i].settings);
    }
    fixture_remove_folder(folder);
}

static void plan__follows_every_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(&cases[i]);
    }
    print_message("%zu cases\n", sizeof cases / sizeof *cases);
}

static void plan__resume_report_begins_with_the_promised_lines(void **state)
{
    (void)state;
    char folder[PATH_MAX];
    char expected[PATH_MAX + 128];
    struct aft_scan scan;
    struct aft_plan plan;
    struct aft_stage_expectation stages[MAX_STAGES];
    const struct plan_case plan_case = {
        .files = {
            STAGE1, STAGE2, {"stage3_150kN.zip", AFT_ARCHIVE_STAGE, 3, 300, 1, true, 0, 0, 0}}};
    fixture_make_folder(folder);
    put_files(folder, &plan_case);
    expect_stages(stages, &plan_case);
    assert_int_equal(aft_scan_folder(&scan, folder, NULL), AFT_OK);
    assert_int_equal(aft_plan_make(&plan, &scan, stages, 4, &(struct aft_plan_request){0}, NULL),
                     AFT_OK);
    (void)snprintf(expected, sizeof expected,
                   "Found checkpoint: %s/stage2_100kN.zip\n"
                   "Last completed: Stage 2/4\n"
                   "Will resume from Stage 3/4\n",
                   folder);
    assert_memory_equal(plan.report, expected, strlen(expected));
    assert_int_equal(plan.n_damaged, 1);
    assert_int_equal(plan.n_behind_gap, 0);
    assert_non_null(strstr(plan.from->path, "stage2_100kN.zip"));
    aft_plan_clear(&plan);
    aft_scan_clear(&scan);
    for (int i = 0; i < MAX_STAGES; i++) {
        aft_json_destroy((struct aft_json *)(uintptr_t)stages[i].settings);
    }
    fixture_remove_folder(folder);
}

/* After a second damage to the same stage there are two to keep. */
static void settle__keeps_every_corrupt_file(void **state)
{
    (void)state;
    char folder[PATH_MAX];
    const struct plan_case plan_case = {
        .rule = "settle",
        .files = {STAGE1,
                  {"stage2_100kN.zip", AFT_ARCHIVE_STAGE, 2, 200, 0, true, NULL, false, 0}}};
    struct aft_stage_expectation stages[MAX_STAGES];
    fixture_make_folder(folder);
    expect_stages(stages, &plan_case);
    fixture_write(folder, "stage2_100kN.zip.corrupt", "old", 3);
    put_files(folder, &plan_case);
    struct aft_scan scan;
    struct aft_plan plan;
    assert_int_equal(aft_scan_folder(&scan, folder, NULL), AFT_OK);
    assert_int_equal(aft_plan_make(&plan, &scan, stages, 2, &(struct aft_plan_request){0}, NULL),
                     AFT_OK);
    assert_int_equal(aft_plan_settle(&plan, &scan, NULL, NULL), AFT_OK);
    assert_true(fixture_exists(folder, "stage2_100kN.zip.corrupt"));
    assert_true(fixture_exists(folder, "stage2_100kN.zip.2.corrupt"));
    assert_false(fixture_exists(folder, "stage2_100kN.zip"));
    aft_plan_clear(&plan);
    aft_scan_clear(&scan);
    for (int i = 0; i < MAX_STAGES; i++) {
        aft_json_destroy((struct aft_json *)(uintptr_t)stages[i].settings);
    }
    fixture_remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan__follows_every_rule),
        cmocka_unit_test(plan__resume_report_begins_with_the_promised_lines),
        cmocka_unit_test(settle__keeps_every_corrupt_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
