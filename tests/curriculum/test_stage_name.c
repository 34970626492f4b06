/* Stage names: magnitude, force limit and the label that archive names carry. */
#include "support.h"

#include "curriculum/stage_name.h"

#include <string.h>

static void stage_name__says_magnitude_and_force(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double magnitude, force_n;
        const char *label;
    } cases[] = {
        {"M4.5@50kN", 4.5, 50e3, "50kN"},          {"M8.4@150kN", 8.4, 150e3, "150kN"},
        {"M7@0.15MN", 7.0, 150e3, "150kN"},        {"M7@0.07MN", 7.0, 70e3, "70kN"},
        {"M5.7@112.5kN", 5.7, 112.5e3, "112.5kN"}, {"M5.70@112.50kN", 5.7, 112.5e3, "112.5kN"},
        {"M6@500N", 6.0, 500.0, "0.5kN"},          {"M6@1N", 6.0, 1.0, "0.001kN"},
        {"M9.5@1000MN", 9.5, 1e9, "1000000kN"},    {"M2@100.0kN", 2.0, 100e3, "100kN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aft_stage stage = {0};
        assert_true(aft_stage_name_parse(&stage, cases[i].name));
        assert_string_equal(stage.name, cases[i].name);
        assert_true(stage.magnitude == cases[i].magnitude);
        assert_true(stage.force_limit_n == cases[i].force_n);
        assert_string_equal(stage.force_label, cases[i].label);
    }
}

static void stage_name__is_refused_in_any_other_form(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",           "M",          "M4.5",       "4.5@50kN",    "m4.5@50kN",
        "M4.5@50",    "M4.5@kN",    "M4.5@50kn",  "M4.5@50KN",   "M4.5@50 kN",
        "M4.5@50kN ", "M4.5@-50kN", "M-4.5@50kN", "M4.5@1e3kN",  "M4.5@50GN",
        "M@50kN",     "M4.@50kN",   "M.5@50kN",   "M4.5@.5MN",   "M4.5@0kN",
        "M1.9@50kN",  "M9.6@50kN",  "M4.5@0.5N",  "M4.5@1001MN", "M4.5@50kN@1",
        "Mnan@50kN",  "M4.5@infkN", "M0x4@50kN",  "M4.5@50.kN",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct aft_stage stage = {0};
        if (aft_stage_name_parse(&stage, wrong[i])) {
            fail_msg("'%s' was taken for a stage's name", wrong[i]);
        }
        assert_string_equal(stage.name, "");
    }
}

static void stage_name__fits_its_field(void **state)
{
    (void)state;
    char name[AFT_MAX_NAME + 8];
    struct aft_stage stage = {0};
    memset(name, '0', sizeof name);
    memcpy(name, "M4.5@50.", 8);
    memcpy(name + AFT_MAX_NAME - 3, "kN", 3);
    assert_true(aft_stage_name_parse(&stage, name));
    memcpy(name + AFT_MAX_NAME - 3, "00", 2);
    memcpy(name + AFT_MAX_NAME - 2, "kN", 3);
    assert_false(aft_stage_name_parse(&stage, name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stage_name__says_magnitude_and_force),
        cmocka_unit_test(stage_name__is_refused_in_any_other_form),
        cmocka_unit_test(stage_name__fits_its_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
