/*
 * The C file's part before the policy: from what the sensors say to the
 * observation, as environment/observer.c and environment/observation.c make it.
 */
#include "runner/export/csource.h"

#include <math.h>

/* --- its head --- */

static int count_products(const struct aft_observer_model *model, bool nominal)
{
    int predictions = model->latency > 0 ? model->latency : 1, n = model->n;
    return predictions * n * (n + 2) + model->n_outputs * (2 * n + 1) + n + (nominal ? n + 1 : 0);
}

void aft_csource_controller_head(FILE *out, const struct aft_exported_policy *policy,
                                 const struct aft_observer_model *model)
{
    struct aft_observation_layout channels;
    aft_channel_layout(&channels, &policy->sensors);
    (void)fprintf(
        out,
        " *\n"
        " * controller_step: the same from the sensors, by the Kalman filter that the policy was\n"
        " * trained with. Call it once in %g s, and controller_reset before the first call and\n"
        " * after each earthquake. It keeps its state in static memory: one thread, one building.\n"
        " * sensors, of CONTROLLER_SENSORS entries, as measured %d control step(s) before now but\n"
        " * for the last, the force of the actuator over the control step that ends now:\n"
        " *\n"
        " *   no.  quantity                              scale unit\n",
        policy->control_step_s, policy->sensors.config.latency_steps);
    aft_csource_entries(out, &channels);
    (void)fprintf(
        out,
        " *   %3d  %-32s %10g N\n"
        " *\n"
        " * A sensor that is not a number, or beyond 1e9, keeps its last value. The filter adds\n"
        " * %d multiply-adds to policy_step, with the same loops in every call.\n",
        channels.n, "actuator_force", 1.0, count_products(model, policy->layout.nominal >= 0));
}

void aft_csource_controller_prototypes(FILE *out)
{
    (void)fputs(
        "void controller_reset(void);\n"
        "void controller_step(const float sensors[], float *force_n);\n",
        out);
}

/* --- constants --- */

static void write_macros(FILE *out, const struct aft_exported_policy *policy,
                         const struct aft_observer_model *model)
{
    const struct aft_sensors *sensors = &policy->sensors;
    const struct aft_observation_entry *since = NULL;
    for (int i = 0; i < policy->layout.n; i++) {
        if (policy->layout.entry[i].what == AFT_OBSERVED_SINCE_ONSET) {
            since = &policy->layout.entry[i];
        }
    }
    (void)fprintf(out,
                  "\n#define CONTROLLER_SENSORS %dU\n"
                  "#define CONTROLLER_FORCE %dU\n"
                  "#define CONTROLLER_GROUND %dU\n"
                  "#define CONTROLLER_STATES %dU\n"
                  "#define CONTROLLER_OUTPUTS %dU\n"
                  "#define CONTROLLER_LATENCY %dU\n"
                  "#define CONTROLLER_FLOORS %dU\n",
                  sensors->n_channels + 1, sensors->n_channels, model->ground, model->n,
                  model->n_outputs, model->latency, model->floors);
    aft_csource_float(out, "CONTROLLER_SENSOR_MOST", 1e9F);
    aft_csource_float(out, "CONTROLLER_PER_HEIGHT_1_M", model->per_height_1_m);
    aft_csource_float(out, "CONTROLLER_ONSET_M_S2", sensors->onset_threshold_m_s2);
    aft_csource_float(out, "CONTROLLER_STEP_S", sensors->control_dt_s);
    if (since != NULL) {
        double most_s = (double)(since->scale * since->most);
        (void)fprintf(out, "#define CONTROLLER_ONSET_STEPS %.0fU\n",
                      ceil(most_s / (double)sensors->control_dt_s) + 2.0);
        aft_csource_float(out, "CONTROLLER_ONSET_MOST", since->most);
    }
    (void)fputs("\n", out);
}

