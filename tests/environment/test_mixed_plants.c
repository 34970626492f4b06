#include "fixtures.h"

#include "environment/mixed_plants.h"

enum { PLANTS = 3, STEPS = 40, SUBSTEPS = 2, N = STEPS * SUBSTEPS };

static struct aft_plant *exact[PLANTS];
static struct aft_plant_f32 *plants[PLANTS];
static float ground[AFT_LANES][N + 1];

static int set_up(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_actuator_config actuator = {.force_limit_n = 50e3, .power_limit_w = 3e5};
    for (int i = 0; i < PLANTS; i++) {
        struct aft_building_config building = slender12();
        building.storey_stiffness_n_m *= 0.8 + 0.2 * i;
        building.stroke_m = 0.1;
        if (aft_plant_create(&exact[i], &building, &actuator, true, 0.02, &error) != AFT_OK ||
            aft_plant_f32_create(&plants[i], exact[i], &error) != AFT_OK) {
            return -1;
        }
    }
    for (int j = 0; j < AFT_LANES; j++) {
        for (int i = 0; i <= N; i++) {
            ground[j][i] = 3.0F * sinf((0.08F + 0.01F * (float)j) * (float)i);
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < PLANTS; i++) {
        aft_plant_f32_destroy(plants[i]);
        aft_plant_destroy(exact[i]);
    }
    return 0;
}

struct block {
    _Alignas(64) float state[AFT_PLANT_MAX_COLUMNS * AFT_LANES];
    struct aft_lane_forces forces;
    struct aft_lane_response response;
    float acceleration[12 * AFT_LANES], largest[AFT_LANES];
};

static void run(struct block *block, const struct aft_plant_f32 *const plant[AFT_LANES])
{
    *block = (struct block){.state = {0.0F}};
    for (int i = 0; i < STEPS; i++) {
        const float *samples[AFT_LANES];
        float acting[AFT_LANES];
        for (int j = 0; j < AFT_LANES; j++) {
            samples[j] = ground[j] + (ptrdiff_t)i * SUBSTEPS;
            block->forces.command_n[j] = 60e3F * cosf(0.3F * (float)(i + j));
        }
        aft_mixed_plants_control_step(&block->response, plant, block->state, &block->forces,
                                      samples, SUBSTEPS);
        for (int j = 0; j < AFT_LANES; j++) {
            acting[j] = block->forces.actuator_n[j] + block->forces.contact_n[j];
        }
        aft_mixed_plants_accelerations(block->acceleration, block->largest, plant, block->state,
                                       acting);
    }
}

static void expect_lane(const struct block *block, const struct block *like, int j)
{
    const float *a = block->state, *b = like->state;
    for (int i = 0; i < exact[0]->columns; i++) {
        assert_memory_equal(a + i * AFT_LANES + j, b + i * AFT_LANES + j, sizeof *a);
    }
    for (int i = 0; i < 12; i++) {
        assert_memory_equal(&block->acceleration[i * AFT_LANES + j],
                            &like->acceleration[i * AFT_LANES + j], sizeof *a);
    }
    assert_memory_equal(&block->largest[j], &like->largest[j], sizeof *a);
    assert_memory_equal(&block->forces.actuator_n[j], &like->forces.actuator_n[j], sizeof *a);
    assert_memory_equal(&block->forces.contact_n[j], &like->forces.contact_n[j], sizeof *a);
    assert_memory_equal(&block->response.squares[j], &like->response.squares[j], sizeof *a);
    assert_memory_equal(&block->response.peak[j], &like->response.peak[j], sizeof *a);
    assert_memory_equal(&block->response.stroke_m[j], &like->response.stroke_m[j], sizeof *a);
    assert_memory_equal(&block->response.power_w[j], &like->response.power_w[j], sizeof *a);
}

static void step__gives_each_lane_the_bits_that_it_has_among_its_like(void **state)
{
    (void)state;
    static struct block alike[PLANTS], mixed;
    const struct aft_plant_f32 *plant[AFT_LANES];
    for (int i = 0; i < PLANTS; i++) {
        for (int j = 0; j < AFT_LANES; j++) {
            plant[j] = plants[i];
        }
        run(&alike[i], plant);
    }
    for (int j = 0; j < AFT_LANES; j++) {
        plant[j] = plants[j * 7 % PLANTS];
    }
    run(&mixed, plant);
    for (int j = 0; j < AFT_LANES; j++) {
        expect_lane(&mixed, &alike[j * 7 % PLANTS], j);
        const float *other = alike[(j * 7 + 1) % PLANTS].state;
        assert_true(mixed.state[11 * AFT_LANES + j] != other[11 * AFT_LANES + j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step__gives_each_lane_the_bits_that_it_has_among_its_like),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
