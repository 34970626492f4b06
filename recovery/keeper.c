#include "recovery/keeper.h"

#include "recovery/worker.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 100 };
static const double STOP_PATIENCE_S = 1.2;  /* for a first snapshot, once asked to stop */
static const double STOPPED_S = 1.0;        /* a longer wait for a tick was no training time */
static const double LONGEST_PAUSE_S = 30.0; /* between retries without progress */
static const double START_PATIENCE_S =
    120.0; /* for a worker's first snapshot, with hang_timeout_s */
static const double PUBLISH_INTERVAL_S = 2.0; /* between tries of a stage's archive */

struct place { /* how far training is */
    int64_t stage, attempt, step;
};

struct keeper {
    const struct aft_keeper_config *config;
    const struct aft_keeper_hooks *hooks;
    struct aft_snapshot_region *region;
    struct aft_keeper_result *result;
    enum aft_keeper_state state;
    int signal_fd;
    pid_t worker; /* 0: none */
    bool worker_ended;
    int worker_status;
    bool hung;
    bool ever_sealed;        /* an earlier worker did */
    uint64_t start_sequence; /* what the worker was started from */
    uint64_t seen_sequence;
    double restart_at_s; /* earliest time of the next worker */
    double seen_at_s;    /* when the newest snapshot was first seen */
    double stop_by_s;    /* once asked to stop: latest time to wait for a snapshot */
    double publish_first_s, publish_next_s;
    bool checkpoint_asked;        /* by SIGUSR1 */
    uint64_t checkpoint_sequence; /* the last snapshot that was checkpointed, or tried to be */
    struct place checkpoint_at;   /* or what is resumed from, which needs none */
    double checkpoint_at_s;
    uint64_t best_sequence; /* the last evaluated snapshot that was offered as the best */
    int64_t published;      /* the last stage whose archive is durable; 0: none */
    int failures;           /* in a row without progress */
    struct place failed_at;
    void *copy;
    size_t copy_capacity;
};

const char *aft_keeper_state_name(enum aft_keeper_state state)
{
    static const char *const names[] = {"starting",   "training", "publishing", "interrupting",
                                        "recovering", "finished", "stopped",    "failed"};
    return names[state];
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct place place_of(const struct aft_snapshot_info *info)
{
    return (struct place){info->stage, info->attempt, info->step};
}

static bool is_beyond(const struct place *a, const struct place *b)
{
    if (a->stage != b->stage) {
        return a->stage > b->stage;
    }
    return a->attempt != b->attempt ? a->attempt > b->attempt : a->step > b->step;
}

static sigset_t keeper_signals(void)
{
    static const int taken[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        (void)sigaddset(&set, taken[i]);
    }
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) {
        (void)sigaddset(&set, SIGHUP);
    }
    return set;
}

void aft_keeper_block_signals(void)
{
    sigset_t set = keeper_signals();
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* a closed terminal or pipe does not stop training, */
    (void)signal(SIGXFSZ, SIG_IGN); /* nor does a limit on file sizes */
    (void)signal(SIGCHLD, SIG_DFL); /* ignored by some parents: then no child could be waited for */
}

static void enter(struct keeper *keeper, enum aft_keeper_state state)
{
    if (state != keeper->state) {
        keeper->state = state;
        keeper->hooks->state(keeper->hooks->context, state);
    }
}

static void fail(struct keeper *keeper, const struct aft_error *error)
{
    keeper->result->error = *error;
    enter(keeper, AFT_KEEPER_FAILED);
}

static void say(struct keeper *keeper, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct keeper *keeper, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    keeper->hooks->incident(keeper->hooks->context, text);
}

/* The newest snapshot is of the worker's own, not the one it was started from. */
static bool worker_has_sealed(const struct keeper *keeper)
{
    return aft_snapshot_sequence(keeper->region) > keeper->start_sequence;
}

static void start_worker(struct keeper *keeper)
{
    aft_snapshot_prepare_worker(keeper->region);
    keeper->start_sequence = aft_snapshot_sequence(keeper->region);
    keeper->seen_at_s = now_s();
    keeper->worker_ended = false;
    keeper->hung = false;
    int keeper_pid = (int)getpid();
    pid_t child = fork();
    if (child == 0) {
        aft_worker_exec(keeper->config->worker_command, keeper->region, keeper->config->launch_fd,
                        keeper_pid);
    }
    if (child < 0) {
        struct aft_error error;
        (void)aft_fail_errno(&error, "start worker");
        fail(keeper, &error);
        return;
    }
    keeper->worker = child;
    enter(keeper, AFT_KEEPER_STARTING);
}