static void write_tables(FILE *out, const struct aft_observer_model *model, bool nominal)
{
    size_t n = (size_t)model->n, outputs = (size_t)model->n_outputs;
    aft_csource_table(out, "controller_predict", model->predict, n * (n + 2));
    aft_csource_table(out, "controller_output", model->output, outputs * (n + 1));
    aft_csource_table(out, "controller_correct", model->correct, n * outputs);
    aft_csource_table(out, "controller_ground_end", model->ground_end, n);
    if (nominal) {
        aft_csource_table(out, "controller_gain", model->gain, n + 1);
    }
    (void)fputs(
        "/* The sensor of each output. */\n"
        "static const uint32_t controller_channel[CONTROLLER_OUTPUTS] = {\n    ",
        out);
    for (int i = 0; i < model->n_outputs; i++) {
        (void)fprintf(out, "%dU%s", i < model->ground ? i : i + 1,
                      i + 1 < model->n_outputs ? ", " : "\n};\n\n");
    }
}

static void write_memory(FILE *out, const struct aft_observer_model *model)
{
    (void)fprintf(out,
                  "typedef struct {\n"
                  "    float sensor[CONTROLLER_SENSORS];\n"
                  "    float state[CONTROLLER_STATES];\n"
                  "    float ground_m_s2;\n"
                  "    float share[CONTROLLER_LATENCY + 1U]; /* of the force, the oldest first */\n"
                  "%s"
                  "    float peak_drift;\n"
                  "    uint32_t onset; /* steps since, from 1; 0: not yet */\n"
                  "} controller_memory;\n"
                  "\n"
                  "static controller_memory controller;\n"
                  "\n",
                  model->drops ? "    float last[CONTROLLER_OUTPUTS];\n" : "");
}

/* --- functions --- */

static void write_reset(FILE *out, const struct aft_observer_model *model)
{
    (void)fprintf(out,
                  "void controller_reset(void)\n"
                  "{\n"
                  "    uint32_t i;\n"
                  "    for (i = 0U; i < CONTROLLER_SENSORS; i++) {\n"
                  "        controller.sensor[i] = 0.0F;\n"
                  "    }\n"
                  "    for (i = 0U; i < CONTROLLER_STATES; i++) {\n"
                  "        controller.state[i] = 0.0F;\n"
                  "    }\n"
                  "    for (i = 0U; i <= CONTROLLER_LATENCY; i++) {\n"
                  "        controller.share[i] = 0.0F;\n"
                  "    }\n"
                  "%s"
                  "    controller.ground_m_s2 = 0.0F;\n"
                  "    controller.peak_drift = 0.0F;\n"
                  "    controller.onset = 0U;\n"
                  "}\n"
                  "\n",
                  model->drops ? "    for (i = 0U; i < CONTROLLER_OUTPUTS; i++) {\n"
                                 "        controller.last[i] = 0.0F;\n"
                                 "    }\n"
                               : "");
}

static const char shift_source[] =
    "/* Room for one more force. */\n"
    "static void controller_shift(void)\n"
    "{\n"
    "    uint32_t i;\n"
    "    for (i = 0U; i < CONTROLLER_LATENCY; i++) {\n"
    "        controller.share[i] = controller.share[i + 1U];\n"
    "    }\n"
    "}\n"
    "\n";

