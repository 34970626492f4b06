/*
 * Every form that `aftershock export` writes, from the other side, over 10 000
 * observations: the C file compiled and run here, the others by Python (numpy, onnx,
 * torch) and by ONNX Runtime for node, each where it is to be had.
 */
#include "tests/runner/policy_rows.h"
#include "tests/runner/program.h"

#include <dlfcn.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static const char assisted[] =
    "[run]\nname = small\nseed = 7\n"
    "[actuator]\nactuator_lag_s = 0.02\n"
    "[environment]\nn_envs = 16\nepisode_s = 4\nacceleration_floors = 2,4,6,8,10,12\n"
    "sensor_noise = 0.003\nsensor_bits = 16\nlatency_steps = 2\nobserver = kalman\n"
    "nominal = lqg\nstroke_guard = 0.93\n"
    "[ground_motion]\ndistance_km = 5\n"
    "[ppo]\nnetwork = 64,64\nn_steps = 50\nbatch_size = 200\nn_epochs = 4\n"
    "normalize_observation = true\n"
    "[evaluation]\nmotions = 0\n"
    "[stage M4.5@50kN]\ntimesteps = 24000\n";

/* Another network, no observer, a guard by the measured stroke, drifts measured. */
static const char plain[] =
    "[run]\nname = small\nseed = 8\n"
    "[environment]\nn_envs = 16\nepisode_s = 4\ndrift_storeys = 1,8\nstroke_guard = 0.9\n"
    "[ground_motion]\ndistance_km = 5\n"
    "[ppo]\nnetwork = 48,32,16\nactivation = relu\nn_steps = 50\nbatch_size = 200\n"
    "normalize_observation = false\n"
    "[evaluation]\nmotions = 0\n"
    "[stage M4.5@112.5kN]\ntimesteps = 8000\n";

/* An observer alone, without delay, whose channels may drop out; no guard. */
static const char estimated[] =
    "[run]\nname = small\nseed = 9\n"
    "[environment]\nn_envs = 16\nepisode_s = 4\nobserver = kalman\ndropout = 0.05\n"
    "latency_steps = 0\nsensor_noise = 0.002\ndrift_storeys = 3\n"
    "[ground_motion]\ndistance_km = 5\n"
    "[ppo]\nnetwork = 32\nn_steps = 50\nbatch_size = 200\n"
    "[evaluation]\nmotions = 0\n"
    "[stage M4.5@50kN]\ntimesteps = 8000\n";

struct compiled {
    void *library;
    void (*policy_step)(const float obs[], float *force_n);
    void (*controller_reset)(void);
    void (*controller_step)(const float sensors[], float *force_n);
};

static struct subject {
    const char *name, *curriculum;
    bool observer;
    char folder[PATH_MAX]; /* with policy.c, .onnx, .pt, .safetensors and rows.f32 */
    struct policy_rows rows;
    struct compiled compiled; /* policy.c */
} subjects[] = {
    {"assisted", assisted, true, "", {0}, {0}},
    {"plain", plain, false, "", {0}, {0}},
    {"estimated", estimated, true, "", {0}, {0}},
};
enum { N_SUBJECTS = sizeof subjects / sizeof subjects[0] };

/* Fixed text and temporary paths of our own making. */
static __attribute__((format(printf, 1, 2))) int shell(const char *format, ...)
{
    char command[4 * PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_true(n < (int)sizeof command);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- fixture: each subject trained, its rows made, its policy exported in every form --- */

static void find(void *function, void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol); /* POSIX's way from void * to a function */
}

static void compile(struct subject *subject)
{
    struct compiled *compiled = &subject->compiled;
    char path[PATH_MAX + 16];
    const char *cc = getenv("CC");
    assert_int_equal(shell("%s -std=c99 -Wall -Wextra -Wconversion -Werror -pedantic -O2 -fPIC "
                           "-shared -nostdlib -o %s/policy.so %s/policy.c",
                           cc != NULL && *cc != '\0' ? cc : "cc", subject->folder, subject->folder),
                     0);
    (void)snprintf(path, sizeof path, "%s/policy.so", subject->folder);
    compiled->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(compiled->library);
    find(&compiled->policy_step, compiled->library, "policy_step");
    find(&compiled->controller_reset, compiled->library, "controller_reset");
    find(&compiled->controller_step, compiled->library, "controller_step");
    assert_non_null(compiled->policy_step);
}

static void prepare(struct subject *subject)
{
    char path[PATH_MAX + 16], archive[PATH_MAX + 64];
    static const char *const endings[] = {"c", "onnx", "pt", "safetensors"};
    program_make_folder(subject->folder);
    (void)snprintf(path, sizeof path, "%s/small.ini", subject->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(subject->curriculum, file) >= 0);
    assert_int_equal(fclose(file), 0);
    if (program_train(subject->folder, path, NULL) != 0) {
        program_show_output(subject->folder);
        fail_msg("'%s' could not be trained", subject->name);
    }
    (void)snprintf(archive, sizeof archive, "%s/models/small/final_small.zip", subject->folder);
    policy_rows_make(&subject->rows, archive);
    (void)snprintf(path, sizeof path, "%s/rows.f32", subject->folder);
    policy_rows_write(&subject->rows, path);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        assert_int_equal(shell("%s/aftershock export %s -o %s/policy.%s >/dev/null", AFT_BUILD_DIR,
                               archive, subject->folder, endings[i]),
                         0);
    }
    compile(subject);
}

