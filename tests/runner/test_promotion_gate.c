/* The decision of the gate, by hand: scores now and when completed, limits, verdict. */
#include "runner/promotion_gate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define UNKNOWN ((double)NAN)

static struct aft_gate_verdict judge(double max_drift_ratio, double forget_tolerance, int stage,
                                     const double *now, const double *when_completed)
{
    const struct aft_gate_settings gate = {.max_drift_ratio = max_drift_ratio,
                                           .forget_tolerance = forget_tolerance};
    return aft_gate_judge(&gate, stage, now, when_completed);
}

static void assert_verdict(struct aft_gate_verdict got, enum aft_gate_reason reason, int stage,
                           double limit)
{
    assert_int_equal(got.reason, reason);
    assert_int_equal(got.stage, stage);
    assert_true(isnan(limit) ? isnan(got.limit) : got.limit == limit);
}

static void gate__is_off_without_a_limit(void **state)
{
    (void)state;
    const double now[] = {9.0, UNKNOWN};
    const double before[] = {0.5, UNKNOWN};
    assert_verdict(judge(0, 0, 2, now, before), AFT_GATE_PASSED, 2, UNKNOWN);
    assert_verdict(judge(0, -1, 2, now, before), AFT_GATE_PASSED, 2, UNKNOWN);
    const struct aft_gate_settings off = {.forget_tolerance = -1, .max_attempts = 3};
    const struct aft_gate_settings drift = {.max_drift_ratio = 0.9};
    const struct aft_gate_settings forget = {.forget_tolerance = 0.05};
    assert_false(aft_gate_is_on(&off));
    assert_true(aft_gate_is_on(&drift));
    assert_true(aft_gate_is_on(&forget));
}

static void drift__passes_at_the_limit_and_not_beyond(void **state)
{
    (void)state;
    const double limit = 0.75;
    const double below[] = {0.5};
    const double beyond[] = {nextafter(limit, 1)};
    assert_verdict(judge(limit, 0, 1, below, NULL), AFT_GATE_PASSED, 1, limit);
    assert_verdict(judge(limit, 0, 1, &limit, NULL), AFT_GATE_PASSED, 1, limit);
    struct aft_gate_verdict verdict = judge(limit, 0, 1, beyond, NULL);
    assert_verdict(verdict, AFT_GATE_DRIFT, 1, limit);
    assert_true(verdict.score == beyond[0]);
}

static void drift__is_of_the_stage_itself(void **state)
{
    (void)state;
    const double now[] = {9.0, 0.5, 9.0};
    const double before[] = {0.5, UNKNOWN, UNKNOWN};
    assert_verdict(judge(0.75, 0, 2, now, before), AFT_GATE_PASSED, 2, 0.75);
}

static void forgetting__is_relative_to_when_the_stage_was_completed(void **state)
{
    (void)state;
    const double before[] = {0.5, UNKNOWN};
    const double at_limit[] = {0.625, 2.0}; /* 0.5 and a quarter: exact in binary */
    const double beyond[] = {nextafter(0.625, 1), 0.1};
    const double better[] = {0.25, 2.0};
    assert_verdict(judge(0, 0.25, 2, at_limit, before), AFT_GATE_PASSED, 2, UNKNOWN);
    assert_verdict(judge(0, 0.25, 2, better, before), AFT_GATE_PASSED, 2, UNKNOWN);
    struct aft_gate_verdict verdict = judge(0, 0.25, 2, beyond, before);
    assert_verdict(verdict, AFT_GATE_FORGOT, 1, 0.625);
    assert_true(verdict.score == beyond[0]);
}

static void forgetting__names_the_stage_that_grew_the_most(void **state)
{
    (void)state;
    const double before[] = {0.5, 1.0, 0.5, UNKNOWN};
    const double now[] = {0.75, 1.25, 1.0, 0.1};
    assert_verdict(judge(0, 0.125, 4, now, before), AFT_GATE_FORGOT, 3, 0.5625);
}

