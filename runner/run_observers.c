#include "runner/run_observers.h"

typedef enum aft_code create_fn(struct aft_observer *observer, const char *folder,
                                int64_t total_step, struct aft_error *error);

static enum aft_code create_run_log(struct aft_observer *observer, const char *folder,
                                    int64_t total_step, struct aft_error *error)
{
    (void)total_step; /* a log keeps what was */
    return aft_run_log_create(observer, folder, error);
}

/* Takes what a constructor came to. */
static void subscribe(struct aft_event_stream *events, const struct aft_observer *observer,
                      enum aft_code code, const struct aft_error *error)
{
    if (code == AFT_OK) {
        aft_event_subscribe(events, *observer);
    } else {
        (void)fprintf(stderr, "aftershock: %s; training goes on without it\n", error->message);
    }
}

void aft_run_keep_records(struct aft_event_stream *events, const struct aft_run_settings *settings,
                          const char *folder, int64_t total_step)
{
    static create_fn *const files[] = {create_run_log, aft_progress_csv_create,
                                       aft_monitor_csv_create, aft_evaluations_npz_create};
    struct aft_observer observer;
    struct aft_error error;
    enum aft_code code;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        code = files[i](&observer, folder, total_step, &error);
        subscribe(events, &observer, code, &error);
    }
    if (settings->tensorboard) {
        code = aft_tensorboard_create(&observer, folder, total_step, &error);
        subscribe(events, &observer, code, &error);
    }
}

void aft_run_tell_programs(struct aft_event_stream *events, const char *folder,
                           const struct aft_run_identity *identity)
{
    struct aft_observer observer;
    struct aft_error error;
    enum aft_code code = aft_events_jsonl_create(&observer, folder, identity, &error);
    subscribe(events, &observer, code, &error);
    code = aft_heartbeat_create(&observer, folder, identity, &error);
    subscribe(events, &observer, code, &error);
}
