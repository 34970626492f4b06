/*
 * The keeper's state machine, with a worker that does as it is told: this same
 * program, started anew by the keeper, plays a script of seals, waits and ends.
 */
#include "recovery/keeper.h"
#include "recovery/worker.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* What the worker does with each call of the script's letters, in order:
 *   s  seals the next step     e  the same, evaluated      C  seals the stage complete, and waits
 *   k  kills itself            x  exits 0 without a word   n  announces a NaN     m  out of memory
 *   h  hangs                   .  sleeps 20 ms
 *   a  begins the stage's next attempt
 * Its position survives it, so that a restart goes on behind the letter that ended it. */
struct script {
    char letters[64];
    int position;
    int starts;
    int64_t stage, attempt, step;
};

struct record {          /* what the hooks saw */
    char published[256]; /* one letter per archive: S B I E C */
    char last_reason[256];
    int64_t last_step;
    int64_t checkpointed_attempt;
    int fail_publications; /* of stages, with SPACE */
    int incidents, losses, signals;
    int last_signal;
    struct aft_worker_loss last_loss;
    char loss_reason[256];
    char states[512];             /* names of those entered, each with a space */
    int signal_at, signal_number; /* once the worker plays its letter of that number, from 1 */
};

static struct script *script; /* shared with the workers */

static enum aft_code seal(struct aft_snapshot_region *region, bool complete, bool evaluated)
{
    struct aft_snapshot_info info = {.size = sizeof script->step,
                                     .stage = script->stage,
                                     .attempt = script->attempt,
                                     .step = script->step,
                                     .stage_complete = complete,
                                     .evaluated = evaluated,
                                     .awaited = evaluated || script->step == 0};
    return aft_snapshot_seal(region, &script->step, &info, NULL);
}

static void sleep_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

static void announce(struct aft_snapshot_region *region, enum aft_code code, const char *message)
{
    struct aft_error error = {.code = code};
    (void)snprintf(error.message, sizeof error.message, "%s", message);
    aft_worker_announce(region, AFT_ANNOUNCED_FAILURE, &error);
    _exit(1);
}

static void play(struct aft_snapshot_region *region, char letter)
{
    switch (letter) {
    case 's':
    case 'e':
        script->step++;
        (void)seal(region, false, letter == 'e');
        if (letter == 'e') {
            aft_snapshot_wait_copied(region, aft_snapshot_sequence(region));
        }
        break;
    case 'a':
        script->attempt++;
        script->step = 0;
        (void)seal(region, false, false);
        aft_snapshot_wait_copied(region, aft_snapshot_sequence(region));
        break;
    case 'C':
        (void)seal(region, true, true);
        aft_stage_wait_published(region, script->stage);
        script->stage++;
        script->step = 0;
        break;
    case 'k':
        (void)raise(SIGKILL);
        break;
    case 'x':
        _exit(0);
    case 'n':
        announce(region, AFT_ERR_NUMERIC, "the loss is not finite");
        break;
    case 'm':
        announce(region, AFT_ERR_MEMORY, "no memory");
        break;
    case 'h':
        sleep_ms(60000);
        break;
    default:
        sleep_ms(20);
        break;
    }
}

static int be_worker(int argc, char **argv)
{
    struct aft_worker_link link;
    if (aft_worker_attach(&link, argc, argv, NULL) != AFT_OK) {
        return 99;
    }
    script = mmap(NULL, sizeof *script, PROT_READ | PROT_WRITE, MAP_SHARED, link.launch_fd, 0);
    script->starts++;
    while (script->letters[script->position] != '\0') {
        play(link.region, script->letters[script->position++]);
    }
    aft_worker_announce(link.region, AFT_ANNOUNCED_END, NULL);
    return 0;
}

