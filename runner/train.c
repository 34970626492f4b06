/*
 * `aftershock train`, the keeper's half: looks at what is on disk, decides
 * where training goes on, and runs the keeper over it. What is trained, and
 * how, is the worker's half (work.c).
 */
#include "runner/train.h"

#include "base/file.h"
#include "base/path.h"
#include "recovery/keeper.h"
#include "recovery/lock.h"
#include "recovery/scan.h"
#include "runner/compute.h"
#include "runner/expectations.h"
#include "runner/launch.h"
#include "runner/run_publisher.h"
#include "runner/training_state.h"
#include "trainer/ppo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { EVENT_CAPACITY = 4096, WIDEST_OBSERVATION = 256, ENV_STATE_LIMIT = 128 << 10 };
static const double PUBLISH_PATIENCE_S = 120.0;

struct train {
    const struct aft_train_options *options;
    struct aft_curriculum *curriculum;
    struct aft_expectations expectations;
    struct aft_scan scan;
    struct aft_plan plan;
    struct aft_lock lock;
    struct aft_snapshot_region *region;
    struct aft_event_stream events;
    struct aft_run_publisher publisher;
    int launch_fd;
    int last_stage;
    int64_t total_step; /* of the archive that is resumed from */
};

static int exit_code_of(enum aft_code code)
{
    switch (code) {
    case AFT_OK:
        return AFT_EXIT_OK;
    case AFT_ERR_USAGE:
        return AFT_EXIT_USAGE;
    case AFT_ERR_REFUSED:
    case AFT_ERR_CORRUPT:
        return AFT_EXIT_REFUSED;
    case AFT_ERR_BUSY:
        return AFT_EXIT_BUSY;
    default:
        return AFT_EXIT_FAILED;
    }
}

static int complain(const struct aft_error *error, int exit_code)
{
    (void)fprintf(stderr, "aftershock: %s\n", error->message);
    return exit_code;
}

/* The curriculum and what it expects of archives; any mistake is exit 2. */
static enum aft_code read_curriculum(struct train *train, struct aft_error *error)
{
    const struct aft_train_options *options = train->options;
    enum aft_code code = aft_curriculum_load(&train->curriculum, options->curriculum_path,
                                             options->overrides, options->n_overrides, error);
    if (code == AFT_OK) {
        code = aft_expectations_make(&train->expectations, train->curriculum, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    if (train->curriculum->recovery.resume == AFT_RESUME_LATEST) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "[recovery] resume = latest: this version resumes after complete stages "
                        "only; use resume = stage");
    }
    if (options->stop_after_stage > train->curriculum->n_stages) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "--stop-after-stage %d: the curriculum has %d stages",
                        options->stop_after_stage, train->curriculum->n_stages);
    }
    train->last_stage =
        options->stop_after_stage > 0 ? options->stop_after_stage : train->curriculum->n_stages;
    return aft_path_join(train->publisher.folder, options->models_dir,
                         train->curriculum->run.name, error);
}

static enum aft_code look_and_plan(struct train *train, struct aft_error *error)
{
    enum aft_code code = aft_scan_folder(&train->scan, train->publisher.folder, error);
    if (code == AFT_OK) {
        code = aft_plan_make(&train->plan, &train->scan, train->expectations.stages,
                             train->expectations.n, train->options->accept_changes, error);
    }
    return code;
}

/* --fresh: the old run's folder gets a name of its own; nothing is deleted. */
static enum aft_code move_old_run_aside(struct train *train, struct aft_error *error)
{
    char aside[PATH_MAX];
    struct stat status;
    const char *folder = train->publisher.folder;
    for (int i = 1;; i++) {
        int length = snprintf(aside, sizeof aside, "%s.old-%d", folder, i);
        if (length < 0 || (size_t)length >= sizeof aside) {
            return aft_fail(error, AFT_ERR_USAGE, "move '%.100s' aside: path too long", folder);
        }
        if (lstat(aside, &status) != 0) {
            break;
        }
    }
    enum aft_code code = aft_lock_take(&train->lock, folder, error);
    if (code != AFT_OK) {
        return code;
    }
    code = aft_file_rename(folder, aside, error);
    aft_lock_release(&train->lock);
    if (code == AFT_OK) {
        (void)fprintf(stderr, "The old run was moved to %s\n", aside);
    }
    return code;
}