static void reap_worker(struct keeper *keeper)
{
    int status = 0;
    if (keeper->worker == 0) {
        return;
    }
    pid_t ended = waitpid(keeper->worker, &status, WNOHANG);
    if (ended == keeper->worker || (ended < 0 && errno == ECHILD)) {
        keeper->worker = 0;
        keeper->worker_ended = true;
        keeper->worker_status = status;
    }
}

static void end_worker(struct keeper *keeper)
{
    if (keeper->worker == 0) {
        return;
    }
    (void)kill(keeper->worker, SIGKILL);
    while (waitpid(keeper->worker, &keeper->worker_status, 0) < 0 && errno == EINTR) {
    }
    keeper->worker = 0;
    keeper->worker_ended = true;
}

static void note_stop_signal(struct keeper *keeper, int number)
{
    if (keeper->result->stop_signal != 0) {
        say(keeper, "already stopping: %s changes nothing", strsignal(number));
        return;
    }
    keeper->hooks->signal(keeper->hooks->context, number);
    keeper->result->stop_signal = number;
    keeper->stop_by_s = now_s() + STOP_PATIENCE_S;
}

static void read_signals(struct keeper *keeper)
{
    struct signalfd_siginfo caught;
    while (read(keeper->signal_fd, &caught, sizeof caught) == (ssize_t)sizeof caught) {
        switch ((int)caught.ssi_signo) {
        case SIGCHLD:
            reap_worker(keeper);
            break;
        case SIGUSR1:
            keeper->checkpoint_asked = true;
            keeper->hooks->signal(keeper->hooks->context, SIGUSR1);
            break;
        default:
            note_stop_signal(keeper, (int)caught.ssi_signo);
            break;
        }
    }
}

static void wait_for_something(struct keeper *keeper)
{
    struct pollfd waiting[] = {
        {.fd = keeper->signal_fd, .events = POLLIN},
        {.fd = aft_snapshot_to_keeper_fd(keeper->region), .events = POLLIN},
    };
    double before = now_s();
    int ready = poll(waiting, 2, TICK_MS);
    double waited = now_s() - before;
    if (waited > STOPPED_S) {
        keeper->seen_at_s += waited; /* Ctrl+Z: the worker was stopped too */
    }
    if (ready > 0 && (waiting[1].revents & POLLIN) != 0) {
        uint64_t rings;
        (void)!read(waiting[1].fd, &rings, sizeof rings);
    }
    read_signals(keeper);
    reap_worker(keeper);
}

static void deliver_events(struct keeper *keeper)
{
    for (const void *record = aft_events_take(keeper->region); record != NULL;
         record = aft_events_take(keeper->region)) {
        keeper->hooks->event(keeper->hooks->context, record);
    }
}

static enum aft_code copy_newest(struct keeper *keeper, struct aft_sealed_state *state,
                                 struct aft_error *error)
{
    enum aft_code code = aft_snapshot_copy(keeper->region, &keeper->copy, &keeper->copy_capacity,
                                           &state->info, error);
    state->bytes = keeper->copy;
    state->region = keeper->region;
    deliver_events(keeper); /* what is in an archive has been told before */
    return code;
}

static void offer_best(struct keeper *keeper, const struct aft_sealed_state *sealed)
{
    struct aft_error error;
    keeper->best_sequence = sealed->info.sequence;
    if (sealed->info.evaluated && keeper->hooks->publish(keeper->hooks->context, AFT_ARCHIVE_BEST,
                                                         sealed, NULL, &error) != AFT_OK) {
        say(keeper, "best_model.zip was not written: %s", error.message);
    }
}

/* In the middle of a stage the worker waits for nothing but this: an evaluated snapshot, which
 * may be the best, and a new attempt's first, after which it writes over the history. */
static void take_awaited(struct keeper *keeper, const struct aft_snapshot_info *info)
{
    struct aft_sealed_state sealed;
    struct aft_error error;
    if (!info->awaited || info->stage_complete || info->sequence <= keeper->best_sequence) {
        return;
    }
    enum aft_code code = copy_newest(keeper, &sealed, &error);
    aft_snapshot_set_copied(keeper->region, info->sequence);
    if (code == AFT_OK) {
        offer_best(keeper, &sealed);
    }
}

