#include "recovery/scan.h"

#include "base/path.h"
#include "recovery/plan_report.h"
#include "recovery/plan_start.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum aft_code no_memory(struct aft_error *error)
{
    return aft_fail(error, AFT_ERR_MEMORY, "plan where to resume: no memory");
}

static bool belongs(const struct aft_scan_entry *entry, int stage)
{
    return aft_scan_is_stage_archive(entry) && entry->stage == stage;
}

/* The stage's archive, valid or not; *n counts how many there are. */
static const struct aft_scan_entry *find_stage(const struct aft_scan *scan, int stage, int *n)
{
    const struct aft_scan_entry *found = NULL;
    *n = 0;
    for (int i = 0; i < scan->n; i++) {
        if (belongs(&scan->entries[i], stage)) {
            found = &scan->entries[i];
            (*n)++;
        }
    }
    return found;
}

/* An archive that names no parent (an import started it) follows any. */
static bool follows(const struct aft_scan_entry *entry, const struct aft_scan_entry *before)
{
    return before == NULL || entry->parent[0] == '\0' ||
           strcmp(entry->parent, before->state_hash) == 0;
}

static void find_last_completed(struct aft_plan *plan, const struct aft_scan *scan)
{
    for (int stage = 1; stage <= plan->n_stages; stage++) {
        int n;
        const struct aft_scan_entry *entry = find_stage(scan, stage, &n);
        if (n != 1 || !entry->valid || !follows(entry, plan->from)) {
            break;
        }
        plan->last_completed = stage;
        plan->from = entry;
    }
    plan->next_stage = plan->last_completed < plan->n_stages ? plan->last_completed + 1 : 0;
}

static void count(struct aft_plan *plan, const struct aft_scan *scan)
{
    for (int i = 0; i < scan->n; i++) {
        const struct aft_scan_entry *entry = &scan->entries[i];
        if (aft_scan_is_stage_archive(entry) && entry->stage <= plan->n_stages) {
            plan->n_damaged += entry->damaged;
            plan->n_behind_gap += entry->valid && entry->stage > plan->last_completed;
        }
    }
}

static bool refuse(struct aft_plan *plan, const char *sentence)
{
    plan->outcome = AFT_PLAN_REFUSE;
    (void)snprintf(plan->sentence, sizeof plan->sentence, "%s", sentence);
    return true;
}

static bool refuse_two_archives_of_a_stage(struct aft_plan *plan, const struct aft_scan *scan,
                                           FILE *report)
{
    for (int stage = 1; stage <= plan->n_stages; stage++) {
        int n;
        (void)find_stage(scan, stage, &n);
        if (n < 2) {
            continue;
        }
        char sentence[sizeof plan->sentence];
        (void)snprintf(sentence, sizeof sentence, "Refused: stage %d has %d archives", stage, n);
        for (int i = 0; i < scan->n; i++) {
            if (belongs(&scan->entries[i], stage)) {
                (void)fprintf(report, "  %s\n", scan->entries[i].path);
            }
        }
        (void)fprintf(report, "Keep one of them in this folder and move the others away.\n");
        return refuse(plan, sentence);
    }
    return false;
}

/* What is not valid though its bytes may be sound is neither used nor renamed. */
static bool refuse_what_cannot_be_judged(struct aft_plan *plan, const struct aft_scan *scan,
                                         FILE *report)
{
    for (int i = 0; i < scan->n; i++) {
        const struct aft_scan_entry *entry = &scan->entries[i];
        if (!aft_scan_is_stage_archive(entry) || entry->stage > plan->n_stages || entry->valid ||
            entry->damaged) {
            continue;
        }
        char sentence[sizeof plan->sentence];
        (void)snprintf(sentence, sizeof sentence, "Refused: stage %d's archive cannot be used",
                       entry->stage);
        (void)fprintf(report,
                      "  %s: %s\n"
                      "Put a readable copy of the archive in its place, move it away to train\n"
                      "from stage %d again, or start anew with --fresh (nothing is deleted).\n",
                      entry->path, entry->reason, entry->stage);
        return refuse(plan, sentence);
    }
    return false;
}

