/*
 * A stage archive from the other side: Python's torch reads policy.pth into
 * Stable-Baselines3's names and shapes, and its forward pass equals the native
 * engine's on the same inputs. Skipped where python3 has no torch.
 */
#include "recovery/archive.h"
#include "tests/runner/program.h"
#include "trainer/engine.h"

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

enum { ROWS = 200 };

static int run_python(const char *arguments)
{
    char command[3 * PATH_MAX + 32];
    (void)snprintf(command, sizeof command, "/usr/bin/python3 %s", arguments);
    int status = system(command); /* fixed text and temporary paths of our own making */
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct aft_network network_of(const struct aft_archive_tensor *tensors, int n)
{
    struct aft_network network = {.action_dim = 1, .activation = AFT_TANH};
    for (int i = 0; i < n; i++) {
        const char *prefix = "mlp_extractor.policy_net.";
        if (strncmp(tensors[i].name, prefix, strlen(prefix)) == 0 && tensors[i].n_dims == 2) {
            if (network.n_hidden == 0) {
                network.obs_dim = (int)tensors[i].dims[1];
            }
            network.hidden[network.n_hidden++] = (int)tensors[i].dims[0];
        }
    }
    return network;
}

static void load_weights(const struct aft_engine *engine, const struct aft_archive_tensor *tensors,
                         int n)
{
    size_t total = 0;
    for (int i = 0; i < n; i++) {
        total += tensors[i].count;
    }
    float *flat = calloc(3 * total, sizeof *flat);
    assert_non_null(flat);
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        memcpy(flat + at, tensors[i].value, tensors[i].count * sizeof *flat);
        at += tensors[i].count;
    }
    struct aft_engine_state state = {flat, flat + total, flat + 2 * total, 0};
    assert_int_equal(engine->use->import_state(engine->self, &state, NULL), AFT_OK);
    free(flat);
}

/* Writes rows of observation, mean action and value as floats. */
static void write_forward_pass(const char *archive_path, const char *path)
{
    struct aft_archive *archive = NULL;
    struct aft_engine engine = {0};
    const struct aft_archive_tensor *tensors = NULL;
    static float obs[ROWS * 256], actions[ROWS], values[ROWS];
    assert_int_equal(aft_archive_open(&archive, archive_path, NULL), AFT_OK);
    int n = aft_archive_tensors(archive, &tensors);
    struct aft_engine_config config = {.network = network_of(tensors, n),
                                       .max_rows = ROWS,
                                       .max_batch = ROWS,
                                       .act_slots = 1,
                                       .device = "cpu"};
    assert_int_equal(aft_engine_open(&engine, "native", &config, NULL), AFT_OK);
    load_weights(&engine, tensors, n);
    int dim = config.network.obs_dim;
    for (int i = 0; i < ROWS * dim; i++) {
        obs[i] = 3.0f * (float)sin(0.7 * i + 0.001 * i * i);
    }
    assert_int_equal(engine.use->act(engine.self, 0, ROWS, obs, NULL, actions, NULL, values, NULL),
                     AFT_OK);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(fwrite(obs + i * dim, sizeof *obs, (size_t)dim, file), dim);
        assert_int_equal(fwrite(&actions[i], sizeof *actions, 1, file), 1);
        assert_int_equal(fwrite(&values[i], sizeof *values, 1, file), 1);
    }
    assert_int_equal(fclose(file), 0);
    aft_engine_close(&engine);
    aft_archive_close(archive);
}

static void policy_pth__gives_python_the_same_forward_pass(void **state)
{
    (void)state;
    char folder[PATH_MAX], curriculum[PATH_MAX], archive[PATH_MAX], rows[PATH_MAX];
    char arguments[3 * PATH_MAX];
    const char *const one_stage[] = {"--stop-after-stage", "1", NULL};
    if (run_python("-c 'import torch' >/dev/null 2>&1") != 0) {
        (void)fprintf(stderr, "python3 has no torch\n");
        skip();
    }
    program_make_folder(folder);
    program_write_curriculum(curriculum, folder, "small.ini");
    assert_int_equal(program_train(folder, curriculum, one_stage), 0);
    assert_true(snprintf(archive, PATH_MAX, "%s/models/small/stage1_50kN.zip", folder) < PATH_MAX);
    assert_true(snprintf(rows, PATH_MAX, "%s/rows.f32", folder) < PATH_MAX);
    write_forward_pass(archive, rows);
    (void)snprintf(arguments, sizeof arguments, "%s/tests/runner/policy_in_torch.py %s %s 16,16",
                   AFT_SOURCE_DIR, archive, rows);
    assert_int_equal(run_python(arguments), 0);
    program_remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_pth__gives_python_the_same_forward_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
