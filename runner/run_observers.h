/* What a run writes into its folder about itself: log, metrics, event files. */
#ifndef AFT_RUNNER_RUN_OBSERVERS_H
#define AFT_RUNNER_RUN_OBSERVERS_H

#include "curriculum/settings.h"
#include "report/observers.h"

/* Subscribes what writes them. Files are gone on with from total_step, where training goes on. One
 * that cannot be written is mentioned on standard error, and training goes on without it. */
void aft_run_keep_records(struct aft_event_stream *events, const struct aft_run_settings *settings,
                          const char *folder, int64_t total_step);

/* The same of events.jsonl and heartbeat.json; borrows the identity. */
void aft_run_tell_programs(struct aft_event_stream *events, const char *folder,
                           const struct aft_run_identity *identity);

#endif
