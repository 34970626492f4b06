/*
 * `aftershock train`, the keeper's half: looks at what is on disk, decides
 * where training goes on, and runs the keeper over it. What is trained, and
 * how, is the worker's half (work.c).
 */
#include "runner/train.h"

#include "base/file.h"
#include "base/path.h"
#include "environment/record_reader.h"
#include "recovery/keeper.h"
#include "recovery/lock.h"
#include "recovery/scan.h"
#include "runner/archive_state.h"
#include "runner/compute.h"
#include "runner/expectations.h"
#include "runner/identify_run.h"
#include "runner/launch.h"
#include "runner/resume_command.h"
#include "runner/run_observers.h"
#include "runner/run_publisher.h"
#include "runner/run_start.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const double PUBLISH_PATIENCE_S = 120.0;

struct train {
    const struct aft_train_options *options;
    struct aft_curriculum *curriculum;
    struct aft_expectations expectations;
    struct aft_scan scan;
    struct aft_scan_entry named; /* by --resume PATH */
    struct aft_plan_request request;
    struct aft_plan plan;
    struct aft_lock lock;
    struct aft_snapshot_region *region;
    struct aft_event_stream events;
    struct aft_run_identity *identity;
    struct aft_run_publisher publisher;
    int launch_fd;
    int last_stage;
    int64_t total_step; /* of the archive that is resumed from */
};

static int complain(const struct aft_error *error, int exit_code)
{
    (void)fprintf(stderr, "aftershock: %s\n", error->message);
    return exit_code;
}

/* A record that cannot be read is a mistake of the curriculum: said before anything is touched. */
static enum aft_code check_records(const struct aft_curriculum *curriculum, struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    for (int stage = 0; stage < curriculum->n_stages && code == AFT_OK; stage++) {
        char **paths = NULL;
        int n = 0;
        code = aft_stage_record_paths(&paths, &n, curriculum, stage, error);
        for (int i = 0; i < n && code == AFT_OK; i++) {
            struct aft_record record;
            code = aft_record_read(&record, paths[i], error);
            if (code == AFT_OK) {
                aft_record_clear(&record);
            }
        }
        aft_record_paths_destroy(paths, n);
    }
    return code;
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
    if (code == AFT_OK) {
        code = check_records(train->curriculum, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    if (options->stop_after_stage > train->curriculum->n_stages) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "--stop-after-stage %d: the curriculum's last stage is %d",
                        options->stop_after_stage, train->curriculum->n_stages);
    }
    train->last_stage =
        options->stop_after_stage > 0 ? options->stop_after_stage : train->curriculum->n_stages;
    return aft_path_join(train->publisher.folder, options->models_dir, train->curriculum->run.name,
                         error);
}

/* The archive that --resume names; one that is not there is bad usage. */
static enum aft_code look_at_named_archive(struct train *train, struct aft_error *error)
{
    if (train->options->resume_path == NULL) {
        return AFT_OK;
    }
    enum aft_code code = aft_scan_archive(&train->named, train->options->resume_path, error);
    train->request.archive = &train->named;
    return code == AFT_ERR_MISSING ? AFT_ERR_USAGE : code;
}

/* Settings that the length of the observation and the network follow from. */
static const char *const shape_keys[] = {"ppo.network",
                                         "ppo.activation",
                                         "environment.acceleration_floors",
                                         "environment.drift_storeys",
                                         "environment.observer",
                                         "environment.nominal",
                                         "building.floors",
                                         NULL};

/* An archive of Stable-Baselines3 has no settings that the plan could hold to the curriculum's. */
static enum aft_code check_sb3_start(const struct train *train, struct aft_error *error)
{
    const struct aft_plan *plan = &train->plan;
    if (plan->outcome != AFT_PLAN_RESUME || plan->start->kind != AFT_ARCHIVE_SB3) {
        return AFT_OK;
    }
    return aft_sb3_model_fits(&plan->start->sb3, train->curriculum, plan->next_stage,
                              plan->start->path, error);
}

