#include "recovery/plan_report.h"

#include "base/path.h"
#include "recovery/plan_start.h"
#include "recovery/scan_name.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LISTED = 12 };

void aft_plan_report_invalid(FILE *report, const struct aft_scan *scan)
{
    int n = 0;
    for (int i = 0; i < scan->n; i++) {
        const struct aft_scan_entry *entry = &scan->entries[i];
        if (entry->valid || entry->kind == AFT_ARCHIVE_UNKNOWN) {
            continue;
        }
        if (n++ < MAX_LISTED) {
            (void)fprintf(report, "  %s: %s\n", entry->path, entry->reason);
        }
    }
    if (n > MAX_LISTED) {
        (void)fprintf(report, "  … and %d more\n", n - MAX_LISTED);
    }
}

/* Documents hold exact doubles, 0.98499999999999999; people wrote 0.985. */
static void print_number_or_text(FILE *report, const char *text)
{
    char shorter[32];
    char *end;
    double number = strtod(text, &end);
    (void)snprintf(shorter, sizeof shorter, "%.15g", number);
    double again = strtod(shorter, NULL);
    bool is_real = *end == '\0' && strpbrk(text, ".eE") != NULL;
    bool exact = !(again < number) && !(again > number);
    (void)fprintf(report, "%s", is_real && exact ? shorter : text);
}

void aft_plan_print_setting(FILE *report, const struct aft_json *value)
{
    char *text = NULL;
    size_t size;
    if (value == NULL) {
        (void)fprintf(report, "(not set)");
    } else if (aft_json_write(&text, &size, value, false, NULL) == AFT_OK) {
        print_number_or_text(report, text);
    }
    free(text);
}

static void print_difference(FILE *report, const char *key, const struct aft_json *trained,
                             const struct aft_json *now)
{
    (void)fprintf(report, "    %s: trained with ", key);
    aft_plan_print_setting(report, trained);
    (void)fprintf(report, ", now ");
    aft_plan_print_setting(report, now);
    (void)fprintf(report, "\n");
}

void aft_plan_report_changes(FILE *report, const struct aft_scan_entry *entry,
                             const struct aft_stage_expectation *stage)
{
    int n = 0;
    (void)fprintf(report, "  stage %d, %s:\n", entry->stage, entry->path);
    for (size_t i = 0; i < aft_json_length(stage->settings); i++) {
        const struct aft_json *now = NULL;
        const char *key = aft_json_key_at(stage->settings, i, &now);
        const struct aft_json *trained = aft_json_get(entry->settings, key);
        if (trained == NULL || !aft_json_equal(trained, now)) {
            print_difference(report, key, trained, now);
            n++;
        }
    }
    for (size_t i = 0; i < aft_json_length(entry->settings); i++) {
        const struct aft_json *trained = NULL;
        const char *key = aft_json_key_at(entry->settings, i, &trained);
        if (aft_json_get(stage->settings, key) == NULL) {
            print_difference(report, key, trained, NULL);
            n++;
        }
    }
    if (n == 0) {
        (void)fprintf(report,
                      "    every key reads the same, but the fingerprint differs: trained "
                      "with %.12s, now %.12s\n",
                      entry->fingerprint, stage->fingerprint);
    }
}

void aft_plan_report_ways_on(FILE *report, const struct aft_scan *scan, int stage)
{
    (void)fprintf(report,
                  "Ways on:\n"
                  "  - restore these values in the INI\n"
                  "  - to train again from stage %d on, delete",
                  stage);
    for (int i = 0; i < scan->n; i++) {
        const struct aft_scan_entry *entry = &scan->entries[i];
        if (aft_scan_is_stage_archive(entry) && entry->stage >= stage) {
            (void)fprintf(report, " %s", aft_path_name(entry->path));
        }
    }
    (void)fprintf(report, "\n  - keep these stages as they were trained: --accept-changes\n");
}

