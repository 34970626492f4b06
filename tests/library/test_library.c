/* libaftershock through its header alone. */
#include <aftershock/aftershock.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURRICULUM AFT_SOURCE_DIR "/stages.ini"

enum { N = 20, MAX_OBS = 64, MAX_METRICS = 8 };

static const char *const short_episodes[] = {"environment.episode_s=0.8",
                                             "ground_motion.onset_max_s=0.1"};

struct batch { /* a building, and the arrays of its steps */
    struct aftershock *building;
    size_t n_obs;
    float obs[N * MAX_OBS], final_obs[N * MAX_OBS], reward[N], metrics[N * MAX_METRICS];
    uint8_t terminated[N], truncated[N];
    struct aftershock_results results;
};

static struct aftershock_options options_of(int threads)
{
    struct aftershock_options options = AFTERSHOCK_OPTIONS;
    options.n_envs = N;
    options.threads = threads;
    options.n_settings = 2;
    options.settings = short_episodes;
    return options;
}

static struct batch *open_batch(int threads)
{
    struct aftershock_error error;
    struct batch *batch = calloc(1, sizeof *batch);
    assert_non_null(batch);
    struct aftershock_options options = options_of(threads);
    if (aftershock_create(&batch->building, CURRICULUM, &options, &error) != AFTERSHOCK_OK) {
        fail_msg("%s", error.message);
    }
    int obs_dim = aftershock_obs_dim(batch->building);
    assert_in_range(obs_dim, 1, MAX_OBS);
    assert_in_range(aftershock_n_metrics(batch->building), 1, MAX_METRICS);
    assert_int_equal(aftershock_n_envs(batch->building), N);
    assert_int_equal(aftershock_action_dim(batch->building), 1);
    batch->n_obs = (size_t)N * (size_t)obs_dim;
    batch->results = (struct aftershock_results){
        .size = sizeof batch->results,
        .n_envs = N,
        .obs_dim = obs_dim,
        .n_metrics = aftershock_n_metrics(batch->building),
        .obs = batch->obs,
        .final_obs = batch->final_obs,
        .reward = batch->reward,
        .terminated = batch->terminated,
        .truncated = batch->truncated,
        .metrics = batch->metrics,
    };
    return batch;
}

static void close_batch(struct batch *batch)
{
    aftershock_close(&batch->building);
    assert_null(batch->building);
    free(batch);
}

static void reset(struct batch *batch)
{
    assert_int_equal(aftershock_reset(batch->building, batch->obs, batch->n_obs, NULL), 0);
}

/* Actions that differ between environments and steps. */
static void fill_actions(float actions[N], int step)
{
    for (int i = 0; i < N; i++) {
        actions[i] = sinf((float)(step * (i + 1)));
    }
}

static void do_step(struct batch *batch, int number)
{
    float actions[N];
    fill_actions(actions, number);
    assert_int_equal(aftershock_step(batch->building, actions, N, &batch->results, NULL), 0);
}

static void assert_same_batch(const struct batch *a, const struct batch *b)
{
    assert_memory_equal(a->obs, b->obs, a->n_obs * sizeof(float));
    assert_memory_equal(a->final_obs, b->final_obs, a->n_obs * sizeof(float));
    assert_memory_equal(a->reward, b->reward, sizeof a->reward);
    assert_memory_equal(a->terminated, b->terminated, sizeof a->terminated);
    assert_memory_equal(a->truncated, b->truncated, sizeof a->truncated);
    assert_memory_equal(a->metrics, b->metrics, sizeof a->metrics);
}

static void assert_refused(int code, int expected, const struct aftershock_error *error,
                           const char *part)
{
    assert_int_equal(code, expected);
    assert_int_equal(error->code, expected);
    if (strstr(error->message, part) == NULL) {
        fail_msg("'%s' does not say '%s'", error->message, part);
    }
}

static void library__says_what_it_is(void **state)
{
    (void)state;
    struct batch *batch = open_batch(2);
    assert_int_equal(aftershock_abi_version(), AFTERSHOCK_ABI_VERSION);
    assert_non_null(strchr(aftershock_version(), '.'));
    assert_int_equal(aftershock_threads(batch->building), 2);
    assert_true(fabs(aftershock_step_s(batch->building) - 0.04) < 1e-12);
    assert_true(fabs(aftershock_force_limit_n(batch->building) - 50e3) < 1e-6);
    assert_string_equal(aftershock_metric_name(batch->building, 0), "peak_drift_to_passive");
    assert_null(aftershock_metric_name(batch->building, -1));
    assert_null(aftershock_metric_name(batch->building, aftershock_n_metrics(batch->building)));
    close_batch(batch);
}