static enum aft_code publish(void *context, enum aft_archive_kind kind,
                             const struct aft_sealed_state *state, const char *reason,
                             struct aft_error *error)
{
    static const char letters[] = {[AFT_ARCHIVE_STAGE] = 'S',
                                   [AFT_ARCHIVE_BEST] = 'B',
                                   [AFT_ARCHIVE_INTERRUPTED] = 'I',
                                   [AFT_ARCHIVE_ERROR] = 'E',
                                   [AFT_ARCHIVE_CHECKPOINT] = 'C'};
    struct record *record = context;
    int64_t step;
    assert_int_equal(state->info.size, sizeof step);
    memcpy(&step, state->bytes, sizeof step);
    assert_int_equal(step, state->info.step);
    if (kind == AFT_ARCHIVE_STAGE && record->fail_publications > 0) {
        record->fail_publications--;
        return aft_fail(error, AFT_ERR_SPACE, "write 'stage': No space left on device");
    }
    record->published[strlen(record->published)] = letters[kind];
    record->last_step = step;
    if (kind == AFT_ARCHIVE_CHECKPOINT) {
        record->checkpointed_attempt = state->info.attempt;
    }
    if (reason != NULL) {
        (void)snprintf(record->last_reason, sizeof record->last_reason, "%s", reason);
    }
    return AFT_OK;
}

static void on_event(void *context, const void *event)
{
    (void)context;
    (void)event;
}

static void on_incident(void *context, const char *text)
{
    struct record *record = context;
    (void)text;
    record->incidents++;
}

static void on_lost(void *context, const struct aft_worker_loss *loss)
{
    struct record *record = context;
    record->losses++;
    record->last_loss = *loss;
    (void)snprintf(record->loss_reason, sizeof record->loss_reason, "%s", loss->reason);
}

static void on_state(void *context, enum aft_keeper_state state)
{
    struct record *record = context;
    (void)strcat(record->states, aft_keeper_state_name(state));
    (void)strcat(record->states, " ");
}

static void on_signal(void *context, int number)
{
    struct record *record = context;
    record->signals++;
    record->last_signal = number;
}

static void on_tick(void *context)
{
    struct record *record = context;
    if (record->signal_at > 0 && script->position >= record->signal_at) {
        record->signal_at = 0;
        (void)raise(record->signal_number);
    }
}

struct run {
    struct aft_keeper_config config;
    struct aft_keeper_result result;
    struct record record;
};

/* Runs the keeper over a worker that plays the letters. */
static void run_script(struct run *run, const char *letters)
{
    struct aft_snapshot_region *region = NULL;
    const struct aft_snapshot_sizes sizes = {.slot = 64,
                                             .history_record = 8,
                                             .history_capacity = 8,
                                             .event_record = 8,
                                             .event_capacity = 8};
    int fd = memfd_create("script", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof *script), 0);
    script = mmap(NULL, sizeof *script, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(script != MAP_FAILED);
    (void)snprintf(script->letters, sizeof script->letters, "%s", letters);
    script->stage = 1;
    run->config.worker_command = "_fake_worker";
    run->config.launch_fd = fd;
    if (run->config.last_stage == 0) {
        run->config.last_stage = 1;
    }
    struct aft_keeper_hooks hooks = {.context = &run->record,
                                     .publish = publish,
                                     .event = on_event,
                                     .incident = on_incident,
                                     .lost = on_lost,
                                     .state = on_state,
                                     .signal = on_signal,
                                     .tick = on_tick};
    assert_int_equal(aft_snapshot_create(&region, &sizes, NULL), AFT_OK);
    aft_keeper_run(&run->result, &run->config, &hooks, region);
    aft_snapshot_destroy(region);
    (void)close(fd);
}

static void keeper__publishes_each_stage_and_finishes(void **state)
{
    (void)state;
    struct run run = {.config.last_stage = 2};
    run_script(&run, "ssssCssssC");
    assert_int_equal(run.result.state, AFT_KEEPER_FINISHED);
    assert_string_equal(run.record.published, "SBSB");
    assert_int_equal(script->starts, 1);
    assert_non_null(strstr(run.record.states, "publishing training "));
    assert_non_null(strstr(run.record.states, "publishing finished "));
    assert_int_equal(run.record.losses, 0);
}

static void keeper__writes_an_error_archive_and_goes_on_from_the_last_seal(void **state)
{
    (void)state;
    struct run run = {.config.retries = 1};
    run_script(&run, "ssskssskssC"); /* two losses, with progress between them */
    assert_int_equal(run.result.state, AFT_KEEPER_FINISHED);
    assert_string_equal(run.record.published, "EESB");
    assert_int_equal(script->starts, 3);
    assert_non_null(strstr(run.record.last_reason, "signal 9"));
}