static const char take_source[] =
    "static void controller_take(const float sensors[])\n"
    "{\n"
    "    uint32_t i;\n"
    "    float ground_m_s2;\n"
    "    for (i = 0U; i < CONTROLLER_SENSORS; i++) {\n"
    "        if ((sensors[i] >= -CONTROLLER_SENSOR_MOST) && (sensors[i] <= "
    "CONTROLLER_SENSOR_MOST)) {\n"
    "            controller.sensor[i] = sensors[i];\n"
    "        }\n"
    "    }\n"
    "    controller.share[CONTROLLER_LATENCY] =\n"
    "        controller.sensor[CONTROLLER_FORCE] / POLICY_FORCE_LIMIT_N;\n"
    "    ground_m_s2 = controller.sensor[CONTROLLER_GROUND];\n"
    "    if (controller.onset > 0U) {\n"
    "        if (controller.onset < CONTROLLER_ONSET_STEPS) {\n"
    "            controller.onset++;\n"
    "        }\n"
    "    } else if ((ground_m_s2 > CONTROLLER_ONSET_M_S2) || (ground_m_s2 < "
    "-CONTROLLER_ONSET_M_S2)) {\n"
    "        controller.onset = 1U;\n"
    "    } else {\n"
    "        /* quiet */\n"
    "    }\n"
    "}\n"
    "\n";

static const char predict_source[] =
    "/* The state one control step on, but for the ground's acceleration at its end. */\n"
    "static void controller_predict_from(float next[], const float state[], float share,\n"
    "                                    float ground_m_s2)\n"
    "{\n"
    "    uint32_t row;\n"
    "    uint32_t column;\n"
    "    uint32_t at = 0U;\n"
    "    for (row = 0U; row < CONTROLLER_STATES; row++) {\n"
    "        float sum = 0.0F;\n"
    "        for (column = 0U; column < CONTROLLER_STATES; column++) {\n"
    "            sum += controller_predict[at] * state[column];\n"
    "            at++;\n"
    "        }\n"
    "        sum += controller_predict[at] * share;\n"
    "        sum += controller_predict[at + 1U] * ground_m_s2;\n"
    "        at += 2U;\n"
    "        next[row] = sum;\n"
    "    }\n"
    "}\n"
    "\n";

static void write_correct(FILE *out, const struct aft_observer_model *model)
{
    (void)fprintf(out,
                  "static void controller_correct_by(float state[], float share)\n"
                  "{\n"
                  "    float innovation[CONTROLLER_OUTPUTS];\n"
                  "    uint32_t row;\n"
                  "    uint32_t column;\n"
                  "    uint32_t at = 0U;\n"
                  "    for (row = 0U; row < CONTROLLER_OUTPUTS; row++) {\n"
                  "        const float measured = controller.sensor[controller_channel[row]];\n"
                  "        float expected = 0.0F;\n"
                  "        for (column = 0U; column < CONTROLLER_STATES; column++) {\n"
                  "            expected += controller_output[at] * state[column];\n"
                  "            at++;\n"
                  "        }\n"
                  "        expected += controller_output[at] * share;\n"
                  "        at++;\n"
                  "        innovation[row] = measured - expected;\n"
                  "%s"
                  "    }\n"
                  "    at = 0U;\n"
                  "    for (row = 0U; row < CONTROLLER_STATES; row++) {\n"
                  "        for (column = 0U; column < CONTROLLER_OUTPUTS; column++) {\n"
                  "            state[row] += controller_correct[at] * innovation[column];\n"
                  "            at++;\n"
                  "        }\n"
                  "    }\n"
                  "}\n"
                  "\n",
                  model->drops ? "        if ((measured >= controller.last[row]) && (measured <= "
                                 "controller.last[row])) {\n"
                                 "            innovation[row] = 0.0F; /* it repeats itself */\n"
                                 "        }\n"
                                 "        controller.last[row] = measured;\n"
                               : "");
}

static void write_estimate_late(FILE *out)
{
    (void)fputs(
        "    for (i = 0U; i < CONTROLLER_STATES; i++) {\n"
        "        estimate[i] = controller.state[i] + (controller_ground_end[i] * ground_m_s2);\n"
        "    }\n"
        "    controller_correct_by(estimate, controller.share[0]);\n"
        "    controller.ground_m_s2 = ground_m_s2;\n"
        "    for (i = 1U; i <= CONTROLLER_LATENCY; i++) {\n"
        "        controller_predict_from(next, estimate, controller.share[i],\n"
        "                                (i == 1U) ? ground_m_s2 : 0.0F);\n"
        "        for (k = 0U; k < CONTROLLER_STATES; k++) {\n"
        "            estimate[k] = next[k];\n"
        "            if (i == 1U) {\n"
        "                controller.state[k] = next[k];\n"
        "            }\n"
        "        }\n"
        "    }\n",
        out);
}

