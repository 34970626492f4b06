#include "recovery/plan_start.h"

#include "recovery/plan_report.h"

#include <string.h>

bool aft_plan_is_mid_stage(const struct aft_scan_entry *entry)
{
    return entry->valid && !entry->set_aside &&
           (entry->kind == AFT_ARCHIVE_INTERRUPTED || entry->kind == AFT_ARCHIVE_ERROR ||
            entry->kind == AFT_ARCHIVE_CHECKPOINT);
}

/* One that names no parent was begun by an import, and continues any stage before it. */
static bool continues(const struct aft_scan_entry *entry, const struct aft_scan_entry *before)
{
    return entry->parent[0] == '\0' ||
           (before != NULL && strcmp(entry->parent, before->state_hash) == 0);
}

bool aft_plan_can_continue(const struct aft_scan_entry *entry, const struct aft_plan *plan,
                           const struct aft_stage_expectation *stages)
{
    return aft_plan_is_mid_stage(entry) && entry->stage == plan->next_stage &&
           continues(entry, plan->from) &&
           strcmp(entry->fingerprint, stages[entry->stage - 1].fingerprint) == 0;
}

static bool is_later(const struct aft_scan_entry *entry, const struct aft_scan_entry *than)
{
    return entry->attempt > than->attempt ||
           (entry->attempt == than->attempt && entry->steps >= than->steps);
}

const struct aft_scan_entry *aft_plan_find_latest(const struct aft_plan *plan,
                                                  const struct aft_scan *scan,
                                                  const struct aft_stage_expectation *stages)
{
    const struct aft_scan_entry *latest = NULL;
    for (int i = 0; i < scan->n; i++) {
        const struct aft_scan_entry *entry = &scan->entries[i];
        if (aft_plan_can_continue(entry, plan, stages) &&
            (latest == NULL || is_later(entry, latest))) {
            latest = entry;
        }
    }
    return latest;
}

/* The completed stage's archive, which may lie before the last one. */
static const struct aft_scan_entry *completed(const struct aft_plan *plan,
                                              const struct aft_scan *scan, int stage)
{
    for (int i = 0; i < scan->n; i++) {
        const struct aft_scan_entry *entry = &scan->entries[i];
        if (aft_scan_is_stage_archive(entry) && entry->stage == stage &&
            stage <= plan->last_completed) {
            return entry;
        }
    }
    return NULL;
}

static bool start_in_the_middle(struct aft_plan *plan, const struct aft_scan *scan,
                                const struct aft_stage_expectation *stages,
                                const struct aft_plan_request *request, FILE *report)
{
    const struct aft_scan_entry *entry = request->archive;
    const struct aft_scan_entry *before = completed(plan, scan, entry->stage - 1);
    if (entry->stage > plan->n_stages) {
        (void)fprintf(report, "  %s: it is of stage %d, and the curriculum has %d\n", entry->path,
                      entry->stage, plan->n_stages);
        return false;
    }
    if (entry->stage > plan->last_completed + 1 || !continues(entry, before)) {
        (void)fprintf(report,
                      "  %s: it continues another stage %d than the one in this run's folder\n"
                      "Put the archive of the stage that it started from there.\n",
                      entry->path, entry->stage - 1);
        return false;
    }
    const struct aft_stage_expectation *stage = &stages[entry->stage - 1];
    if (strcmp(entry->fingerprint, stage->fingerprint) != 0 && !request->accept_changes) {
        (void)fprintf(report, "It was trained with other settings than the curriculum has now:\n");
        aft_plan_report_changes(report, entry, stage);
        (void)fprintf(report, "Restore these values, or go on with today's: --accept-changes\n");
        return false;
    }
    plan->from = before;
    plan->last_completed = entry->stage - 1;
    plan->next_stage = entry->stage;
    plan->mid_stage = true;
    plan->next_step = entry->steps;
    return true;
}

bool aft_plan_start_at(struct aft_plan *plan, const struct aft_scan *scan,
                       const struct aft_stage_expectation *stages,
                       const struct aft_plan_request *request, FILE *report)
{
    const struct aft_scan_entry *entry = request->archive;
    if (!entry->valid) {
        (void)fprintf(report, "  %s: %s\n", entry->path, entry->reason);
        return false;
    }
    plan->start = entry;
    if (entry->kind == AFT_ARCHIVE_INTERRUPTED || entry->kind == AFT_ARCHIVE_ERROR ||
        entry->kind == AFT_ARCHIVE_CHECKPOINT) {
        return start_in_the_middle(plan, scan, stages, request, report);
    }
    if (plan->next_stage == 0) {
        plan->start = plan->from; /* all is complete: there is no stage to begin */
        return true;
    }
    plan->import = plan->from == NULL || strcmp(entry->state_hash, plan->from->state_hash) != 0;
    return true;
}