static bool checkpoint_is_due(const struct keeper *keeper, const struct aft_snapshot_info *info)
{
    const struct aft_keeper_config *config = keeper->config;
    if (info->stage_complete || info->sequence == keeper->checkpoint_sequence) {
        return false;
    }
    const struct place *last = &keeper->checkpoint_at;
    bool same_attempt = info->stage == last->stage && info->attempt == last->attempt;
    int64_t since = same_attempt ? info->step - last->step : info->step;
    bool by_steps = config->checkpoint_every_steps > 0 && since >= config->checkpoint_every_steps;
    bool by_time = config->checkpoint_every_s > 0.0 && info->step > 0 &&
                   now_s() - keeper->checkpoint_at_s >= config->checkpoint_every_s;
    return keeper->checkpoint_asked || by_steps || by_time;
}

/* Training does not wait for it. What fails is tried again when the next is due. */
static void checkpoint_if_due(struct keeper *keeper, const struct aft_snapshot_info *info)
{
    struct aft_sealed_state sealed;
    struct aft_error error;
    if (!checkpoint_is_due(keeper, info)) {
        return;
    }
    enum aft_code code = copy_newest(keeper, &sealed, &error);
    keeper->checkpoint_sequence = info->sequence;
    keeper->checkpoint_at_s = now_s();
    if (code == AFT_OK && sealed.info.stage_complete) {
        return; /* the stage ended meanwhile: its archive is due instead */
    }
    if (code == AFT_OK) {
        keeper->checkpoint_asked = false;
        keeper->checkpoint_sequence = sealed.info.sequence;
        keeper->checkpoint_at = place_of(&sealed.info);
        code = keeper->hooks->publish(keeper->hooks->context, AFT_ARCHIVE_CHECKPOINT, &sealed, NULL,
                                      &error);
    }
    if (code != AFT_OK) {
        say(keeper, "no checkpoint: %s; training goes on", error.message);
    }
}

/* A stop while a stage's archive cannot be published: its state is saved as INTERRUPTED
 * (in the space kept for that), from which `--resume latest` publishes the stage. */
static void stop_unpublished(struct keeper *keeper, const struct aft_sealed_state *sealed,
                             struct aft_error *error)
{
    end_worker(keeper);
    enum aft_code code = keeper->hooks->publish(keeper->hooks->context, AFT_ARCHIVE_INTERRUPTED,
                                                sealed, NULL, error);
    if (code == AFT_OK) {
        enter(keeper, AFT_KEEPER_STOPPED);
    } else {
        fail(keeper, error);
    }
}

/* PUBLISHING: the stage is complete only once its archive is durable and verified. */
static void publish_stage(struct keeper *keeper)
{
    struct aft_sealed_state sealed;
    struct aft_error error;
    double now = now_s();
    bool stopping = keeper->result->stop_signal != 0;
    if (now < keeper->publish_next_s && !stopping) {
        return;
    }
    if (keeper->publish_first_s == 0.0) {
        keeper->publish_first_s = now;
    }
    enum aft_code code = copy_newest(keeper, &sealed, &error);
    if (code != AFT_OK) {
        fail(keeper, &error); /* no copy to believe: nothing to publish, now or later */
        return;
    }
    code = keeper->hooks->publish(keeper->hooks->context, AFT_ARCHIVE_STAGE, &sealed, NULL, &error);
    if (code == AFT_OK) {
        offer_best(keeper, &sealed);
        keeper->publish_first_s = 0.0;
        keeper->publish_next_s = 0.0;
        keeper->seen_at_s = now_s();
        keeper->published = sealed.info.stage;
        aft_stage_set_published(keeper->region, sealed.info.stage);
        enter(keeper, sealed.info.stage >= keeper->config->last_stage ? AFT_KEEPER_FINISHED
                                                                      : AFT_KEEPER_TRAINING);
        return;
    }
    if (stopping) {
        stop_unpublished(keeper, &sealed, &error);
        return;
    }
    if (now - keeper->publish_first_s >= keeper->config->publish_patience_s) {
        struct aft_error ignored;
        say(keeper, "giving up: %s", error.message);
        (void)keeper->hooks->publish(keeper->hooks->context, AFT_ARCHIVE_ERROR, &sealed,
                                     error.message, &ignored);
        fail(keeper, &error);
        return;
    }
    say(keeper, "%s; trying again", error.message);
    keeper->publish_next_s = now_s() + PUBLISH_INTERVAL_S;
}