static void write_estimate_now(FILE *out)
{
    (void)fputs(
        "    controller_predict_from(next, controller.state, controller.share[0],\n"
        "                            controller.ground_m_s2);\n"
        "    for (i = 0U; i < CONTROLLER_STATES; i++) {\n"
        "        estimate[i] = next[i] + (controller_ground_end[i] * ground_m_s2);\n"
        "    }\n"
        "    controller_correct_by(estimate, controller.share[0]);\n"
        "    controller.ground_m_s2 = ground_m_s2;\n"
        "    for (k = 0U; k < CONTROLLER_STATES; k++) {\n"
        "        controller.state[k] = estimate[k];\n"
        "    }\n",
        out);
}

static void write_estimate(FILE *out, const struct aft_observer_model *model)
{
    (void)fputs(
        "/* The state now: corrected by the measurement, and from its time to now. */\n"
        "static void controller_estimate(float estimate[])\n"
        "{\n"
        "    float next[CONTROLLER_STATES];\n"
        "    const float ground_m_s2 = controller.sensor[CONTROLLER_GROUND];\n"
        "    uint32_t i;\n"
        "    uint32_t k;\n",
        out);
    if (model->latency > 0) {
        write_estimate_late(out);
    } else {
        write_estimate_now(out);
    }
    (void)fputs("}\n\n", out);
}

static const char nominal_source[] =
    "/* -gain [state, share], within +-1 */\n"
    "static float controller_nominal(const float state[])\n"
    "{\n"
    "    float share = -(controller_gain[CONTROLLER_STATES] * "
    "controller.share[CONTROLLER_LATENCY]);\n"
    "    uint32_t i;\n"
    "    for (i = 0U; i < CONTROLLER_STATES; i++) {\n"
    "        share -= controller_gain[i] * state[i];\n"
    "    }\n"
    "    return policy_clip(share, 1.0F);\n"
    "}\n"
    "\n";

static const char show_source[] =
    "static void controller_watch_drift(const float state[])\n"
    "{\n"
    "    float below_m = 0.0F;\n"
    "    uint32_t i;\n"
    "    for (i = 0U; i < CONTROLLER_FLOORS; i++) {\n"
    "        float drift = (state[i] - below_m) * CONTROLLER_PER_HEIGHT_1_M;\n"
    "        drift = (drift < 0.0F) ? -drift : drift;\n"
    "        controller.peak_drift = (drift > controller.peak_drift) ? drift : "
    "controller.peak_drift;\n"
    "        below_m = state[i];\n"
    "    }\n"
    "}\n"
    "\n"
    "static float controller_since_onset_s(void)\n"
    "{\n"
    "    return (controller.onset > 0U) ? ((float)(controller.onset - 1U) * CONTROLLER_STEP_S) : "
    "0.0F;\n"
    "}\n"
    "\n";

/* --- the observation, entry by entry --- */

static void write_drift(FILE *out, int storey, int first, double factor)
{
    int top = first + storey - 1;
    if (storey > 1) {
        (void)fprintf(out, "((x[%d] - x[%d]) * CONTROLLER_PER_HEIGHT_1_M) * %.8eF", top, top - 1,
                      factor);
    } else {
        (void)fprintf(out, "(x[%d] * CONTROLLER_PER_HEIGHT_1_M) * %.8eF", top, factor);
    }
}

