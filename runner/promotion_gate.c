#include "runner/promotion_gate.h"

#include <math.h>
#include <stdio.h>

bool aft_gate_is_on(const struct aft_gate_settings *gate)
{
    return gate->max_drift_ratio > 0 || gate->forget_tolerance > 0;
}

/* The earlier stage that grew the most beyond its limit, or has no score; its reason is PASSED
 * where there is none. */
static struct aft_gate_verdict judge_earlier(double tolerance, int stage, const double *now,
                                             const double *when_completed)
{
    struct aft_gate_verdict worst = {.reason = AFT_GATE_PASSED};
    double most = 0;
    for (int i = 0; i < stage - 1; i++) {
        double limit = when_completed[i] * (1 + tolerance);
        if (isnan(limit) || now[i] <= limit) {
            continue;
        }
        struct aft_gate_verdict verdict = {AFT_GATE_FORGOT, i + 1, now[i], limit};
        if (!isfinite(now[i])) {
            verdict.reason = AFT_GATE_NO_SCORE;
            return verdict;
        }
        double growth = now[i] / when_completed[i];
        if (worst.reason == AFT_GATE_PASSED || growth > most) {
            worst = verdict;
            most = growth;
        }
    }
    return worst;
}

struct aft_gate_verdict aft_gate_judge(const struct aft_gate_settings *gate, int stage,
                                       const double *now, const double *when_completed)
{
    bool limited = gate->max_drift_ratio > 0;
    struct aft_gate_verdict own = {AFT_GATE_PASSED, stage, now[stage - 1],
                                   limited ? gate->max_drift_ratio : (double)NAN};
    if (!aft_gate_is_on(gate)) {
        return own;
    }
    if (!isfinite(own.score)) {
        own.reason = AFT_GATE_NO_SCORE;
    } else if (limited && own.score > own.limit) {
        own.reason = AFT_GATE_DRIFT;
    } else if (gate->forget_tolerance > 0) {
        struct aft_gate_verdict earlier =
            judge_earlier(gate->forget_tolerance, stage, now, when_completed);
        return earlier.reason == AFT_GATE_PASSED ? own : earlier;
    }
    return own;
}

const char *aft_gate_reason_word(enum aft_gate_reason reason)
{
    switch (reason) {
    case AFT_GATE_PASSED:
        return "passed";
    case AFT_GATE_DRIFT:
        return "max_drift_ratio";
    case AFT_GATE_FORGOT:
        return "forget_tolerance";
    case AFT_GATE_DIVERGED:
        return "diverged";
    case AFT_GATE_NO_SCORE:
        break;
    }
    return "no_score";
}

void aft_gate_text(char *text, size_t size, const struct aft_gate_verdict *verdict)
{
    switch (verdict->reason) {
    case AFT_GATE_PASSED:
        if (isfinite(verdict->limit)) {
            (void)snprintf(text, size, "mean peak drift %.4g of passive, at most %.4g",
                           verdict->score, verdict->limit);
        } else {
            (void)snprintf(text, size, "mean peak drift %.4g of passive", verdict->score);
        }
        break;
    case AFT_GATE_DRIFT:
        (void)snprintf(text, size, "mean peak drift %.4g of passive, above max_drift_ratio %.4g",
                       verdict->score, verdict->limit);
        break;
    case AFT_GATE_FORGOT:
        (void)snprintf(text, size,
                       "stage %d's mean peak drift rose to %.4g of passive, above %.4g "
                       "(forget_tolerance)",
                       verdict->stage, verdict->score, verdict->limit);
        break;
    case AFT_GATE_DIVERGED:
        (void)snprintf(text, size, "training diverged");
        break;
    case AFT_GATE_NO_SCORE:
        (void)snprintf(text, size, "the evaluation of stage %d gave no score", verdict->stage);
        break;
    }
}
