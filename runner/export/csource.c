/*
 * C99 source for a controller board: tables, fixed loops, no library. Floats are
 * printed with nine significant digits, which is enough to read the same bits.
 */
#include "runner/export/csource.h"

#include "runner/export/formats.h"

#include <stdlib.h>

enum { PER_LINE = 5 };

void aft_csource_table(FILE *out, const char *name, const float *values, size_t count)
{
    (void)fprintf(out, "static const float %s[%zuU] = {", name, count);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "%s%.8eF%s", i % PER_LINE == 0 ? "\n    " : " ", (double)values[i],
                      i + 1 < count ? "," : "");
    }
    (void)fputs("\n};\n\n", out);
}

void aft_csource_float(FILE *out, const char *name, float value)
{
    if (value < 0.0F) {
        (void)fprintf(out, "#define %s (%.8eF)\n", name, (double)value);
    } else {
        (void)fprintf(out, "#define %s %.8eF\n", name, (double)value);
    }
}

void aft_csource_entries(FILE *out, const struct aft_observation_layout *layout)
{
    for (int i = 0; i < layout->n; i++) {
        const struct aft_observation_entry *entry = &layout->entry[i];
        (void)fprintf(out, " *   %3d  %-32s %10g %s\n", i, entry->name, (double)entry->scale,
                      entry->unit);
    }
}

/* --- the head: where it is from, what it takes, what it costs --- */

static const char *of(const struct aft_exported_policy *policy, const char *key)
{
    return aft_json_get_string(policy->metadata, key, "");
}

static void write_cost(FILE *out, const struct aft_exported_policy *policy)
{
    size_t products = 0, activations = 0, floats = 0;
    for (int k = 0; k < policy->n_layers; k++) {
        const struct aft_exported_layer *layer = &policy->layer[k];
        products += (size_t)layer->in * (size_t)layer->out;
        activations += k < policy->n_layers - 1 ? (size_t)layer->out : 0;
        floats += ((size_t)layer->in + 1) * (size_t)layer->out;
    }
    size_t normalised = policy->normalised ? (size_t)policy->layout.n : 0;
    bool tanh = policy->network.activation == AFT_TANH;
    (void)fprintf(
        out,
        " * policy_step runs the same loops whatever it is given:\n"
        " *   %zu multiply-adds of the network,\n"
        " *   %zu x %s,\n"
        " *   %zu x normalisation (1 subtraction, 1 product, 2 comparisons),\n"
        " *   fewer than 30 operations more.\n"
        " * Constants: %zu bytes. Stack: %d bytes of floats. No heap, no static memory.\n",
        products, activations,
        tanh ? "tanh (11 products, 8 additions, 1 division, 4 comparisons)"
             : "rectifier (1 comparison)",
        normalised, (floats + 2 * normalised) * sizeof(float),
        2 * aft_exported_policy_widest(policy) * (int)sizeof(float));
}

/* model: of the policy's observer; NULL: none. */
static void write_head(FILE *out, const struct aft_exported_policy *policy,
                       const struct aft_observer_model *model)
{
    (void)fprintf(
        out,
        "/*\n"
        " * A policy trained by %s, as C99 without dependencies.\n"
        " * Run '%s', stage %s (%s), %s archive; SHA-256 of the weights\n"
        " * %s.\n"
        " *\n"
        " * policy_step: from an observation to the force (N) to ask the actuator for, within\n"
        " * +-%g N. Call it once in %g s. The force is 0 where the observation holds a NaN%s.\n"
        " *\n"
        " * obs, of POLICY_OBSERVATIONS entries; an entry is a quantity divided by its scale:\n"
        " *\n"
        " *   no.  quantity                              scale unit\n",
        of(policy, "producer"), of(policy, "run"), of(policy, "stage"), of(policy, "stage_name"),
        of(policy, "archive_kind"), of(policy, "weights_sha256"), (double)policy->force_limit_n,
        policy->control_step_s,
        policy->guard.reach_m > 0.0F ? ",\n * unless stroke and rate alone ask for full braking"
                                     : "");
    aft_csource_entries(out, &policy->layout);
    (void)fputs(" *\n", out);
    write_cost(out, policy);
    if (model != NULL) {
        aft_csource_controller_head(out, policy, model);
    }
    (void)fputs(" */\n#include <stdint.h>\n\n", out);
    (void)fputs("void policy_step(const float obs[], float *force_n);\n", out);
    if (model != NULL) {
        aft_csource_controller_prototypes(out);
    }
}

/* --- constants --- */