static void create__refuses_what_is_wrong_and_says_why(void **state)
{
    (void)state;
    static const char *const unknown[] = {"run.seed=2", "ppo.colour=red"};
    static const char *const missing[] = {NULL, NULL};
    struct aftershock_error error;
    struct aftershock *none = (struct aftershock *)&error;
    struct aftershock_options options = options_of(1);
    int code = aftershock_create(&none, "/nowhere/stages.ini", &options, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "/nowhere/stages.ini");
    assert_null(none);
    code = aftershock_create(&none, NULL, &options, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "no curriculum");
    options.stage = 5;
    code = aftershock_create(&none, CURRICULUM, &options, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "stage 5");
    options.stage = 0;
    code = aftershock_create(&none, CURRICULUM, &options, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "stage 0");
    options = options_of(-1);
    code = aftershock_create(&none, CURRICULUM, &options, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "-1 threads");
    options = options_of(1);
    options.n_envs = -3;
    code = aftershock_create(&none, CURRICULUM, &options, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "n_envs is -3");
    options = options_of(1);
    options.settings = unknown;
    code = aftershock_create(&none, CURRICULUM, &options, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "ppo.colour");
    options.settings = missing;
    code = aftershock_create(&none, CURRICULUM, &options, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "setting 0");
    options.size = 8;
    code = aftershock_create(&none, CURRICULUM, &options, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "8 bytes");
    code = aftershock_create_from_text(&none, NULL, 0, "x.ini", NULL, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "no curriculum");
    static const char text[] = "[stage M4.5@50kN]\ntimesteps = soon\n";
    code = aftershock_create_from_text(&none, text, sizeof text - 1, "x.ini", NULL, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "x.ini:2");
    assert_null(none);
}

static void create__takes_a_text_and_its_defaults(void **state)
{
    (void)state;
    static const char text[] = "[stage M4.5@50kN]\ntimesteps = 1e6\n[stage M5@70kN]\ntimesteps=1e6";
    struct aftershock *building;
    struct aftershock_options options = AFTERSHOCK_OPTIONS;
    options.stage = 2;
    assert_int_equal(
        aftershock_create_from_text(&building, text, sizeof text - 1, "x.ini", &options, NULL), 0);
    assert_true(fabs(aftershock_force_limit_n(building) - 70e3) < 1e-6);
    assert_int_equal(aftershock_n_envs(building), 64);
    assert_int_equal(aftershock_threads(building), 1);
    aftershock_close(&building);
    aftershock_close(&building);
}

static void calls__refuse_other_sizes(void **state)
{
    (void)state;
    struct batch *batch = open_batch(1);
    struct aftershock_error error;
    float actions[N] = {0.0F};
    int code = aftershock_reset(batch->building, batch->obs, batch->n_obs - 1, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "obs");
    code = aftershock_step(batch->building, actions, N, &batch->results, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "reset first");
    reset(batch);
    code = aftershock_step(batch->building, actions, N - 1, &batch->results, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "actions");
    struct aftershock_results wrong = batch->results;
    wrong.obs_dim++;
    code = aftershock_step(batch->building, actions, N, &wrong, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "obs_dim");
    wrong = batch->results;
    wrong.metrics = NULL;
    code = aftershock_step(batch->building, actions, N, &wrong, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "NULL");
    wrong = batch->results;
    wrong.size = 0;
    code = aftershock_step(batch->building, actions, N, &wrong, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "bytes");
    close_batch(batch);
}

static void calls__refuse_arrays_that_are_null(void **state)
{
    (void)state;
    struct batch *batch = open_batch(1);
    struct aftershock_error error;
    float actions[N] = {0.0F};
    int code = aftershock_reset(batch->building, NULL, batch->n_obs, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "reset: obs: the array is NULL");
    reset(batch);
    code = aftershock_step(batch->building, NULL, N, &batch->results, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "step: actions: the array is NULL");
    code = aftershock_step(batch->building, actions, N, NULL, &error);
    assert_refused(code, AFTERSHOCK_USAGE, &error, "results");
    do_step(batch, 0);
    close_batch(batch);
}

static void step__changes_nothing_where_an_action_is_not_finite(void **state)
{
    (void)state;
    struct batch *disturbed = open_batch(2), *quiet = open_batch(1);
    struct aftershock_error error;
    reset(disturbed);
    reset(quiet);
    for (int step = 0; step < 30; step++) {
        float actions[N];
        fill_actions(actions, step);
        actions[N - 1] = step % 2 == 0 ? (float)NAN : (float)INFINITY;
        int code = aftershock_step(disturbed->building, actions, N, &disturbed->results, &error);
        assert_refused(code, AFTERSHOCK_NUMERIC, &error, "environment 19");
        do_step(disturbed, step);
        do_step(quiet, step);
        assert_same_batch(disturbed, quiet);
    }
    close_batch(disturbed);
    close_batch(quiet);
}

static void step__gives_the_same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    struct batch *one = open_batch(1), *three = open_batch(3);
    reset(one);
    reset(three);
    for (int step = 0; step < 60; step++) {
        do_step(one, step);
        do_step(three, step);
        assert_same_batch(one, three);
    }
    close_batch(one);
    close_batch(three);
}