/* INTERRUPTING: the newest snapshot becomes the INTERRUPTED archive, or on SIGUSR2
 * a checkpoint. Where the newest is a published stage's last, a short wait for the next stage's
 * first. */
static void interrupt(struct keeper *keeper)
{
    struct aft_snapshot_info info;
    bool sealed_any = aft_snapshot_peek(keeper->region, &info);
    if ((!sealed_any || info.stage_complete) && keeper->worker != 0 &&
        now_s() < keeper->stop_by_s) {
        return;
    }
    struct aft_sealed_state sealed;
    struct aft_error error;
    end_worker(keeper);
    deliver_events(keeper);
    sealed_any = aft_snapshot_peek(keeper->region, &info);
    if (sealed_any && info.stage_complete && info.stage > keeper->published) {
        enter(keeper, AFT_KEEPER_PUBLISHING); /* the stage ended at this very moment */
        return;
    }
    if (!sealed_any || info.stage_complete) { /* nothing beyond the last stage's archive to save */
        enter(keeper, AFT_KEEPER_STOPPED);
        return;
    }
    enum aft_code code = copy_newest(keeper, &sealed, &error);
    if (code == AFT_OK) {
        enum aft_archive_kind kind = keeper->result->stop_signal == SIGUSR2
                                         ? AFT_ARCHIVE_CHECKPOINT
                                         : AFT_ARCHIVE_INTERRUPTED;
        code = keeper->hooks->publish(keeper->hooks->context, kind, &sealed, NULL, &error);
        if (code != AFT_OK && kind == AFT_ARCHIVE_CHECKPOINT) { /* the other has space reserved */
            code = keeper->hooks->publish(keeper->hooks->context, AFT_ARCHIVE_INTERRUPTED, &sealed,
                                          NULL, &error);
        }
    }
    if (code != AFT_OK) {
        fail(keeper, &error);
        return;
    }
    if (sealed.info.sequence > keeper->best_sequence) {
        offer_best(keeper, &sealed);
    }
    enter(keeper, AFT_KEEPER_STOPPED);
}

