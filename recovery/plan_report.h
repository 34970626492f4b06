/* The lines that a plan says to people. */
#ifndef AFT_RECOVERY_PLAN_REPORT_H
#define AFT_RECOVERY_PLAN_REPORT_H

#include "recovery/scan.h"

#include <stdio.h>

/* Every archive that is not valid, with the reason; a dozen at most. */
void aft_plan_report_invalid(FILE *report, const struct aft_scan *scan);

/* Each key that differs between the archive and the curriculum, with both values. */
void aft_plan_report_changes(FILE *report, const struct aft_scan_entry *entry,
                             const struct aft_stage_expectation *stage);

/* A setting as people write it: 0.985, not 0.98499999999999999; NULL: "(not set)". */
void aft_plan_print_setting(FILE *report, const struct aft_json *value);

/* What a user can do when the settings from that stage on differ. */
void aft_plan_report_ways_on(FILE *report, const struct aft_scan *scan, int stage);

/* ", step 250000", and of which attempt where it is not the stage's first. */
void aft_plan_write_step(char *text, size_t size, const struct aft_scan_entry *entry);

/* What start is, where Stable-Baselines3 saved it; nothing otherwise. */
void aft_plan_report_sb3(FILE *report, const struct aft_scan_entry *start);

/* For a plan that does not refuse: what is damaged, behind a gap, not part of
 * the curriculum, or in the middle of a stage and how to use it. */
void aft_plan_report_rest(FILE *report, const struct aft_plan *plan, const struct aft_scan *scan,
                          const struct aft_stage_expectation *stages);

#endif
