#include "fixtures.h"

#include "environment/environment.h"
#include "environment/randomisation.h"

#include <stdlib.h>

enum { ENVS = 32, MAX_OBS = 64 };

static struct aft_environment_config wide(void)
{
    struct aft_environment_config config = stage_1(ENVS);
    config.randomisation = (struct aft_randomisation_config){
        .noise = 0.01, .latency_s = 0.06, .dropout = 0.2, .stiffness = 0.15, .damping = 0.3};
    return config;
}

static void buildings__cover_their_ranges_evenly(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_environment_config config = wide();
    struct aft_randomisation random;
    assert_ok(aft_randomisation_init(&random, &config, &error));
    int stiffness[AFT_RANDOM_BUILDINGS] = {0}, damping[AFT_RANDOM_BUILDINGS] = {0};
    double together = 0.0;
    for (int i = 0; i < random.n_variants; i++) {
        struct aft_building_change change = aft_randomisation_change(&random, i);
        assert_between(change.stiffness, -0.15, 0.15);
        assert_between(change.damping, -0.3, 0.3);
        stiffness[(int)floor((change.stiffness / 0.3 + 0.5) * AFT_RANDOM_BUILDINGS)]++;
        damping[(int)floor((change.damping / 0.6 + 0.5) * AFT_RANDOM_BUILDINGS)]++;
        together += change.stiffness * change.damping;
        assert_near(random.exact[i]->building.storey_n_m[0], 6.01e7 * (1.0 + change.stiffness),
                    1.0);
    }
    for (int i = 0; i < AFT_RANDOM_BUILDINGS; i++) {
        assert_int_equal(stiffness[i], 1);
        assert_int_equal(damping[i], 1);
    }
    /* not in step with each other: then this would be 1 */
    assert_between(fabs(together) / (AFT_RANDOM_BUILDINGS * 0.15 * 0.3 / 3.0), 0.0, 0.9);
    aft_randomisation_clear(&random);
}

static void draws__fill_their_ranges_and_follow_seed_stage_environment_and_episode(void **state)
{
    (void)state;
    enum { N = 4000 };
    struct aft_error error;
    struct aft_environment_config config = wide();
    struct aft_randomisation random, other;
    assert_ok(aft_randomisation_init(&random, &config, &error));
    config.stage++;
    assert_ok(aft_randomisation_init(&other, &config, &error));
    int late[4] = {0}, variants[AFT_RANDOM_BUILDINGS] = {0}, same = 0;
    double noise = 0.0, dropout = 0.0;
    for (uint32_t i = 0; i < N; i++) {
        struct aft_departure of = aft_randomisation_departure(&random, 3, i);
        struct aft_departure again = aft_randomisation_departure(&random, 3, i);
        assert_memory_equal(&of, &again, sizeof of);
        assert_true(of.late_steps <= 3 && of.noise <= 0.01F && of.dropout <= 0.2F);
        late[of.late_steps]++;
        noise += (double)of.noise / N;
        dropout += (double)of.dropout / N;
        variants[aft_randomisation_variant(&random, 3, i)]++;
        if (of.noise > 0.0F) {
            same += of.noise == aft_randomisation_departure(&random, 4, i).noise;
            same += of.noise == aft_randomisation_departure(&other, 3, i).noise;
        }
        assert_int_equal(aft_randomisation_variant(&random, 0, i),
                         aft_randomisation_variant(&random, 15, i));
    }
    assert_int_equal(same, 0);
    assert_near(noise, 0.0025, 0.0003); /* half of them are 0 */
    assert_near(dropout, 0.05, 0.006);
    assert_between(late[0], 0.59 * N, 0.66 * N);
    for (int i = 1; i < 4; i++) {
        assert_between(late[i], 0.10 * N, 0.15 * N);
    }
    for (int i = 0; i < AFT_RANDOM_BUILDINGS; i++) {
        assert_between(variants[i], 0.6 * N / AFT_RANDOM_BUILDINGS, 1.4 * N / AFT_RANDOM_BUILDINGS);
    }
    aft_randomisation_clear(&random);
    aft_randomisation_clear(&other);
}

