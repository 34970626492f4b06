/* The observers of run events that this folder offers. */
#ifndef AFT_REPORT_OBSERVERS_H
#define AFT_REPORT_OBSERVERS_H

#include "base/error.h"
#include "report/event.h"
#include "report/run_identity.h"

#include <stdio.h>

enum aft_progress_style {
    AFT_PROGRESS_AUTO,
    AFT_PROGRESS_BAR,
    AFT_PROGRESS_PLAIN,
    AFT_PROGRESS_NONE
};

enum aft_colour { AFT_COLOUR_AUTO, AFT_COLOUR_ALWAYS, AFT_COLOUR_NEVER };

/* Console (stderr or stdout as given): a header per stage, log tables in the
 * manner of Stable-Baselines3, a progress bar with steps/s and time left on a
 * terminal (plain lines elsewhere), evaluations, incidents, archives. AFT_COLOUR_AUTO
 * is no colours with NO_COLOR, else some with CLICOLOR_FORCE, else some on a terminal that
 * is not dumb, without CLICOLOR=0. A stream that cannot be written is
 * given up silently (a closed pipe does not stop training). */
enum aft_code aft_console_create(struct aft_observer *observer, FILE *stream,
                                 enum aft_progress_style style, enum aft_colour colour,
                                 struct aft_error *error);

/* progress.csv in the run's folder, one row per iteration, SB3's column names
 * and ours; scores of an evaluation stand in the row of the iteration before it.
 * Rows of an earlier process beyond keep_total_step are removed first
 * (atomically), so that a resumed run has no doubled step. */
enum aft_code aft_progress_csv_create(struct aft_observer *observer, const char *folder,
                                      int64_t keep_total_step, struct aft_error *error);

/* monitor.csv in the run's folder, one row per finished episode, in the format of
 * Stable-Baselines3's Monitor. keep_total_step as above. */
enum aft_code aft_monitor_csv_create(struct aft_observer *observer, const char *folder,
                                     int64_t keep_total_step, struct aft_error *error);

/* evaluations.npz in the run's folder, as Stable-Baselines3's EvalCallback leaves it: timesteps
 * int64 [n], results float64 [n, motions], ep_lengths int64 [n, motions], and arrays of ours.
 * Written anew, atomically, at every evaluation. keep_total_step as above. */
enum aft_code aft_evaluations_npz_create(struct aft_observer *observer, const char *folder,
                                         int64_t keep_total_step, struct aft_error *error);

/* events.out.tfevents.* in the run's folder, for TensorBoard; begun with the first iteration.
 * Events beyond keep_total_step are removed from the files of earlier processes first. */
enum aft_code aft_tensorboard_create(struct aft_observer *observer, const char *folder,
                                     int64_t keep_total_step, struct aft_error *error);

/* run.log: one line per event that is news (not aft_event_is_data), with UTC time. Appends. */
enum aft_code aft_run_log_create(struct aft_observer *observer, const char *folder,
                                 struct aft_error *error);

/* events.jsonl: one JSON object per line (docs/run-files.md) for each event but iterations.
 * Appends, after mending what a power cut or a full disk left torn. The identity is borrowed. */
enum aft_code aft_events_jsonl_create(struct aft_observer *observer, const char *folder,
                                      const struct aft_run_identity *run, struct aft_error *error);

/* heartbeat.json: written anew every two seconds and at every change of state, and at the end
 * with how it ended. The identity is borrowed. */
enum aft_code aft_heartbeat_create(struct aft_observer *observer, const char *folder,
                                   const struct aft_run_identity *run, struct aft_error *error);

#endif