static bool refuse_damaged_first_stage(struct aft_plan *plan, const struct aft_scan *scan,
                                       FILE *report)
{
    int n;
    const struct aft_scan_entry *first = find_stage(scan, 1, &n);
    if (first == NULL || !first->damaged) {
        return false;
    }
    (void)fprintf(report,
                  "  %s: %s\n"
                  "Restore the file from a copy, remove it to train from stage 1 again, or start\n"
                  "anew with --fresh (nothing is deleted).\n",
                  first->path, first->reason);
    return refuse(plan, "Refused: the archive of stage 1 is damaged");
}

static bool refuse_when_nothing_is_valid(struct aft_plan *plan, const struct aft_scan *scan,
                                         FILE *report)
{
    int n_archives = 0;
    for (int i = 0; i < scan->n; i++) {
        if (scan->entries[i].valid) {
            return false;
        }
        n_archives += scan->entries[i].kind != AFT_ARCHIVE_UNKNOWN;
    }
    if (n_archives == 0) {
        return false;
    }
    aft_plan_report_invalid(report, scan);
    (void)fprintf(report,
                  "Remove these files (or restore them), or start anew with --fresh "
                  "(nothing is deleted).\n");
    return refuse(plan, "Refused: there are archives in the run's folder, and none is valid");
}

/* The completed stage's archive if its settings have changed since; otherwise NULL. */
static const struct aft_scan_entry *changed_archive(const struct aft_scan *scan, int stage,
                                                    const struct aft_stage_expectation *expected)
{
    int n;
    const struct aft_scan_entry *entry = find_stage(scan, stage, &n);
    bool changed = entry != NULL && strcmp(entry->fingerprint, expected->fingerprint) != 0;
    return changed ? entry : NULL;
}

/* Rule 5: the first completed stage whose settings have changed; 0: none. */
static int find_changed(const struct aft_plan *plan, const struct aft_scan *scan,
                        const struct aft_stage_expectation *stages)
{
    for (int stage = 1; stage <= plan->last_completed; stage++) {
        if (changed_archive(scan, stage, &stages[stage - 1]) != NULL) {
            return stage;
        }
    }
    return 0;
}

static void report_changes(const struct aft_plan *plan, const struct aft_scan *scan,
                           const struct aft_stage_expectation *stages, FILE *report)
{
    for (int stage = 1; stage <= plan->last_completed; stage++) {
        const struct aft_scan_entry *entry = changed_archive(scan, stage, &stages[stage - 1]);
        if (entry != NULL) {
            aft_plan_report_changes(report, entry, &stages[stage - 1]);
        }
    }
}

static bool refuse_changed_settings(struct aft_plan *plan, const struct aft_scan *scan,
                                    const struct aft_stage_expectation *stages, int changed,
                                    FILE *report)
{
    char sentence[sizeof plan->sentence];
    (void)snprintf(sentence, sizeof sentence,
                   "Refused: stage %d was trained with other settings than the curriculum has now",
                   changed);
    report_changes(plan, scan, stages, report);
    aft_plan_report_ways_on(report, scan, changed);
    return refuse(plan, sentence);
}

static void go_on(struct aft_plan *plan, FILE *report)
{
    const char *sentence = "No checkpoints found - starting fresh training";
    plan->outcome = AFT_PLAN_FRESH;
    if (plan->last_completed > 0 && plan->next_stage == 0) {
        plan->outcome = AFT_PLAN_COMPLETE;
        sentence = "All stages complete";
    } else if (plan->start != NULL) {
        char step[96] = "";
        plan->outcome = AFT_PLAN_RESUME;
        sentence = "RESUMING FROM CHECKPOINT";
        if (plan->mid_stage) {
            aft_plan_write_step(step, sizeof step, plan->start);
        }
        (void)fprintf(report,
                      "Found checkpoint: %s\n"
                      "Last completed: Stage %d/%d\n"
                      "Will resume from Stage %d/%d%s\n",
                      plan->start->path, plan->last_completed, plan->n_stages, plan->next_stage,
                      plan->n_stages, step);
        aft_plan_report_sb3(report, plan->start);
    }
    (void)snprintf(plan->sentence, sizeof plan->sentence, "%s", sentence);
}