static void forgetting__does_not_compare_what_was_never_scored(void **state)
{
    (void)state;
    const double before[] = {UNKNOWN, 0.5, UNKNOWN};
    const double now[] = {9.0, 0.5, 9.0};
    const double none[] = {UNKNOWN, 0.5, 0.5};
    assert_verdict(judge(0, 0.05, 3, now, before), AFT_GATE_PASSED, 3, UNKNOWN);
    assert_verdict(judge(0, 0.05, 3, none, before), AFT_GATE_PASSED, 3, UNKNOWN);
}

static void gate__does_not_pass_what_has_no_score(void **state)
{
    (void)state;
    const double before[] = {0.5, UNKNOWN};
    const double own[] = {0.5, UNKNOWN};
    const double earlier[] = {UNKNOWN, 0.5};
    const double endless[] = {INFINITY, 0.5};
    assert_verdict(judge(0.9, 0, 2, own, before), AFT_GATE_NO_SCORE, 2, 0.9);
    assert_verdict(judge(0, 0.05, 2, own, before), AFT_GATE_NO_SCORE, 2, UNKNOWN);
    assert_int_equal(judge(0, 0.05, 2, earlier, before).reason, AFT_GATE_NO_SCORE);
    assert_int_equal(judge(0, 0.05, 2, endless, before).reason, AFT_GATE_NO_SCORE);
    assert_int_equal(judge(0, 0.05, 2, earlier, before).stage, 1);
    assert_int_equal(judge(0.9, 0, 2, earlier, before).reason, AFT_GATE_PASSED);
}

static void gate__asks_for_the_stages_own_score_first(void **state)
{
    (void)state;
    const double before[] = {0.5, UNKNOWN};
    const double both[] = {0.9, 1.1};
    assert_verdict(judge(1.0, 0.05, 2, both, before), AFT_GATE_DRIFT, 2, 1.0);
    assert_int_equal(judge(1.2, 0.05, 2, both, before).reason, AFT_GATE_FORGOT);
}

static void gate__puts_its_verdict_into_words(void **state)
{
    (void)state;
    static const struct {
        struct aft_gate_verdict verdict;
        const char *word, *text;
    } cases[] = {
        {{AFT_GATE_PASSED, 2, 0.85, 0.9}, "passed", "mean peak drift 0.85 of passive, at most 0.9"},
        {{AFT_GATE_DRIFT, 2, 1.3125, 0.9},
         "max_drift_ratio",
         "mean peak drift 1.312 of passive, above max_drift_ratio 0.9"},
        {{AFT_GATE_FORGOT, 1, 0.71, 0.651},
         "forget_tolerance",
         "stage 1's mean peak drift rose to 0.71 of passive, above 0.651 (forget_tolerance)"},
        {{AFT_GATE_NO_SCORE, 3, 0, 0}, "no_score", "the evaluation of stage 3 gave no score"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[101];
        aft_gate_text(text, sizeof text, &cases[i].verdict);
        assert_string_equal(text, cases[i].text);
        assert_string_equal(aft_gate_reason_word(cases[i].verdict.reason), cases[i].word);
    }
    char text[101];
    const struct aft_gate_verdict unlimited = {AFT_GATE_PASSED, 2, 0.85, UNKNOWN};
    aft_gate_text(text, sizeof text, &unlimited);
    assert_string_equal(text, "mean peak drift 0.85 of passive");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gate__is_off_without_a_limit),
        cmocka_unit_test(drift__passes_at_the_limit_and_not_beyond),
        cmocka_unit_test(drift__is_of_the_stage_itself),
        cmocka_unit_test(forgetting__is_relative_to_when_the_stage_was_completed),
        cmocka_unit_test(forgetting__names_the_stage_that_grew_the_most),
        cmocka_unit_test(forgetting__does_not_compare_what_was_never_scored),
        cmocka_unit_test(gate__does_not_pass_what_has_no_score),
        cmocka_unit_test(gate__asks_for_the_stages_own_score_first),
        cmocka_unit_test(gate__puts_its_verdict_into_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