static enum aft_code enter_folder(struct train *train, struct aft_error *error)
{
    struct stat status;
    enum aft_code code = AFT_OK;
    if (train->options->fresh && stat(train->publisher.folder, &status) == 0) {
        code = move_old_run_aside(train, error);
    }
    if (code == AFT_OK) {
        code = aft_path_make_folder(train->publisher.folder, error);
    }
    if (code == AFT_OK) {
        code = aft_lock_take(&train->lock, train->publisher.folder, error);
    }
    if (code == AFT_OK) {
        code = aft_file_sweep_temporaries(train->publisher.folder, NULL, error);
    }
    return code;
}

static struct aft_snapshot_sizes region_sizes(const struct aft_curriculum *curriculum)
{
    size_t parameters = 0;
    size_t trainer = 0;
    size_t episodes = 0;
    for (int i = 0; i < curriculum->n_stages; i++) {
        const struct aft_stage *stage = &curriculum->stages[i];
        struct aft_network network = aft_network_of_settings(&stage->ppo, WIDEST_OBSERVATION);
        size_t n_envs = (size_t)stage->environment.n_envs;
        size_t rollout = n_envs * (size_t)stage->ppo.n_steps;
        parameters = aft_network_parameter_count(&network);
        trainer = n_envs * ENV_STATE_LIMIT > trainer ? n_envs * ENV_STATE_LIMIT : trainer;
        if ((size_t)stage->timesteps + rollout > episodes) {
            episodes = (size_t)stage->timesteps + rollout; /* an episode has one step at least */
        }
    }
    return (struct aft_snapshot_sizes){
        .slot = sizeof(struct aft_training_header) + 12 * parameters +
                16 * (size_t)WIDEST_OBSERVATION + trainer + ENV_STATE_LIMIT,
        .history_record = sizeof(struct aft_episode),
        .history_capacity = episodes,
        .event_record = sizeof(struct aft_event),
        .event_capacity = EVENT_CAPACITY,
    };
}

/* The archive's state becomes the snapshot that the worker starts from. */
static enum aft_code load_start(struct train *train, struct aft_error *error)
{
    struct aft_archive *archive = NULL;
    void *bytes = NULL;
    size_t size = 0;
    struct aft_lineage *lineage = &train->publisher.record.lineage;
    enum aft_code code = aft_archive_open(&archive, train->plan.from->path, error);
    if (code == AFT_OK) {
        code = aft_state_of_archive(&bytes, &size, lineage, archive, error);
    }
    if (code == AFT_OK) {
        const struct aft_archive_counters *counters = aft_archive_counters(archive);
        struct aft_snapshot_info info = {
            .size = size, .stage = counters->stage, .step = counters->steps, .stage_complete = true};
        (void)snprintf(lineage->parent, sizeof lineage->parent, "%s",
                       aft_archive_state_hash(archive));
        train->total_step = counters->total_steps;
        code = aft_snapshot_seal(train->region, bytes, &info, error);
        aft_stage_set_published(train->region, counters->stage);
    }
    free(bytes);
    aft_archive_close(archive);
    return code;
}

static enum aft_code draw_run_id(char run_id[33], struct aft_error *error)
{
    unsigned char raw[16];
    if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw) {
        return aft_fail_errno(error, "draw a run id");
    }
    for (size_t i = 0; i < sizeof raw; i++) {
        (void)snprintf(run_id + 2 * i, 3, "%02x", raw[i]);
    }
    return AFT_OK;
}

static enum aft_code prepare(struct train *train, struct aft_error *error)
{
    struct aft_snapshot_sizes sizes = region_sizes(train->curriculum);
    struct aft_run_record *record = &train->publisher.record;
    record->curriculum = train->curriculum;
    record->expectations = &train->expectations;
    record->overrides = train->options->overrides;
    record->n_overrides = train->options->n_overrides;
    record->recoveries = aft_json_array();
    train->publisher.events = &train->events;
    enum aft_code code = aft_plan_settle(&train->plan, &train->scan, error);
    if (code == AFT_OK) {
        code = aft_snapshot_create(&train->region, &sizes, error);
    }
    if (code == AFT_OK && train->plan.from != NULL) {
        code = load_start(train, error);
    } else if (code == AFT_OK) {
        code = draw_run_id(record->lineage.run_id, error);
    }
    if (code == AFT_OK) {
        code = aft_launch_write(&train->launch_fd, train->curriculum, train->options->overrides,
                                train->options->n_overrides, train->last_stage, error);
    }
    return code;
}

