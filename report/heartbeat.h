/*
 * heartbeat.json, read: that a run goes on, or how it ended. docs/run-files.md
 * is its contract.
 */
#ifndef AFT_REPORT_HEARTBEAT_H
#define AFT_REPORT_HEARTBEAT_H

#include "base/error.h"
#include "base/json.h"
#include "report/process.h"

#include <stdbool.h>

enum { AFT_HEARTBEAT_VERSION = 1 };

enum aft_liveness {
    AFT_LIVENESS_RUNNING,
    AFT_LIVENESS_SILENT, /* three intervals without a beat: stopped (Ctrl+Z), its disk is full or
                          * hangs, or it is dead on another machine */
    AFT_LIVENESS_DEAD,   /* its process is gone, and did not say so: kill -9, a power cut */
    AFT_LIVENESS_ENDED,  /* and said how */
};
const char *aft_liveness_name(enum aft_liveness liveness); /* "running", … */

/* The document of a run's folder, which the caller destroys. MISSING where there is none,
 * CORRUPT where it cannot be read as one. */
enum aft_code aft_heartbeat_read(struct aft_json **heartbeat, const char *folder,
                                 struct aft_error *error);

/* Whether it is that of the run with that folder: a copy of a folder, or one that was renamed, has
 * the heartbeat of a process that does not write there. */
bool aft_heartbeat_is_of(const struct aft_json *heartbeat, const char *folder_name);

/* now: seconds since 1970. */
enum aft_liveness aft_heartbeat_liveness(const struct aft_json *heartbeat, double now);

#endif