static int prepare_all(void **state)
{
    (void)state;
    for (int i = 0; i < N_SUBJECTS; i++) {
        prepare(&subjects[i]);
    }
    return 0;
}

static int clean(void **state)
{
    (void)state;
    for (int i = 0; i < N_SUBJECTS; i++) {
        (void)dlclose(subjects[i].compiled.library);
        policy_rows_clear(&subjects[i].rows);
        program_remove_folder(subjects[i].folder);
    }
    return 0;
}

/* --- the C file --- */

/* Something was compared: actions of any size, and the limits at work. */
static void expect_lively(const struct subject *subject)
{
    const struct policy_rows *rows = &subject->rows;
    double largest = 0.0;
    for (int i = 0; i < rows->n; i++) {
        largest = fmax(largest, fabs((double)policy_row(rows, i)[rows->width - 2]));
    }
    print_message("%s: actions up to %.3f, %d rows clipped, %d guarded\n", subject->name, largest,
                  rows->clipped, rows->guarded);
    assert_true(largest > 0.01);
    if (subject != &subjects[2]) { /* that one has no guard */
        assert_true(rows->guarded > 100);
    }
}

static void csource__gives_the_force_of_the_policy(void **state)
{
    (void)state;
    for (int s = 0; s < N_SUBJECTS; s++) {
        const struct policy_rows *rows = &subjects[s].rows;
        struct compiled compiled = subjects[s].compiled;
        double worst = 0.0;
        expect_lively(&subjects[s]);
        for (int i = 0; i < rows->n; i++) {
            float force_n = (float)NAN;
            compiled.policy_step(policy_row_obs(rows, i), &force_n);
            double off = fabs((double)force_n / rows->force_limit_n - policy_row_share(rows, i));
            if (policy_row(rows, i)[ROW_MARGIN] > 1e-5F) {
                worst = fmax(worst, isfinite(off) ? off : 1e9);
            }
        }
        print_message("%s: csource differs by at most %.2e of the force limit\n", subjects[s].name,
                      worst);
        assert_true(worst <= 1e-6);
    }
}

static void csource__has_no_force_for_what_is_no_number(void **state)
{
    (void)state;
    for (int s = 0; s < N_SUBJECTS; s++) {
        const struct policy_rows *rows = &subjects[s].rows;
        struct compiled compiled = subjects[s].compiled;
        float obs[AFT_OBSERVATION_MAX_ENTRIES];
        for (int k = 0; k < rows->obs_dim; k++) {
            float force_n = 1.0F;
            memcpy(obs, policy_row_obs(rows, 100), (size_t)rows->obs_dim * sizeof *obs);
            obs[k] = (float)NAN;
            compiled.policy_step(obs, &force_n);
            assert_true(force_n == 0.0F);
            obs[k] = INFINITY;
            compiled.policy_step(obs, &force_n);
            assert_true(fabs((double)force_n) <= rows->force_limit_n);
        }
    }
}

/* The first row in which the guard brakes fully though the policy asks for less. */
static const float *guarded_obs(const struct policy_rows *rows, double *share)
{
    for (int i = 0; i < rows->n; i++) {
        double action = (double)policy_row(rows, i)[rows->width - 2];
        *share = policy_row_share(rows, i);
        if (fabs(*share) == 1.0 && *share * action < 0.0 &&
            policy_row(rows, i)[ROW_MARGIN] > 0.1F) {
            return policy_row_obs(rows, i);
        }
    }
    fail_msg("no row is guarded");
    return NULL;
}

static void csource__brakes_though_another_sensor_is_broken(void **state)
{
    (void)state;
    const struct policy_rows *rows = &subjects[1].rows; /* it has no nominal controller */
    float obs[AFT_OBSERVATION_MAX_ENTRIES], force_n = 0.0F;
    double share = 0.0;
    memcpy(obs, guarded_obs(rows, &share), (size_t)rows->obs_dim * sizeof *obs);
    obs[0] = (float)NAN; /* an acceleration */
    subjects[1].compiled.policy_step(obs, &force_n);
    assert_true((double)force_n == share * rows->force_limit_n);
}