static void write_macros(FILE *out, const struct aft_exported_policy *policy)
{
    const struct aft_observation_layout *layout = &policy->layout;
    (void)fprintf(out, "\n#define POLICY_OBSERVATIONS %dU\n#define POLICY_WIDEST %dU\n", layout->n,
                  aft_exported_policy_widest(policy));
    for (int k = 0; k < policy->n_layers; k++) {
        (void)fprintf(out, "#define POLICY_WIDTH_%d %dU\n", k, policy->layer[k].out);
    }
    if (policy->normalised) {
        aft_csource_float(out, "POLICY_OBSERVATION_CLIP", AFT_NORMALISER_CLIP);
    }
    aft_csource_float(out, "POLICY_FORCE_LIMIT_N", policy->force_limit_n);
    if (layout->nominal >= 0) {
        (void)fprintf(out, "#define POLICY_NOMINAL %dU\n", layout->nominal);
        aft_csource_float(out, "POLICY_NOMINAL_FACTOR", policy->nominal_factor);
    }
    if (policy->guard.reach_m > 0.0F) {
        (void)fprintf(out, "#define POLICY_STROKE %dU\n#define POLICY_STROKE_RATE %dU\n",
                      layout->stroke, layout->stroke_rate);
        aft_csource_float(out, "POLICY_STROKE_M", layout->entry[layout->stroke].scale);
        aft_csource_float(out, "POLICY_STROKE_RATE_M_S", layout->entry[layout->stroke_rate].scale);
        aft_csource_float(out, "POLICY_REACH_M", policy->guard.reach_m);
        aft_csource_float(out, "POLICY_BRAKING_S2_PER_M", policy->guard.s2_per_m);
    }
    (void)fputs("\n", out);
}

static void write_tables(FILE *out, const struct aft_exported_policy *policy)
{
    char name[32];
    if (policy->normalised) {
        aft_csource_table(out, "policy_shift", policy->shift, (size_t)policy->layout.n);
        aft_csource_table(out, "policy_scale", policy->scale, (size_t)policy->layout.n);
    }
    for (int k = 0; k < policy->n_layers; k++) {
        const struct aft_exported_layer *layer = &policy->layer[k];
        (void)snprintf(name, sizeof name, "policy_weight_%d", k);
        aft_csource_table(out, name, layer->weight, (size_t)layer->out * (size_t)layer->in);
        (void)snprintf(name, sizeof name, "policy_bias_%d", k);
        aft_csource_table(out, name, layer->bias, (size_t)layer->out);
    }
}

/* --- functions --- */

static const char tools[] =
    "/* NaN stays NaN. */\n"
    "static float policy_clip(float x, float limit)\n"
    "{\n"
    "    float y = x;\n"
    "    if (x > limit) {\n"
    "        y = limit;\n"
    "    } else if (x < -limit) {\n"
    "        y = -limit;\n"
    "    } else {\n"
    "        /* within the limits */\n"
    "    }\n"
    "    return y;\n"
    "}\n"
    "\n"
    "/* out = weight in + bias, with weight in rows of n_in. */\n"
    "static void policy_layer(float out[], uint32_t n_out, const float in[], uint32_t n_in,\n"
    "                         const float weight[], const float bias[])\n"
    "{\n"
    "    uint32_t row;\n"
    "    uint32_t column;\n"
    "    uint32_t at = 0U;\n"
    "    for (row = 0U; row < n_out; row++) {\n"
    "        float sum = bias[row];\n"
    "        for (column = 0U; column < n_in; column++) {\n"
    "            sum += weight[at] * in[column];\n"
    "            at++;\n"
    "        }\n"
    "        out[row] = sum;\n"
    "    }\n"
    "}\n"
    "\n";

static const char tanh_source[] =
    "/*\n"
    " * tanh x = x P(x^2) / Q(x^2) on |x| <= 9, beyond which it is 1 to single precision. P and\n"
    " * Q are of degree 4, the minimax fit in relative error (2.1e-8; 3e-7 with all roundings).\n"
    " */\n"
    "static float policy_activation(float value)\n"
    "{\n"
    "    const float x = policy_clip(value, 9.0F);\n"
    "    const float t = x * x;\n"
    "    float p = 1.33554578615e-8F;\n"
    "    float q = 7.77692523142e-7F;\n"
    "    p = (p * t) + 2.0609797853e-5F;\n"
    "    p = (p * t) + 3.495638098e-3F;\n"
    "    p = (p * t) + 0.133810700018F;\n"
    "    p = (p * t) + 0.999999979548F;\n"
    "    q = (q * t) + 3.28571189314e-4F;\n"
    "    q = (q * t) + 2.58771793432e-2F;\n"
    "    q = (q * t) + 0.467143856914F;\n"
    "    q = (q * t) + 1.0F;\n"
    "    return policy_clip((x * p) / q, 1.0F);\n"
    "}\n"
    "\n";

static const char relu_source[] =
    "static float policy_activation(float value)\n"
    "{\n"
    "    return (value < 0.0F) ? 0.0F : value;\n"
    "}\n"
    "\n";

static const char activate_source[] =
    "static void policy_activate(float values[], uint32_t n)\n"
    "{\n"
    "    uint32_t i;\n"
    "    for (i = 0U; i < n; i++) {\n"
    "        values[i] = policy_activation(values[i]);\n"
    "    }\n"
    "}\n"
    "\n";