static void report_stage_archive(FILE *report, const struct aft_plan *plan,
                                 const struct aft_scan_entry *entry)
{
    if (entry->stage > plan->n_stages) {
        (void)fprintf(report, "Not used: %s (stage %d of a curriculum that has %d now)\n",
                      entry->path, entry->stage, plan->n_stages);
    } else if (entry->damaged) {
        (void)fprintf(report, "Damaged: %s (%s); it is kept as %s" AFT_CORRUPT_SUFFIX "\n",
                      entry->path, entry->reason, aft_path_name(entry->path));
    } else if (entry->stage == plan->last_completed + 1 && plan->from != NULL &&
               strcmp(entry->parent, plan->from->state_hash) != 0) {
        (void)fprintf(report,
                      "Not following: %s started from another stage %d than %s; it is kept as "
                      "*" AFT_SUPERSEDED_SUFFIX " when stage %d has been trained again\n",
                      entry->path, plan->last_completed, aft_path_name(plan->from->path),
                      entry->stage);
    } else if (entry->stage > plan->last_completed) {
        (void)fprintf(report,
                      "%s: %s; it is kept as *" AFT_SUPERSEDED_SUFFIX
                      " when stage %d has been trained again\n",
                      entry->stage == plan->next_stage ? "To be trained again" : "Behind the gap",
                      entry->path, entry->stage);
    }
}

void aft_plan_write_step(char *text, size_t size, const struct aft_scan_entry *entry)
{
    int n = snprintf(text, size, ", step %" PRId64, entry->steps);
    if (entry->attempt > 1 && n > 0 && (size_t)n < size) {
        (void)snprintf(text + n, size - (size_t)n, " of attempt %" PRId64, entry->attempt);
    }
}

static void report_in_progress(FILE *report, const struct aft_plan *plan,
                               const struct aft_scan *scan,
                               const struct aft_stage_expectation *stages)
{
    const struct aft_scan_entry *latest = aft_plan_find_latest(plan, scan, stages);
    int n = 0;
    int n_others = 0;
    for (int i = 0; i < scan->n; i++) {
        const struct aft_scan_entry *entry = &scan->entries[i];
        if (aft_plan_can_continue(entry, plan, stages)) {
            n++;
        } else if (aft_plan_is_mid_stage(entry) && entry->stage > plan->last_completed &&
                   entry != plan->start) {
            n_others++;
        }
    }
    if (latest != NULL && !plan->mid_stage) {
        char step[96];
        aft_plan_write_step(step, sizeof step, latest);
        (void)fprintf(report,
                      "Not used: %s (%s, stage %d%s)%s\n"
                      "  To continue there, in the middle of the stage: --resume latest\n",
                      latest->path, aft_archive_kind_name(latest->kind), latest->stage, step,
                      n > 1 ? ", the latest of several" : "");
    }
    if (n_others > 0) {
        (void)fprintf(report,
                      "Not used: %d more of later stages, another lineage or other settings; "
                      "`aftershock status` lists them\n",
                      n_others);
    }
}

static void report_unreadable(FILE *report, const struct aft_scan *scan)
{
    int n = 0;
    for (int i = 0; i < scan->n; i++) {
        const struct aft_scan_entry *entry = &scan->entries[i];
        if (entry->valid || entry->set_aside || entry->kind == AFT_ARCHIVE_STAGE ||
            entry->kind == AFT_ARCHIVE_UNKNOWN) {
            continue;
        }
        if (n++ < MAX_LISTED) {
            (void)fprintf(report, "Not valid, and left alone: %s (%s)\n", entry->path,
                          entry->reason);
        }
    }
    if (n > MAX_LISTED) {
        (void)fprintf(report, "… and %d more that are not valid\n", n - MAX_LISTED);
    }
}

void aft_plan_report_sb3(FILE *report, const struct aft_scan_entry *start)
{
    if (start->kind != AFT_ARCHIVE_SB3) {
        return;
    }
    (void)fprintf(report,
                  "Stable-Baselines3 %s saved it after %" PRId64
                  " steps: its weights, Adam state "
                  "and steps begin the stage\n",
                  start->sb3.version, start->total_steps);
    if (start->sb3.vec_normalize) {
        (void)fprintf(
            report,
            "Note: it was trained within a VecNormalize. If that normalised observations, "
            "the weights do not fit the building's as they are\n");
    }
}

void aft_plan_report_rest(FILE *report, const struct aft_plan *plan, const struct aft_scan *scan,
                          const struct aft_stage_expectation *stages)
{
    for (int i = 0; i < scan->n; i++) {
        if (aft_scan_is_stage_archive(&scan->entries[i])) {
            report_stage_archive(report, plan, &scan->entries[i]);
        }
    }
    report_in_progress(report, plan, scan, stages);
    report_unreadable(report, scan);
}