static enum aft_code look_and_plan(struct train *train, struct aft_error *error)
{
    train->request.accept_changes = train->options->accept_changes;
    train->request.fixed_keys = shape_keys;
    train->request.latest = train->curriculum->recovery.resume == AFT_RESUME_LATEST;
    enum aft_code code = aft_scan_folder(&train->scan, train->publisher.folder, error);
    if (code == AFT_OK) {
        code = aft_plan_make(&train->plan, &train->scan, train->expectations.stages,
                             train->expectations.n, &train->request, error);
    }
    return code == AFT_OK ? check_sb3_start(train, error) : code;
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

/* Leftovers of killed processes; only under the lock. */
static enum aft_code sweep(const struct train *train, struct aft_error *error)
{
    char checkpoints[PATH_MAX];
    struct stat status;
    enum aft_code code = aft_file_sweep_temporaries(train->publisher.folder, NULL, error);
    if (code == AFT_OK) {
        code = aft_path_join(checkpoints, train->publisher.folder, "checkpoints", error);
    }
    if (code == AFT_OK && stat(checkpoints, &status) == 0) {
        code = aft_file_sweep_temporaries(checkpoints, NULL, error);
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
        code = aft_file_make_folder(train->publisher.folder, error);
    }
    if (code == AFT_OK) {
        code = aft_lock_take(&train->lock, train->publisher.folder, error);
    }
    if (code == AFT_OK) {
        code = sweep(train, error);
    }
    return code;
}

static enum aft_code prepare(struct train *train, struct aft_error *error)
{
    struct aft_run_record *record = &train->publisher.record;
    record->curriculum = train->curriculum;
    record->expectations = &train->expectations;
    record->overrides = train->options->overrides;
    record->n_overrides = train->options->n_overrides;
    record->recoveries = aft_json_array();
    train->publisher.events = &train->events;
    enum aft_code code = aft_run_publisher_init(&train->publisher, &train->scan, error);
    if (code == AFT_OK) {
        code = aft_run_region_create(&train->region, train->curriculum, error);
        train->publisher.region = train->region;
    }
    if (code == AFT_OK) {
        code = aft_run_start_load(train->region, &train->publisher, &train->plan,
                                  &train->total_step, error);
    }
    if (code == AFT_OK) {
        code = aft_identify_run(&train->identity, record, &train->plan, train->publisher.folder,
                                error);
    }
    if (code == AFT_OK) {
        code = aft_run_publisher_read_references(&train->publisher, error);
    }
    if (code == AFT_OK) {
        const struct aft_launch launch = {train->curriculum, train->last_stage,
                                          train->publisher.references};
        code = aft_launch_write(&train->launch_fd, &launch, train->options->overrides,
                                train->options->n_overrides, error);
    }
    return code;
}

static enum aft_code subscribe_observers(struct train *train, struct aft_error *error)
{
    struct aft_observer console;
    enum aft_code code = aft_console_create(&console, stdout, train->options->progress,
                                            train->options->colour, error);
    if (code == AFT_OK) {
        aft_event_subscribe(&train->events, console);
        aft_run_keep_records(&train->events, &train->curriculum->run, train->publisher.folder,
                             train->total_step);
        aft_run_tell_programs(&train->events, train->publisher.folder, train->identity);
    }
    return code;
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
    struct aft_event event = aft_run_publisher_event(&train->publisher, AFT_EVENT_RUN_BEGINS);
    event.total_step = train->total_step;
    event.u.run.n_stages = train->curriculum->n_stages;
    event.u.run.next_stage = train->plan.next_stage;
    (void)snprintf(event.u.run.name, sizeof event.u.run.name, "%s", train->curriculum->run.name);
    (void)snprintf(event.u.run.plan, sizeof event.u.run.plan, "%s", train->plan.sentence);
    aft_event_publish(&train->events, &event);
    tell_report(train);
    char text[512];
    (void)snprintf(text, sizeof text, "aftershock %s, run '%s': %d stage%s, archives in %.300s",
                   AFT_VERSION, train->curriculum->run.name, train->curriculum->n_stages,
                   train->curriculum->n_stages == 1 ? "" : "s", train->publisher.folder);
    aft_run_publisher_tell(&train->publisher, AFT_EVENT_NOTICE, text);
}

static const char *outcome_of(const struct train *train, int exit_code)
{
    switch (exit_code) {
    case AFT_EXIT_OK:
        return train->last_stage < train->curriculum->n_stages ? "stage_reached" : "complete";
    case AFT_EXIT_CHECKPOINTED:
        return "checkpointed";
    default:
        return exit_code > 128 ? "interrupted" : "error";
    }
}

static void tell_end(struct train *train, int exit_code, const char *text)
{
    struct aft_event event = aft_run_publisher_event(&train->publisher, AFT_EVENT_RUN_ENDS);
    event.u.ends.exit_code = exit_code;
    (void)snprintf(event.u.ends.outcome, sizeof event.u.ends.outcome, "%s",
                   outcome_of(train, exit_code));
    (void)snprintf(event.u.ends.text, sizeof event.u.ends.text, "%s", text);
    aft_event_publish(&train->events, &event);
}

static int conclude_failure(struct train *train, const struct aft_keeper_result *result)
{
    char text[512];
    /* A worker that finds what it was given contradictory, or not to be made, has trained
     * nothing. */
    int code = AFT_EXIT_FAILED;
    if (result->before_training && result->error.code == AFT_ERR_REFUSED) {
        code = AFT_EXIT_REFUSED;
    } else if (result->before_training && result->error.code == AFT_ERR_USAGE) {
        code = AFT_EXIT_USAGE;
    }
    if (train->publisher.last_path[0] != '\0') {
        (void)snprintf(text, sizeof text, "training failed: %.250s; last archive: %.200s",
                       result->error.message, train->publisher.last_path);
    } else {
        (void)snprintf(text, sizeof text, "training failed: %.250s", result->error.message);
    }
    tell_end(train, code, text);
    return code;
}

static int conclude(struct train *train, const struct aft_keeper_result *result)
{
    char text[1024];
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
        if (result->stop_signal == SIGUSR2) {
            aft_write_resume_command(text, sizeof text, train->options);
            tell_end(train, AFT_EXIT_CHECKPOINTED, text);
            return AFT_EXIT_CHECKPOINTED;
        }
        (void)snprintf(text, sizeof text,
                       "stopped by SIG%s; the same command goes on after the last complete stage, "
                       "with --resume latest from here",
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
        .checkpoint_every_steps = train->curriculum->recovery.checkpoint_every_steps,
        .checkpoint_every_s = train->curriculum->recovery.checkpoint_every_s,
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
    if (train->options->stopped_by != NULL && result.stop_signal != 0) {
        *train->options->stopped_by = result.stop_signal;
    }
    return conclude(train, &result);
}

static int print_plan(const struct train *train)
{
    FILE *stream = train->plan.outcome == AFT_PLAN_REFUSE ? stderr : stdout;
    if (train->plan.outcome == AFT_PLAN_RESUME && train->plan.last_completed >= train->last_stage) {
        (void)printf("All stages complete up to stage %d, where --stop-after-stage ends\n",
                     train->last_stage);
        return AFT_EXIT_OK;
    }
    (void)fprintf(stream, "%s\n%s", train->plan.sentence, train->plan.report);
    return train->plan.outcome == AFT_PLAN_REFUSE ? AFT_EXIT_REFUSED : AFT_EXIT_OK;
}

static int dry_run(struct train *train)
{
    struct aft_error error;
    struct stat status;
    if (train->options->fresh && stat(train->publisher.folder, &status) == 0) {
        (void)printf(
            "No checkpoints found - starting fresh training\n"
            "(--fresh: the run in %s would be moved aside first)\n",
            train->publisher.folder);
        return AFT_EXIT_OK;
    }
    enum aft_code code = look_and_plan(train, &error);
    if (code != AFT_OK) {
        return complain(&error, aft_exit_code_of(code));
    }
    int exit_code = print_plan(train);
    for (int i = 0; i < train->last_stage && exit_code == AFT_EXIT_OK; i++) {
        const struct aft_stage *stage = &train->curriculum->stages[i];
        (void)printf("  stage %d/%d  %-14s %10lld steps  %s\n", i + 1, train->curriculum->n_stages,
                     stage->name, (long long)stage->timesteps,
                     i < train->plan.last_completed ? "complete" : "to train");
    }
    return exit_code;
}

static bool has_final(const struct train *train)
{
    for (int i = 0; i < train->scan.n; i++) {
        const struct aft_scan_entry *entry = &train->scan.entries[i];
        if (entry->kind == AFT_ARCHIVE_FINAL && entry->valid && !entry->set_aside &&
            strcmp(entry->state_hash, train->plan.from->state_hash) == 0) {
            return true;
        }
    }
    return false;
}

static enum aft_code settle(struct train *train, struct aft_error *error)
{
    const struct aft_set_aside_witness witness = aft_run_publisher_witness(&train->publisher);
    return aft_plan_settle(&train->plan, &train->scan, &witness, error);
}

/* All stages are complete; a kill may have come between the last one's archive and
 * final_<run>.zip, or that one was deleted or damaged since. */
static int complete_final(struct train *train)
{
    struct aft_error error;
    struct aft_sealed_state sealed = {0};
    void *bytes = NULL;
    size_t capacity = 0;
    if (has_final(train)) {
        return AFT_EXIT_OK;
    }
    enum aft_code code = prepare(train, &error);
    if (code != AFT_OK) {
        return complain(&error, aft_exit_code_of(code));
    }
    /* No console: the plan has been printed. No metrics: nothing is trained. */
    aft_run_tell_programs(&train->events, train->publisher.folder, train->identity);
    tell_begin(train);
    code = settle(train, &error);
    if (code == AFT_OK) {
        code = aft_snapshot_copy(train->region, &bytes, &capacity, &sealed.info, &error);
    }
    if (code == AFT_OK) {
        sealed.bytes = bytes;
        sealed.region = train->region;
        code = aft_publish_final(&train->publisher, &sealed, &error);
    }
    free(bytes);
    tell_end(train, aft_exit_code_of(code), code == AFT_OK ? "All stages complete" : error.message);
    return code == AFT_OK ? AFT_EXIT_OK : complain(&error, aft_exit_code_of(code));
}

/* The state that is resumed from may be the best so far, and its process may have been killed
 * before it could say so. */
static void offer_start(struct train *train)
{
    struct aft_error error;
    struct aft_sealed_state sealed = {.region = train->region};
    void *bytes = NULL;
    size_t capacity = 0;
    if (train->plan.start != NULL && !train->plan.import &&
        aft_snapshot_copy(train->region, &bytes, &capacity, &sealed.info, &error) == AFT_OK) {
        sealed.bytes = bytes;
        if (aft_offer_best(&train->publisher, &sealed, &error) != AFT_OK) {
            aft_run_publisher_tell(&train->publisher, AFT_EVENT_INCIDENT, error.message);
        }
    }
    free(bytes);
}

static int train_run(struct train *train)
{
    struct aft_error error;
    enum aft_code code = enter_folder(train, &error);
    if (code == AFT_OK) {
        code = look_and_plan(train, &error);
    }
    if (code != AFT_OK) {
        return complain(&error, aft_exit_code_of(code));
    }
    if (train->plan.outcome == AFT_PLAN_COMPLETE) {
        return print_plan(train) + complete_final(train);
    }
    bool nothing_to_do = train->plan.last_completed >= train->last_stage;
    if (train->plan.outcome == AFT_PLAN_REFUSE || nothing_to_do) {
        return print_plan(train);
    }
    code = prepare(train, &error);
    if (code == AFT_OK) {
        code = subscribe_observers(train, &error);
    }
    if (code != AFT_OK) {
        return complain(&error, aft_exit_code_of(code));
    }
    tell_begin(train);
    code = settle(train, &error);
    if (code != AFT_OK) {
        tell_end(train, aft_exit_code_of(code), error.message);
        return aft_exit_code_of(code);
    }
    offer_start(train);
    return run_keeper(train);
}

int aft_run_train(const struct aft_train_options *options)
{
    struct aft_error error;
    struct train train = {.options = options, .launch_fd = -1, .lock = {.fd = -1}};
    int exit_code;
    aft_keeper_block_signals();
    if (read_curriculum(&train, &error) != AFT_OK ||
        look_at_named_archive(&train, &error) != AFT_OK) {
        exit_code = complain(&error, AFT_EXIT_USAGE);
    } else {
        exit_code = options->dry_run ? dry_run(&train) : train_run(&train);
    }
    aft_event_stream_clear(&train.events);
    aft_run_identity_destroy(train.identity);
    aft_snapshot_destroy(train.region);
    aft_plan_clear(&train.plan);
    aft_scan_clear(&train.scan);
    aft_expectations_clear(&train.expectations);
    aft_run_publisher_clear(&train.publisher);
    aft_scan_entry_clear(&train.named);
    aft_curriculum_destroy(train.curriculum);
    aft_lock_release(&train.lock);
    return exit_code;
}