static enum aft_code subscribe_observers(struct train *train, struct aft_error *error)
{
    struct aft_observer observer;
    const char *folder = train->publisher.folder;
    enum aft_code code =
        aft_console_create(&observer, stdout, train->options->progress, error);
    if (code != AFT_OK) {
        return code;
    }
    aft_event_subscribe(&train->events, observer);
    /* Logs that cannot be written never stop training. */
    struct aft_error ignored;
    if (aft_progress_csv_create(&observer, folder, train->total_step, &ignored) == AFT_OK) {
        aft_event_subscribe(&train->events, observer);
    } else {
        (void)fprintf(stderr, "aftershock: %s; training goes on without it\n", ignored.message);
    }
    if (aft_run_log_create(&observer, folder, &ignored) == AFT_OK) {
        aft_event_subscribe(&train->events, observer);
    } else {
        (void)fprintf(stderr, "aftershock: %s; training goes on without it\n", ignored.message);
    }
    return AFT_OK;
}

/* Each line of the plan's report is a notice. */
static void tell_report(struct train *train)
{
    const char *line = train->plan.report;
    while (*line != '\0') {
        char text[512];
        size_t length = strcspn(line, "\n");
        (void)snprintf(text, sizeof text, "%.*s", (int)length, line);
        aft_run_publisher_tell(&train->publisher, AFT_EVENT_NOTICE, text);
        line += length + (line[length] == '\n');
    }
}

static void tell_begin(struct train *train)
{
    struct aft_event event;
    memset(&event, 0, sizeof event);
    event.type = AFT_EVENT_RUN_BEGINS;
    event.unix_time = (double)time(NULL);
    event.total_step = train->total_step;
    event.u.run.n_stages = train->curriculum->n_stages;
    event.u.run.next_stage = train->plan.next_stage;
    (void)snprintf(event.u.run.name, sizeof event.u.run.name, "%s", train->curriculum->run.name);
    (void)snprintf(event.u.run.plan, sizeof event.u.run.plan, "%s", train->plan.sentence);
    aft_event_publish(&train->events, &event);
    tell_report(train);
    char text[512];
    (void)snprintf(text, sizeof text, "aftershock %s, run '%s': %d stages, archives in %.300s",
                   AFT_VERSION, train->curriculum->run.name, train->curriculum->n_stages,
                   train->publisher.folder);
    aft_run_publisher_tell(&train->publisher, AFT_EVENT_NOTICE, text);
}

static void tell_end(struct train *train, int exit_code, const char *text)
{
    struct aft_event event;
    memset(&event, 0, sizeof event);
    event.type = AFT_EVENT_RUN_ENDS;
    event.unix_time = (double)time(NULL);
    event.stage = (int)train->publisher.stage;
    event.stage_step = train->publisher.stage_step;
    event.total_step = train->publisher.total_step;
    event.u.ends.exit_code = exit_code;
    (void)snprintf(event.u.ends.text, sizeof event.u.ends.text, "%.255s", text);
    aft_event_publish(&train->events, &event);
}

static int conclude_failure(struct train *train, const struct aft_keeper_result *result)
{
    char text[512];
    bool before = result->before_training;
    int code = before && (result->error.code == AFT_ERR_USAGE ||
                          result->error.code == AFT_ERR_MISSING)
                   ? AFT_EXIT_USAGE
                   : AFT_EXIT_FAILED;
    if (train->publisher.last_path[0] != '\0') {
        (void)snprintf(text, sizeof text, "training failed: %.250s; last archive: %.200s",
                       result->error.message, train->publisher.last_path);
    } else {
        (void)snprintf(text, sizeof text, "training failed: %.250s", result->error.message);
    }
    tell_end(train, code, text);
    (void)fprintf(stderr, "aftershock: %s\n", text);
    return code;
}