/* Why the worker is gone, and whether a new one may do better. */
static bool explain_end(struct keeper *keeper, struct aft_error *error)
{
    int status = keeper->worker_status;
    if (keeper->hung) {
        (void)aft_fail(error, AFT_ERR_ENGINE, "the worker hung: no new snapshot for %.0f s",
                       now_s() - keeper->seen_at_s);
        return true;
    }
    enum aft_announcement announced = aft_worker_announced(keeper->region, error);
    if (announced == AFT_ANNOUNCED_FAILURE) {
        return error->code == AFT_ERR_ENGINE || error->code == AFT_ERR_MEMORY;
    }
    if (announced == AFT_ANNOUNCED_END) {
        (void)aft_fail(error, AFT_ERR_ENGINE,
                       "the worker ended before the last stage was complete");
        return true;
    }
    if (WIFSIGNALED(status)) {
        (void)aft_fail(error, AFT_ERR_ENGINE, "the worker was ended by signal %d (%s)",
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        (void)aft_fail(error, AFT_ERR_ENGINE, "the worker ended without a word, status %d",
                       WEXITSTATUS(status));
    }
    return true;
}

static void count_failure(struct keeper *keeper, const struct aft_snapshot_info *info)
{
    struct place at = place_of(info);
    keeper->failures = is_beyond(&at, &keeper->failed_at) ? 1 : keeper->failures + 1;
    keeper->failed_at = at;
}

/* RECOVERING: ERROR archive from the last snapshot, then a new worker from it, or the end. */
static void recover(struct keeper *keeper)
{
    struct aft_error reason;
    struct aft_error error;
    struct aft_sealed_state sealed = {0};
    bool may_pass = explain_end(keeper, &reason);
    bool sealed_any = copy_newest(keeper, &sealed, &error) == AFT_OK;
    if (!sealed_any) {
        sealed = (struct aft_sealed_state){0};
    }
    if (sealed_any && !sealed.info.stage_complete &&
        keeper->hooks->publish(keeper->hooks->context, AFT_ARCHIVE_ERROR, &sealed, reason.message,
                               &error) != AFT_OK) {
        say(keeper, "no ERROR archive: %s", error.message);
    }
    count_failure(keeper, &sealed.info);
    keeper->result->before_training = !keeper->ever_sealed && !worker_has_sealed(keeper);
    keeper->ever_sealed = keeper->ever_sealed || worker_has_sealed(keeper);
    /* At once after progress; then more and more slowly: memory may come back. */
    double pause = keeper->failures > 1 ? ldexp(0.5, keeper->failures - 1) : 0.0;
    const struct aft_worker_loss loss = {
        .reason = reason.message,
        .stage = sealed_any ? sealed.info.stage : 1,
        .attempt = sealed_any ? sealed.info.attempt : 1,
        .step = sealed.info.step,
        .retried = may_pass && keeper->failures <= keeper->config->retries,
        .failures = keeper->failures,
        .retries = keeper->config->retries,
        .pause_s = fmin(pause, LONGEST_PAUSE_S),
    };
    keeper->hooks->lost(keeper->hooks->context, &loss);
    if (!loss.retried) {
        fail(keeper, &reason);
        return;
    }
    keeper->restart_at_s = now_s() + loss.pause_s;
    keeper->worker_ended = false;
}

static void watch_for_hang(struct keeper *keeper)
{
    uint64_t sequence = aft_snapshot_sequence(keeper->region);
    double patience = keeper->config->hang_timeout_s;
    if (keeper->state == AFT_KEEPER_STARTING) {
        patience = fmin(patience, START_PATIENCE_S); /* no iteration to wait for yet */
    }
    if (sequence != keeper->seen_sequence) {
        keeper->seen_sequence = sequence;
        keeper->seen_at_s = now_s();
    } else if (patience > 0.0 && keeper->worker != 0 && now_s() - keeper->seen_at_s > patience) {
        end_worker(keeper);
        keeper->hung = true;
    }
}

/* One transition of the state machine, by what is known now. The order is the
 * order of importance: a finished stage is published whatever else happens. */
static void advance(struct keeper *keeper)
{
    struct aft_snapshot_info info;
    bool sealed_any = aft_snapshot_peek(keeper->region, &info);
    bool complete = sealed_any && info.stage_complete && info.stage > keeper->published;
    if (complete) {
        enter(keeper, AFT_KEEPER_PUBLISHING);
        publish_stage(keeper);
    } else if (keeper->result->stop_signal != 0) {
        enter(keeper, AFT_KEEPER_INTERRUPTING);
        interrupt(keeper);
    } else if (keeper->worker_ended) {
        enter(keeper, AFT_KEEPER_RECOVERING);
        recover(keeper);
    } else if (keeper->worker == 0) {
        if (now_s() >= keeper->restart_at_s) {
            start_worker(keeper);
        }
    } else {
        enter(keeper, worker_has_sealed(keeper) ? AFT_KEEPER_TRAINING : AFT_KEEPER_STARTING);
        if (sealed_any) {
            take_awaited(keeper, &info);
            checkpoint_if_due(keeper, &info);
        }
        watch_for_hang(keeper);
    }
}

void aft_keeper_run(struct aft_keeper_result *result, const struct aft_keeper_config *config,
                    const struct aft_keeper_hooks *hooks, struct aft_snapshot_region *region)
{
    struct keeper keeper = {.config = config, .hooks = hooks, .region = region, .result = result};
    memset(result, 0, sizeof *result);
    keeper.published = aft_stage_published(region);
    sigset_t set = keeper_signals();
    keeper.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (keeper.signal_fd < 0) {
        struct aft_error error;
        (void)aft_fail_errno(&error, "take signals from a descriptor");
        fail(&keeper, &error);
    }
    keeper.checkpoint_at_s = now_s();
    struct aft_snapshot_info start;
    if (aft_snapshot_peek(region, &start) && !start.stage_complete) {
        keeper.checkpoint_at = place_of(&start);
    }
    while (keeper.state < AFT_KEEPER_FINISHED) {
        advance(&keeper);
        wait_for_something(&keeper);
        deliver_events(&keeper);
        hooks->tick(hooks->context);
    }
    end_worker(&keeper);
    deliver_events(&keeper);
    result->state = keeper.state;
    if (keeper.signal_fd >= 0) {
        (void)close(keeper.signal_fd);
    }
    free(keeper.copy);
}