static const char guard_source[] =
    "/* Full braking, where the mass moves outward too fast to be stopped in time. */\n"
    "static float policy_guard(float share, float stroke_m, float rate_m_s)\n"
    "{\n"
    "    const float away_m = (stroke_m < 0.0F) ? -stroke_m : stroke_m;\n"
    "    const float needed_m = away_m + ((rate_m_s * rate_m_s) * POLICY_BRAKING_S2_PER_M);\n"
    "    float guarded = share;\n"
    "    if ((needed_m > POLICY_REACH_M) && ((stroke_m * rate_m_s) > 0.0F)) {\n"
    "        guarded = (rate_m_s > 0.0F) ? -1.0F : 1.0F;\n"
    "    }\n"
    "    return guarded;\n"
    "}\n"
    "\n";

static void write_layers(FILE *out, const struct aft_exported_policy *policy)
{
    for (int k = 0; k < policy->n_layers; k++) {
        const char *from = k % 2 == 0 ? "x" : "y", *to = k % 2 == 0 ? "y" : "x";
        (void)fprintf(out, "    policy_layer(%s, POLICY_WIDTH_%d, %s, ", to, k, from);
        if (k == 0) {
            (void)fputs("POLICY_OBSERVATIONS", out);
        } else {
            (void)fprintf(out, "POLICY_WIDTH_%d", k - 1);
        }
        (void)fprintf(out, ", policy_weight_%d, policy_bias_%d);\n", k, k);
        if (k < policy->n_layers - 1) {
            (void)fprintf(out, "    policy_activate(%s, POLICY_WIDTH_%d);\n", to, k);
        }
    }
    (void)fprintf(out, "    share = policy_clip(%s[0], 1.0F);\n",
                  policy->n_layers % 2 == 1 ? "y" : "x");
}

static void write_step(FILE *out, const struct aft_exported_policy *policy)
{
    (void)fprintf(out,
                  "void policy_step(const float obs[], float *force_n)\n"
                  "{\n"
                  "    float x[POLICY_WIDEST];\n"
                  "    float y[POLICY_WIDEST];\n"
                  "    float share;\n"
                  "    uint32_t i;\n"
                  "    for (i = 0U; i < POLICY_OBSERVATIONS; i++) {\n"
                  "        x[i] = %s;\n"
                  "    }\n",
                  policy->normalised ? "policy_clip((obs[i] - policy_shift[i]) * policy_scale[i],\n"
                                       "                           POLICY_OBSERVATION_CLIP)"
                                     : "obs[i]");
    write_layers(out, policy);
    if (policy->layout.nominal >= 0) {
        (void)fputs(
            "    share = policy_clip((obs[POLICY_NOMINAL] * POLICY_NOMINAL_FACTOR) + share, "
            "1.0F);\n",
            out);
    }
    if (policy->guard.reach_m > 0.0F) {
        (void)fputs(
            "    share = policy_guard(share, obs[POLICY_STROKE] * POLICY_STROKE_M,\n"
            "                         obs[POLICY_STROKE_RATE] * POLICY_STROKE_RATE_M_S);\n",
            out);
    }
    (void)fputs(
        "    if ((share >= -1.0F) && (share <= 1.0F)) {\n"
        "        *force_n = share * POLICY_FORCE_LIMIT_N;\n"
        "    } else {\n"
        "        *force_n = 0.0F; /* not a number */\n"
        "    }\n"
        "}\n",
        out);
}

static enum aft_code write_source(FILE *out, const struct aft_exported_policy *policy,
                                  const struct aft_observer_model *model, struct aft_error *error)
{
    write_head(out, policy, model);
    write_macros(out, policy);
    write_tables(out, policy);
    (void)fputs(tools, out);
    (void)fputs(policy->network.activation == AFT_TANH ? tanh_source : relu_source, out);
    (void)fputs(activate_source, out);
    if (policy->guard.reach_m > 0.0F) {
        (void)fputs(guard_source, out);
    }
    write_step(out, policy);
    return model != NULL ? aft_csource_controller(out, policy, model, error) : AFT_OK;
}

static enum aft_code write_text(char **bytes, size_t *size,
                                const struct aft_exported_policy *policy,
                                const struct aft_observer_model *model, struct aft_error *error)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (out == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write C source: out of memory");
    }
    enum aft_code code = write_source(out, policy, model, error);
    if (fclose(out) != 0 && code == AFT_OK) {
        code = aft_fail(error, AFT_ERR_MEMORY, "write C source: out of memory");
    }
    if (code != AFT_OK) {
        free(text);
        return code;
    }
    *bytes = text;
    return AFT_OK;
}

enum aft_code aft_export_csource(char **bytes, size_t *size,
                                 const struct aft_exported_policy *policy, struct aft_error *error)
{
    struct aft_observer_model model;
    if (policy->observer == NULL) {
        return write_text(bytes, size, policy, NULL, error);
    }
    enum aft_code code = aft_observer_model_create(&model, policy->observer, error);
    if (code == AFT_OK) {
        code = write_text(bytes, size, policy, &model, error);
        aft_observer_model_clear(&model);
    }
    return code;
}