static void figures_out_of_range__are_refused(void **state)
{
    (void)state;
    static const struct aft_randomisation_config wrong[] = {{.noise = -0.1},     {.noise = NAN},
                                                            {.latency_s = 2.02}, {.dropout = 1.01},
                                                            {.stiffness = 0.91}, {.damping = -0.1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct aft_error error;
        struct aft_env env;
        struct aft_environment_config config = stage_1(1);
        config.randomisation = wrong[i];
        assert_int_equal(aft_environment_create(&env, &config, &error), AFT_ERR_USAGE);
        assert_non_null(strstr(error.message, "randomisation: "));
    }
}

struct rig {
    struct aft_env env;
    float obs[ENVS * MAX_OBS], final_obs[ENVS * MAX_OBS], reward[ENVS], metrics[ENVS * 8];
    float actions[ENVS];
    uint8_t terminated[ENVS], truncated[ENVS];
};

static void make(struct rig *rig, const struct aft_environment_config *config)
{
    struct aft_error error;
    *rig = (struct rig){.obs = {0.0F}};
    assert_ok(aft_environment_create(&rig->env, config, &error));
    assert_true(rig->env.obs_dim <= MAX_OBS);
    assert_ok(rig->env.reset(rig->env.self, 0, ENVS, rig->obs, &error));
}

static void step(struct rig *rig)
{
    struct aft_error error;
    struct aft_env_step out = {rig->obs,        rig->final_obs, rig->reward,
                               rig->terminated, rig->truncated, rig->metrics};
    assert_ok(rig->env.step(rig->env.self, 0, ENVS, rig->actions, &out, &error));
}

/* Nothing is gained or lost where nothing is done, whatever the building. */
static void passive_reference__is_of_the_episodes_own_building(void **state)
{
    (void)state;
    static struct rig random, nominal;
    struct aft_environment_config config = wide();
    config.reward.stroke = 0.0;
    make(&random, &config);
    config.randomisation = (struct aft_randomisation_config){0};
    make(&nominal, &config);
    int ended = 0, differ = 0;
    for (int k = 0; k < 500; k++) {
        step(&random);
        step(&nominal);
        for (int i = 0; i < ENVS; i++) {
            if (random.truncated[i] && k >= 150) {
                ended++;
                assert_near(random.metrics[i * 5], 1.0, 0.0);
                assert_near(random.metrics[i * 5 + 1], 1.0, 1e-6);
                differ += random.metrics[i * 5 + 2] != nominal.metrics[i * 5 + 2];
            }
        }
    }
    assert_true(ended >= 2 * ENVS);
    assert_int_equal(differ, ended); /* other buildings, other strokes */
    random.env.destroy(random.env.self);
    nominal.env.destroy(nominal.env.self);
}

/* The observed share of the force limit, 3 places before the end of the observation. */
static float force_of(const struct rig *rig, int env)
{
    return rig->obs[(env + 1) * rig->env.obs_dim - 4];
}

static void latency__holds_commands_back_by_what_was_drawn(void **state)
{
    (void)state;
    struct aft_error error;
    static struct rig rig;
    struct aft_environment_config config = stage_1(ENVS);
    config.randomisation.latency_s = 0.12;
    config.actuator.power_limit_w = 0.0;
    struct aft_randomisation random;
    assert_ok(aft_randomisation_init(&random, &config, &error));
    make(&rig, &config);
    for (int k = 0; k < 5; k++) { /* the first episode of env 0 ends after 4 */
        for (int i = 0; i < ENVS; i++) {
            rig.actions[i] = 0.1F * (float)(k + 1);
        }
        step(&rig);
        for (int i = 1; i < ENVS; i++) {
            /* in simulation steps: the command that is heard in the last of this control step */
            int late = (int)aft_randomisation_departure(&random, i, 0).late_steps;
            int heard = 2 * k + 1 - late;
            bool ended = rig.truncated[i] != 0;
            double expected = heard < 0 ? 0.0 : 0.1 * (heard / 2 + 1);
            if (!ended) {
                assert_near(force_of(&rig, i), expected, 1e-6);
            }
        }
    }
    rig.env.destroy(rig.env.self);
    aft_randomisation_clear(&random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buildings__cover_their_ranges_evenly),
        cmocka_unit_test(draws__fill_their_ranges_and_follow_seed_stage_environment_and_episode),
        cmocka_unit_test(figures_out_of_range__are_refused),
        cmocka_unit_test(passive_reference__is_of_the_episodes_own_building),
        cmocka_unit_test(latency__holds_commands_back_by_what_was_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