static int conclude(struct train *train, const struct aft_keeper_result *result)
{
    char text[256];
    switch (result->state) {
    case AFT_KEEPER_FINISHED:
        if (train->last_stage < train->curriculum->n_stages) {
            (void)snprintf(text, sizeof text, "Stopped after stage %d as asked", train->last_stage);
        } else {
            (void)snprintf(text, sizeof text, "All stages complete");
        }
        tell_end(train, AFT_EXIT_OK, text);
        return AFT_EXIT_OK;
    case AFT_KEEPER_STOPPED:
        (void)snprintf(text, sizeof text, "stopped by SIG%s; run the same command to go on",
                       sigabbrev_np(result->stop_signal));
        tell_end(train, 128 + result->stop_signal, text);
        return 128 + result->stop_signal;
    default:
        return conclude_failure(train, result);
    }
}

static int run_keeper(struct train *train)
{
    struct aft_keeper_result result;
    struct aft_keeper_config config = {
        .worker_command = AFT_WORK_COMMAND,
        .launch_fd = train->launch_fd,
        .last_stage = train->last_stage,
        .retries = train->curriculum->recovery.retries,
        .hang_timeout_s = train->curriculum->recovery.hang_timeout_s,
        .publish_patience_s = PUBLISH_PATIENCE_S,
    };
    struct aft_keeper_hooks hooks = aft_run_publisher_hooks(&train->publisher);
    /* Threads around BLAS, not inside it; the worker inherits this. */
    (void)setenv("OPENBLAS_NUM_THREADS", "1", 1);
    (void)setenv("OMP_NUM_THREADS", "1", 1);
    aft_keeper_run(&result, &config, &hooks, train->region);
    return conclude(train, &result);
}

static int print_plan(const struct train *train)
{
    FILE *stream = train->plan.outcome == AFT_PLAN_REFUSE ? stderr : stdout;
    (void)fprintf(stream, "%s\n%s", train->plan.sentence, train->plan.report);
    return train->plan.outcome == AFT_PLAN_REFUSE ? AFT_EXIT_REFUSED : AFT_EXIT_OK;
}

static int dry_run(struct train *train)
{
    struct aft_error error;
    enum aft_code code = look_and_plan(train, &error);
    if (code != AFT_OK) {
        return complain(&error, exit_code_of(code));
    }
    int exit_code = print_plan(train);
    for (int i = 0; i < train->curriculum->n_stages && exit_code == AFT_EXIT_OK; i++) {
        const struct aft_stage *stage = &train->curriculum->stages[i];
        (void)printf("  stage %d/%d  %-14s %10lld steps  %s\n", i + 1,
                     train->curriculum->n_stages, stage->name, (long long)stage->timesteps,
                     i < train->plan.last_completed ? "complete" : "to train");
    }
    return exit_code;
}

static int train_run(struct train *train)
{
    struct aft_error error;
    enum aft_code code = enter_folder(train, &error);
    if (code == AFT_OK) {
        code = look_and_plan(train, &error);
    }
    if (code != AFT_OK) {
        return complain(&error, exit_code_of(code));
    }
    bool nothing_to_do = train->plan.outcome == AFT_PLAN_COMPLETE ||
                         train->plan.last_completed >= train->last_stage;
    if (train->plan.outcome == AFT_PLAN_REFUSE || nothing_to_do) {
        return print_plan(train);
    }
    code = prepare(train, &error);
    if (code == AFT_OK) {
        code = subscribe_observers(train, &error);
    }
    if (code != AFT_OK) {
        return complain(&error, exit_code_of(code));
    }
    tell_begin(train);
    return run_keeper(train);
}

int aft_run_train(const struct aft_train_options *options)
{
    struct aft_error error;
    struct train train = {.options = options, .launch_fd = -1, .lock = {.fd = -1}};
    int exit_code;
    aft_keeper_block_signals();
    if (read_curriculum(&train, &error) != AFT_OK) {
        exit_code = complain(&error, AFT_EXIT_USAGE);
    } else {
        exit_code = options->dry_run ? dry_run(&train) : train_run(&train);
    }
    aft_event_stream_clear(&train.events);
    aft_snapshot_destroy(train.region);
    aft_plan_clear(&train.plan);
    aft_scan_clear(&train.scan);
    aft_expectations_clear(&train.expectations);
    aft_json_destroy(train.publisher.record.recoveries);
    aft_curriculum_destroy(train.curriculum);
    aft_lock_release(&train.lock);
    return exit_code;
}