static void keeper__counts_retries_without_progress_only(void **state)
{
    (void)state;
    struct run run = {.config.retries = 2};
    run_script(&run, "sskkkC");
    assert_int_equal(run.result.state, AFT_KEEPER_FAILED);
    assert_string_equal(run.record.published, "EEE");
    assert_int_equal(script->starts, 3);
    assert_int_equal(run.record.last_step, 2);
    assert_false(run.result.before_training);
    assert_int_equal(run.record.losses, 3);
    assert_int_equal(run.record.last_loss.failures, 3);
    assert_false(run.record.last_loss.retried);
    assert_int_equal(run.record.last_loss.step, 2);
    assert_non_null(strstr(run.record.loss_reason, "signal 9"));
    assert_non_null(strstr(run.record.states, "recovering starting "));
    assert_non_null(strstr(run.record.states, "recovering failed "));
}

/* Its steps begin from 0 again, and are progress all the same. */
static void keeper__takes_a_new_attempt_for_progress(void **state)
{
    (void)state;
    struct run run = {.config.retries = 1};
    run_script(&run, "ssskaksksC");
    assert_int_equal(run.result.state, AFT_KEEPER_FINISHED);
    assert_string_equal(run.record.published, "EEESB");
    assert_int_equal(script->starts, 4);
}

static void keeper__takes_any_unannounced_exit_for_a_crash(void **state)
{
    (void)state;
    struct run run = {.config.retries = 3};
    run_script(&run, "ssxssC");
    assert_int_equal(run.result.state, AFT_KEEPER_FINISHED);
    assert_string_equal(run.record.published, "ESB");
    assert_non_null(strstr(run.record.last_reason, "without a word"));
}

static void keeper__does_not_retry_what_will_not_pass(void **state)
{
    (void)state;
    struct run run = {.config.retries = 3};
    run_script(&run, "ssnssC");
    assert_int_equal(run.result.state, AFT_KEEPER_FAILED);
    assert_int_equal(run.result.error.code, AFT_ERR_NUMERIC);
    assert_string_equal(run.record.published, "E");
    assert_int_equal(script->starts, 1);
}

static void keeper__retries_when_memory_was_short(void **state)
{
    (void)state;
    struct run run = {.config.retries = 3};
    run_script(&run, "ssmssC");
    assert_int_equal(run.result.state, AFT_KEEPER_FINISHED);
    assert_string_equal(run.record.published, "ESB");
}

static void keeper__ends_a_worker_that_hangs(void **state)
{
    (void)state;
    struct run run = {.config = {.retries = 3, .hang_timeout_s = 0.5}};
    run_script(&run, "sshssC");
    assert_int_equal(run.result.state, AFT_KEEPER_FINISHED);
    assert_string_equal(run.record.published, "ESB");
    assert_non_null(strstr(run.record.last_reason, "hung"));
}

static void keeper__says_that_nothing_was_ever_sealed(void **state)
{
    (void)state;
    struct run run = {.config.retries = 0};
    run_script(&run, "n");
    assert_int_equal(run.result.state, AFT_KEEPER_FAILED);
    assert_true(run.result.before_training);
    assert_string_equal(run.record.published, "");
}

static void keeper__tries_a_stage_again_until_there_is_space(void **state)
{
    (void)state;
    struct run run = {.config.publish_patience_s = 60, .record.fail_publications = 1};
    run_script(&run, "ssC");
    assert_int_equal(run.result.state, AFT_KEEPER_FINISHED);
    assert_string_equal(run.record.published, "SB");
    assert_int_equal(run.record.incidents, 1);
}

static void keeper__gives_up_a_stage_with_its_state_in_an_error_archive(void **state)
{
    (void)state;
    struct run run = {.config.publish_patience_s = 0, .record.fail_publications = 1000};
    run_script(&run, "ssC");
    assert_int_equal(run.result.state, AFT_KEEPER_FAILED);
    assert_int_equal(run.result.error.code, AFT_ERR_SPACE);
    assert_string_equal(run.record.published, "E");
}