static void controller_step__follows_the_environments_observer(void **state)
{
    (void)state;
    for (int s = 0; s < N_SUBJECTS; s++) {
        const struct policy_rows *rows = &subjects[s].rows;
        struct compiled compiled = subjects[s].compiled;
        double worst = 0.0;
        int starts = 0;
        assert_int_equal(compiled.controller_step != NULL, subjects[s].observer);
        for (int i = 0; i < rows->n && subjects[s].observer; i++) {
            const float *row = policy_row(rows, i);
            float force_n = (float)NAN;
            if (row[ROW_START] < 0.0F) {
                break; /* drawn, not measured */
            }
            if (row[ROW_START] > 0.0F) {
                compiled.controller_reset();
                starts++;
            }
            compiled.controller_step(row + ROW_SENSORS, &force_n);
            double off = fabs((double)force_n / rows->force_limit_n - policy_row_share(rows, i));
            if (row[ROW_MARGIN] > 1e-3F) {
                worst = fmax(worst, isfinite(off) ? off : 1e9);
            }
        }
        print_message("%s: controller_step differs by at most %.2e of the force limit\n",
                      subjects[s].name, worst);
        assert_true(starts > 3 || !subjects[s].observer);
        /* Two filters in single precision with other roundings, times the gain of LQG. */
        assert_true(worst <= 1e-3);
    }
}

static void controller_step__outlives_a_broken_sensor(void **state)
{
    (void)state;
    const struct policy_rows *rows = &subjects[0].rows;
    struct compiled compiled = subjects[0].compiled;
    float sensors[AFT_OBSERVATION_MAX_CHANNELS + 1], force_n = 0.0F;
    compiled.controller_reset();
    for (int i = 0; i < 200; i++) {
        memcpy(sensors, policy_row(rows, i) + ROW_SENSORS,
               (size_t)rows->n_sensors * sizeof *sensors);
        if (i >= 50 && i < 60) {
            sensors[i % rows->n_sensors] = i % 2 == 0 ? (float)NAN : INFINITY;
        }
        compiled.controller_step(sensors, &force_n);
        assert_true(fabs((double)force_n) <= rows->force_limit_n);
    }
    assert_true(fabs((double)force_n) > 0.0);
}

/* --- the others --- */

static void expect_agreement(const char *checker, const char *form)
{
    for (int s = 0; s < N_SUBJECTS; s++) {
        const struct subject *subject = &subjects[s];
        assert_int_equal(shell("OMP_NUM_THREADS=1 %s %s %s %d %.9g", checker, form, subject->folder,
                               subject->rows.n_sensors, subject->rows.force_limit_n),
                         0);
    }
}

#define PYTHON "/usr/bin/python3 " AFT_SOURCE_DIR "/tests/runner/exported_in_python.py"

static void need_python(const char *module)
{
    if (shell("/usr/bin/python3 -c 'import %s' >/dev/null 2>&1", module) != 0) {
        print_message("python3 has no %s\n", module);
        skip();
    }
}

static void safetensors__holds_the_weights(void **state)
{
    (void)state;
    need_python("numpy");
    expect_agreement(PYTHON, "safetensors");
}

static void onnx__passes_the_checker_and_agrees(void **state)
{
    (void)state;
    need_python("numpy");
    need_python("onnx");
    expect_agreement(PYTHON, "onnx");
}

static void onnx__agrees_in_onnx_runtime(void **state)
{
    (void)state;
    if (shell("test -d %s/tests/onnxruntime/node_modules/onnxruntime-node && "
              "node --version >/dev/null 2>&1",
              AFT_BUILD_DIR) != 0) {
        print_message("no onnxruntime-node: see tests/runner/onnxruntime/install\n");
        skip();
    }
    expect_agreement("NODE_PATH=" AFT_BUILD_DIR
                     "/tests/onnxruntime/node_modules node " AFT_SOURCE_DIR
                     "/tests/runner/onnxruntime/check.js",
                     "onnx");
}

static void torchscript__agrees_in_torch(void **state)
{
    (void)state;
    need_python("numpy");
    need_python("torch");
    expect_agreement(PYTHON, "torchscript");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csource__gives_the_force_of_the_policy),
        cmocka_unit_test(csource__has_no_force_for_what_is_no_number),
        cmocka_unit_test(csource__brakes_though_another_sensor_is_broken),
        cmocka_unit_test(controller_step__follows_the_environments_observer),
        cmocka_unit_test(controller_step__outlives_a_broken_sensor),
        cmocka_unit_test(safetensors__holds_the_weights),
        cmocka_unit_test(onnx__passes_the_checker_and_agrees),
        cmocka_unit_test(onnx__agrees_in_onnx_runtime),
        cmocka_unit_test(torchscript__agrees_in_torch),
    };
    return cmocka_run_group_tests(tests, prepare_all, clean);
}