/* What no --accept-changes can accept: the state to start from would not fit. */
static bool refuse_what_does_not_fit(struct aft_plan *plan,
                                     const struct aft_stage_expectation *stages,
                                     const struct aft_plan_request *request, FILE *report)
{
    bool differs = false;
    if (plan->start == NULL || plan->next_stage == 0 || request->fixed_keys == NULL ||
        plan->start->kind == AFT_ARCHIVE_SB3) { /* it has no settings: the caller looks at it */
        return false;
    }
    for (const char *const *key = request->fixed_keys; *key != NULL; key++) {
        const struct aft_json *trained = aft_json_get(plan->start->settings, *key);
        const struct aft_json *now = aft_json_get(stages[plan->next_stage - 1].settings, *key);
        if (now != NULL && (trained == NULL || !aft_json_equal(trained, now))) {
            (void)fprintf(report, "  %s differs from what %s was trained with\n", *key,
                          plan->start->path);
            differs = true;
        }
    }
    if (differs) {
        (void)fprintf(report,
                      "Restore these values, or start anew with --fresh (nothing is "
                      "deleted).\n");
    }
    return differs && refuse(plan,
                             "Refused: the archive to start from is of another network or "
                             "other sensors");
}

/* Rules 2 and 3; false where the named archive cannot be used. */
static bool choose_start(struct aft_plan *plan, const struct aft_scan *scan,
                         const struct aft_stage_expectation *stages,
                         const struct aft_plan_request *request, FILE *report)
{
    plan->start = plan->from;
    if (request->archive != NULL) {
        char sentence[sizeof plan->sentence] =
            "Refused: --resume names an archive that cannot be "
            "used";
        return aft_plan_start_at(plan, scan, stages, request, report) || !refuse(plan, sentence);
    }
    const struct aft_scan_entry *latest =
        request->latest && plan->next_stage > 0 ? aft_plan_find_latest(plan, scan, stages) : NULL;
    if (latest != NULL) {
        plan->start = latest;
        plan->mid_stage = true;
        plan->next_step = latest->steps;
    }
    return true;
}

static void decide(struct aft_plan *plan, const struct aft_scan *scan,
                   const struct aft_stage_expectation *stages,
                   const struct aft_plan_request *request, FILE *report)
{
    if (refuse_two_archives_of_a_stage(plan, scan, report) ||
        refuse_what_cannot_be_judged(plan, scan, report) ||
        refuse_damaged_first_stage(plan, scan, report) ||
        refuse_when_nothing_is_valid(plan, scan, report)) {
        return;
    }
    int changed = find_changed(plan, scan, stages);
    if (changed > 0 && !request->accept_changes) {
        (void)refuse_changed_settings(plan, scan, stages, changed, report);
        return;
    }
    if (!choose_start(plan, scan, stages, request, report) ||
        refuse_what_does_not_fit(plan, stages, request, report)) {
        return;
    }
    go_on(plan, report);
    if (request->latest && request->archive == NULL && !plan->mid_stage && plan->next_stage > 0) {
        (void)fprintf(report, "No archive in the middle of stage %d continues it: it starts anew\n",
                      plan->next_stage);
    }
    if (changed > 0) {
        plan->accepted_changes = true;
        (void)fprintf(report,
                      "Accepted (--accept-changes): stages that were trained with other "
                      "settings stay as they are\n");
        report_changes(plan, scan, stages, report);
    }
    aft_plan_report_rest(report, plan, scan, stages);
}

enum aft_code aft_plan_make(struct aft_plan *plan, const struct aft_scan *scan,
                            const struct aft_stage_expectation *stages, int n_stages,
                            const struct aft_plan_request *request, struct aft_error *error)
{
    memset(plan, 0, sizeof *plan);
    plan->n_stages = n_stages;
    size_t size;
    FILE *report = open_memstream(&plan->report, &size);
    if (report == NULL) {
        return no_memory(error);
    }
    find_last_completed(plan, scan);
    decide(plan, scan, stages, request, report);
    count(plan, scan);
    if (fclose(report) != 0 || plan->report == NULL) {
        aft_plan_clear(plan);
        return no_memory(error);
    }
    return AFT_OK;
}

void aft_plan_clear(struct aft_plan *plan)
{
    free(plan->report);
    memset(plan, 0, sizeof *plan);
}