static void keeper__obeys_a_stop_while_a_stage_cannot_be_published(void **state)
{
    (void)state;
    struct run run = {
        .config.publish_patience_s = 60,
        .record = {.fail_publications = 1000, .signal_at = 3, .signal_number = SIGINT}};
    run_script(&run, "ssC");
    assert_int_equal(run.result.state, AFT_KEEPER_STOPPED);
    assert_int_equal(run.result.stop_signal, SIGINT);
    assert_string_equal(run.record.published, "I");
}

static void keeper__stops_with_the_newest_seal_on_each_stop_signal(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct run run = {.record = {.signal_at = 4, .signal_number = signals[i]}};
        run_script(&run, "sssh");
        assert_int_equal(run.result.state, AFT_KEEPER_STOPPED);
        assert_int_equal(run.result.stop_signal, signals[i]);
        assert_string_equal(run.record.published, "I");
        assert_int_equal(run.record.last_step, 3);
    }
}

static void keeper__checkpoints_on_sigusr1_and_ends_on_sigusr2(void **state)
{
    (void)state;
    struct run first = {.record = {.signal_at = 3, .signal_number = SIGUSR1}};
    run_script(&first, "ss....................ssC");
    assert_int_equal(first.result.state, AFT_KEEPER_FINISHED);
    assert_string_equal(first.record.published, "CSB");
    struct run second = {.record = {.signal_at = 3, .signal_number = SIGUSR2}};
    run_script(&second, "ssh");
    assert_int_equal(second.result.state, AFT_KEEPER_STOPPED);
    assert_int_equal(second.result.stop_signal, SIGUSR2);
    assert_string_equal(second.record.published, "C");
}

static void keeper__offers_every_evaluated_state_as_the_best(void **state)
{
    (void)state;
    struct run run = {0};
    run_script(&run, "ssesseC");
    assert_int_equal(run.result.state, AFT_KEEPER_FINISHED);
    assert_string_equal(run.record.published, "BBSB");
}

static void keeper__checkpoints_by_steps(void **state)
{
    (void)state;
    struct run run = {.config.checkpoint_every_steps = 2};
    run_script(&run, "s.......s.......s.......s.......s.......C");
    assert_int_equal(run.result.state, AFT_KEEPER_FINISHED);
    /* Two where the keeper sees every seal; on a busy machine it may see fewer. */
    assert_int_equal(run.record.published[0], 'C');
    assert_string_equal(strchr(run.record.published, 'S'), "SB");
}

static void keeper__checkpoints_a_new_attempt_by_its_own_steps(void **state)
{
    (void)state;
    struct run run = {.config.checkpoint_every_steps = 2};
    run_script(&run, "sssseeaseeC"); /* each e waits for the keeper: it sees steps 5, 6 and 2, 3 */
    assert_int_equal(run.result.state, AFT_KEEPER_FINISHED);
    assert_int_equal(run.record.checkpointed_attempt, 1);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "_fake_worker") == 0) {
        return be_worker(argc, argv);
    }
    aft_keeper_block_signals();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeper__publishes_each_stage_and_finishes),
        cmocka_unit_test(keeper__writes_an_error_archive_and_goes_on_from_the_last_seal),
        cmocka_unit_test(keeper__counts_retries_without_progress_only),
        cmocka_unit_test(keeper__takes_a_new_attempt_for_progress),
        cmocka_unit_test(keeper__takes_any_unannounced_exit_for_a_crash),
        cmocka_unit_test(keeper__does_not_retry_what_will_not_pass),
        cmocka_unit_test(keeper__retries_when_memory_was_short),
        cmocka_unit_test(keeper__ends_a_worker_that_hangs),
        cmocka_unit_test(keeper__says_that_nothing_was_ever_sealed),
        cmocka_unit_test(keeper__tries_a_stage_again_until_there_is_space),
        cmocka_unit_test(keeper__gives_up_a_stage_with_its_state_in_an_error_archive),
        cmocka_unit_test(keeper__obeys_a_stop_while_a_stage_cannot_be_published),
        cmocka_unit_test(keeper__stops_with_the_newest_seal_on_each_stop_signal),
        cmocka_unit_test(keeper__checkpoints_on_sigusr1_and_ends_on_sigusr2),
        cmocka_unit_test(keeper__offers_every_evaluated_state_as_the_best),
        cmocka_unit_test(keeper__checkpoints_by_steps),
        cmocka_unit_test(keeper__checkpoints_a_new_attempt_by_its_own_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
