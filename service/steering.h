/*
 * What was asked for and takes longer than an answer may: a run to start, to stop or
 * to checkpoint. Requests come from the server's thread; the service's loop carries
 * them out, watches what the run does, and answers when it is so.
 */
#ifndef AFT_SERVICE_STEERING_H
#define AFT_SERVICE_STEERING_H

#include "base/error.h"
#include "base/json.h"
#include "service/http_server.h"
#include "service/index.h"

#include <stdbool.h>

struct aft_steering;

/* wake_fd: an eventfd that is written to when there is something to do; borrowed, as is view,
 * which is used from aft_steering_step only. */
enum aft_code aft_steering_create(struct aft_steering **steering, const char *models_folder,
                                  struct aft_index_view *view, int wake_fd,
                                  struct aft_error *error);
/* Answers what is left with 503. The server must take no more requests. */
void aft_steering_destroy(struct aft_steering *steering);

/* From any thread: the exchange is deferred, and answered once it is done. */

/* arguments: of `train`, ending in NULL, taken over (allocated, as is each). */
void aft_steering_start(struct aft_steering *steering, struct aft_http_exchange *exchange,
                        const char *run, char **arguments);
void aft_steering_stop(struct aft_steering *steering, struct aft_http_exchange *exchange,
                       const char *run);
void aft_steering_checkpoint(struct aft_steering *steering, struct aft_http_exchange *exchange,
                             const char *run);

/* From the service's loop, after the index was refreshed; now: seconds on a steady clock. True
 * while there is something under way. */
bool aft_steering_step(struct aft_steering *steering, double now);
/* A line of that run's events.jsonl was added. */
void aft_steering_note_event(struct aft_steering *steering, const char *run,
                             const struct aft_json *event);

#endif