static bool write_quantity(FILE *out, const struct aft_observation_entry *entry,
                           const struct aft_exported_policy *policy,
                           const struct aft_observer_model *model)
{
    double factor = (double)(1.0F / entry->scale);
    int roof = model->floors - 1;
    switch (entry->what) {
    case AFT_OBSERVED_CHANNEL:
        return fprintf(out, "controller.sensor[%d] * %.8eF", entry->of, factor) > 0;
    case AFT_OBSERVED_ESTIMATED_DRIFT:
        return write_drift(out, entry->of, 0, factor), true;
    case AFT_OBSERVED_ESTIMATED_DRIFT_RATE:
        return write_drift(out, entry->of, model->dof, factor), true;
    case AFT_OBSERVED_ESTIMATED_STROKE:
        return fprintf(out, "(x[%d] - x[%d]) * %.8eF", roof + 1, roof, factor) > 0;
    case AFT_OBSERVED_ESTIMATED_STROKE_RATE:
        roof += model->dof;
        return fprintf(out, "(x[%d] - x[%d]) * %.8eF", roof + 1, roof, factor) > 0;
    case AFT_OBSERVED_FORCE:
        return fprintf(out, "controller.sensor[CONTROLLER_FORCE] * %.8eF", factor) > 0;
    case AFT_OBSERVED_FORCE_LIMIT:
        return fprintf(out, "POLICY_FORCE_LIMIT_N / %.8eF", (double)entry->scale) > 0;
    case AFT_OBSERVED_ESTIMATED_PEAK_DRIFT:
        return fprintf(out, "controller.peak_drift * %.8eF", factor) > 0;
    case AFT_OBSERVED_SINCE_ONSET:
        return fprintf(out,
                       "policy_clip(controller_since_onset_s() * %.8eF, CONTROLLER_ONSET_MOST)",
                       factor) > 0;
    case AFT_OBSERVED_NOMINAL_FORCE:
        return fprintf(out, "controller_nominal(x) * %.8eF",
                       (double)(1.0F / policy->nominal_factor)) > 0;
    case AFT_OBSERVED_INTEGRAL:
    case AFT_OBSERVED_MEASURED_PEAK:
        break;
    }
    return false; /* these are not beside an observer */
}

static enum aft_code write_step(FILE *out, const struct aft_exported_policy *policy,
                                const struct aft_observer_model *model, struct aft_error *error)
{
    (void)fprintf(out,
                  "void controller_step(const float sensors[], float *force_n)\n"
                  "{\n"
                  "    float x[CONTROLLER_STATES];\n"
                  "    float obs[POLICY_OBSERVATIONS];\n"
                  "%s"
                  "    controller_take(sensors);\n"
                  "    controller_estimate(x);\n"
                  "    controller_watch_drift(x);\n",
                  model->latency > 0 ? "    controller_shift();\n" : "");
    for (int i = 0; i < policy->layout.n; i++) {
        const struct aft_observation_entry *entry = &policy->layout.entry[i];
        (void)fprintf(out, "    obs[%d] = ", i);
        if (!write_quantity(out, entry, policy, model)) {
            return aft_fail(error, AFT_ERR_USAGE, "write C source: no code for '%s'", entry->name);
        }
        (void)fprintf(out, "; /* %s */\n", entry->name);
    }
    (void)fputs("    policy_step(obs, force_n);\n}\n", out);
    return AFT_OK;
}

enum aft_code aft_csource_controller(FILE *out, const struct aft_exported_policy *policy,
                                     const struct aft_observer_model *model,
                                     struct aft_error *error)
{
    bool nominal = policy->layout.nominal >= 0;
    write_macros(out, policy, model);
    write_tables(out, model, nominal);
    write_memory(out, model);
    write_reset(out, model);
    if (model->latency > 0) {
        (void)fputs(shift_source, out);
    }
    (void)fputs(take_source, out);
    (void)fputs(predict_source, out);
    write_correct(out, model);
    write_estimate(out, model);
    (void)fputs(nominal ? nominal_source : "", out);
    (void)fputs(show_source, out);
    return write_step(out, policy, model, error);
}