static void step__truncates_episodes_and_hands_out_their_figures(void **state)
{
    (void)state;
    struct batch *batch = open_batch(1);
    int ended[N] = {0};
    reset(batch);
    for (int step = 0; step < 60; step++) { /* an episode is 20 steps */
        do_step(batch, step);
        for (int i = 0; i < N; i++) {
            assert_int_equal(batch->terminated[i], 0);
            assert_true(isfinite(batch->reward[i]));
            ended[i] += batch->truncated[i];
            if (batch->truncated[i]) {
                assert_int_equal((step - i) % 20, 0);
                float peak = batch->metrics[i * batch->results.n_metrics];
                assert_true(peak > 0.0F || (step < 20 && peak == 0.0F)); /* before the motion */
                assert_true(memcmp(batch->final_obs + i * batch->results.obs_dim,
                                   batch->obs + i * batch->results.obs_dim,
                                   (size_t)batch->results.obs_dim * sizeof(float)) != 0);
            }
        }
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(ended[i], 3);
    }
    close_batch(batch);
}

static void reset__goes_on_to_the_next_episodes(void **state)
{
    (void)state;
    struct batch *restarted = open_batch(1), *ended = open_batch(1);
    size_t dim = (size_t)ended->results.obs_dim, size = dim * sizeof(float);
    size_t last = (N - 1) * dim; /* whose first episode is a full one, of 20 steps */
    float of_first[MAX_OBS];
    reset(ended);
    for (int step = 0; step < 20; step++) {
        do_step(ended, step);
    }
    assert_int_equal(ended->truncated[N - 1], 1);
    reset(restarted);
    for (int step = 0; step < 10; step++) {
        do_step(restarted, step);
    }
    memcpy(of_first, restarted->obs + last, size);
    reset(restarted);
    assert_memory_equal(restarted->obs + last, ended->obs + last, size);
    for (int step = 0; step < 30; step++) {
        if (step == 10) { /* the same actions, another episode */
            assert_memory_not_equal(restarted->obs + last, of_first, size);
        }
        do_step(restarted, step);
        do_step(ended, step);
        assert_memory_equal(restarted->obs + last, ended->obs + last, size);
    }
    close_batch(restarted);
    close_batch(ended);
}

static void seed__begins_other_episodes_and_the_same_ones_again(void **state)
{
    (void)state;
    struct batch *batch = open_batch(1), *other = open_batch(1);
    reset(batch);
    aftershock_seed(other->building, 1); /* the curriculum's */
    reset(other);
    assert_memory_equal(batch->obs, other->obs, batch->n_obs * sizeof(float));
    aftershock_seed(other->building, UINT64_MAX);
    do_step(batch, 0); /* not yet: at the next reset */
    do_step(other, 0);
    assert_same_batch(batch, other);
    reset(other);
    reset(batch);
    for (int step = 0; step < 30; step++) {
        do_step(other, step);
        do_step(batch, step);
    }
    assert_memory_not_equal(batch->obs, other->obs, batch->n_obs * sizeof(float));
    aftershock_seed(batch->building, UINT64_MAX);
    reset(batch);
    for (int step = 0; step < 30; step++) {
        do_step(batch, step);
    }
    assert_same_batch(batch, other);
    close_batch(batch);
    close_batch(other);
}

static void library__leaves_signals_and_locale_alone(void **state)
{
    (void)state;
    struct sigaction before[NSIG], after;
    sigset_t kept, now;
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &kept), 0);
    for (int i = 1; i < NSIG; i++) {
        memset(&before[i], 0, sizeof before[i]);
        (void)sigaction(i, NULL, &before[i]);
    }
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL) {
        print_message("no locale de_DE.UTF-8: numbers were read in locale C only\n");
    }
    locale_t locale = uselocale((locale_t)0);
    struct batch *batch = open_batch(2);
    reset(batch);
    do_step(batch, 0);
    assert_ptr_equal(uselocale((locale_t)0), locale);
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &now), 0);
    for (int i = 1; i < NSIG; i++) {
        assert_int_equal(sigismember(&now, i), sigismember(&kept, i));
        memset(&after, 0, sizeof after);
        (void)sigaction(i, NULL, &after);
        assert_ptr_equal((void *)(uintptr_t)after.sa_handler,
                         (void *)(uintptr_t)before[i].sa_handler);
    }
    close_batch(batch);
    (void)setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library__says_what_it_is),
        cmocka_unit_test(create__refuses_what_is_wrong_and_says_why),
        cmocka_unit_test(create__takes_a_text_and_its_defaults),
        cmocka_unit_test(calls__refuse_other_sizes),
        cmocka_unit_test(calls__refuse_arrays_that_are_null),
        cmocka_unit_test(step__changes_nothing_where_an_action_is_not_finite),
        cmocka_unit_test(step__gives_the_same_bits_on_any_number_of_threads),
        cmocka_unit_test(step__truncates_episodes_and_hands_out_their_figures),
        cmocka_unit_test(reset__goes_on_to_the_next_episodes),
        cmocka_unit_test(seed__begins_other_episodes_and_the_same_ones_again),
        cmocka_unit_test(library__leaves_signals_and_locale_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
