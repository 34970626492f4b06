/* trainer/network.h: layout and first weights. */
#include "trainer/network.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct aft_network EXAMPLE = {
    .obs_dim = 22, .action_dim = 2, .n_hidden = 2, .hidden = {64, 32}, .activation = AFT_TANH};

struct expected {
    const char *name;
    int n_dims, dims[2];
};

/* The order of state_dict() of Stable-Baselines3's ActorCriticPolicy. */
static const struct expected EXPECTED[] = {
    {"log_std", 1, {2, 1}},
    {"mlp_extractor.policy_net.0.weight", 2, {64, 22}},
    {"mlp_extractor.policy_net.0.bias", 1, {64, 1}},
    {"mlp_extractor.policy_net.2.weight", 2, {32, 64}},
    {"mlp_extractor.policy_net.2.bias", 1, {32, 1}},
    {"mlp_extractor.value_net.0.weight", 2, {64, 22}},
    {"mlp_extractor.value_net.0.bias", 1, {64, 1}},
    {"mlp_extractor.value_net.2.weight", 2, {32, 64}},
    {"mlp_extractor.value_net.2.bias", 1, {32, 1}},
    {"action_net.weight", 2, {2, 32}},
    {"action_net.bias", 1, {2, 1}},
    {"value_net.weight", 2, {1, 32}},
    {"value_net.bias", 1, {1, 1}},
};
enum { N_EXPECTED = sizeof EXPECTED / sizeof *EXPECTED };

static void network_tensor__follows_stable_baselines3(void **state)
{
    (void)state;
    size_t offset = 0;
    assert_int_equal(aft_network_tensor_count(&EXAMPLE), N_EXPECTED);
    for (int i = 0; i < N_EXPECTED; i++) {
        struct aft_network_tensor tensor;
        aft_network_tensor(&tensor, &EXAMPLE, i);
        assert_string_equal(tensor.name, EXPECTED[i].name);
        assert_int_equal(tensor.n_dims, EXPECTED[i].n_dims);
        assert_int_equal(tensor.dims[0], EXPECTED[i].dims[0]);
        assert_int_equal(tensor.dims[1], EXPECTED[i].dims[1]);
        assert_int_equal(tensor.count, EXPECTED[i].dims[0] * EXPECTED[i].dims[1]);
        assert_int_equal(tensor.offset, offset);
        offset += tensor.count;
    }
    assert_int_equal(aft_network_parameter_count(&EXAMPLE), offset);
}

static float *initialised(const struct aft_network *network, const struct aft_network_init *init,
                          uint64_t seed)
{
    float *parameters = malloc(aft_network_parameter_count(network) * sizeof *parameters);
    assert_non_null(parameters);
    assert_int_equal(aft_network_initialise(parameters, network, init,
                                            aft_random_key(seed, 1, AFT_RANDOM_WEIGHTS)),
                     AFT_OK);
    return parameters;
}

/* The shorter dimension's vectors are orthogonal and of length gain. */
static void check_orthogonal(const float *w, const struct aft_network_tensor *tensor, double gain)
{
    int rows = tensor->dims[0], columns = tensor->dims[1];
    int count = rows < columns ? rows : columns, length = rows < columns ? columns : rows;
    for (int a = 0; a < count; a++) {
        for (int b = 0; b <= a; b++) {
            double sum = 0.0;
            for (int k = 0; k < length; k++) {
                sum += rows < columns ? (double)w[a * columns + k] * (double)w[b * columns + k]
                                      : (double)w[k * columns + a] * (double)w[k * columns + b];
            }
            assert_true(fabs(sum - (a == b ? gain * gain : 0.0)) < 1e-6 * gain * gain);
        }
    }
}

static void network_initialise__gives_orthogonal_weights(void **state)
{
    (void)state;
    const struct aft_network_init init = {true, 0.01, -0.7};
    float *parameters = initialised(&EXAMPLE, &init, 3);
    for (int i = 0; i < aft_network_tensor_count(&EXAMPLE); i++) {
        struct aft_network_tensor tensor;
        aft_network_tensor(&tensor, &EXAMPLE, i);
        const float *values = &parameters[tensor.offset];
        if (tensor.n_dims == 2) {
            double gain = strncmp(tensor.name, "mlp", 3) == 0   ? sqrt(2.0)
                          : strncmp(tensor.name, "act", 3) == 0 ? 0.01
                                                                : 1.0;
            check_orthogonal(values, &tensor, gain);
        }
        for (size_t k = 0; tensor.n_dims == 1 && k < tensor.count; k++) {
            assert_float_equal(values[k], i == 0 ? -0.7f : 0.0f, 0.0);
        }
    }
    free(parameters);
}

static void network_initialise__can_be_uniform(void **state)
{
    (void)state;
    const struct aft_network_init init = {false, 0.01, 0.0};
    float *parameters = initialised(&EXAMPLE, &init, 3);
    double largest = 0.0, bound = 1.0 / sqrt(22.0);
    for (size_t i = 2; i < 2 + 64 * 22 + 64; i++) { /* first weight and bias */
        largest = fmax(largest, fabs((double)parameters[i]));
    }
    assert_true(largest <= bound && largest > 0.99 * bound);
    free(parameters);
}

static void network_initialise__is_a_function_of_the_seed(void **state)
{
    (void)state;
    const struct aft_network_init init = {true, 0.01, 0.0};
    size_t size = aft_network_parameter_count(&EXAMPLE) * sizeof(float);
    float *a = initialised(&EXAMPLE, &init, 3);
    float *b = initialised(&EXAMPLE, &init, 3);
    float *c = initialised(&EXAMPLE, &init, 4);
    assert_memory_equal(a, b, size);
    assert_memory_not_equal(a, c, size);
    free(a);
    free(b);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(network_tensor__follows_stable_baselines3),
        cmocka_unit_test(network_initialise__gives_orthogonal_weights),
        cmocka_unit_test(network_initialise__can_be_uniform),
        cmocka_unit_test(network_initialise__is_a_function_of_the_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
