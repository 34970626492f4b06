#include "curriculum/layers.h"

#include "curriculum/value.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *preset, *key, *value;
} preset_values[] = {
    /* where they differ from the defaults, which are slender12's */
    {"seed12", "floor_mass_kg", "2.0e5"},
    {"seed12", "storey_stiffness_n_m", "2.0e7"},
    {"seed12", "device_stiffness_n_m", "50e3"},
    {"seed12", "device_damping_n_s_m", "2000"},
    {"seed12", "stroke_m", "0"},
};

void *aft_section_base(struct aft_curriculum *curriculum, struct aft_stage *stage,
                       enum aft_section section)
{
    switch (section) {
    case AFT_SECTION_RUN:
        return &curriculum->run;
    case AFT_SECTION_BUILDING:
        return &curriculum->building;
    case AFT_SECTION_ACTUATOR:
        return &curriculum->actuator;
    case AFT_SECTION_MOTION:
        return &stage->motion;
    case AFT_SECTION_ENVIRONMENT:
        return &stage->environment;
    case AFT_SECTION_PPO:
        return &stage->ppo;
    case AFT_SECTION_RECOVERY:
        return &curriculum->recovery;
    case AFT_SECTION_EVALUATION:
        return &curriculum->evaluation;
    case AFT_SECTION_GATE:
        return &stage->gate;
    case AFT_SECTION_STAGE:
    case AFT_SECTION_COUNT:
        break;
    }
    return stage;
}

/* The text was checked when it was read, or stands in a table of ours. */
static void set(struct aft_curriculum *curriculum, struct aft_stage *stage,
                const struct aft_key *key, const char *text)
{
    char reason[AFT_MAX_REASON];
    void *base = aft_section_base(curriculum, stage, key->section);
    bool good = *text == '\0' || aft_value_set(key, text, base, reason);
    assert(good);
    (void)good;
}

static void set_defaults(struct aft_curriculum *curriculum, struct aft_stage *stage)
{
    for (size_t i = 0; i < aft_key_count(); i++) {
        if (aft_key_at(i)->initial != NULL) {
            set(curriculum, stage, aft_key_at(i), aft_key_at(i)->initial);
        }
    }
}

static void set_preset(struct aft_curriculum *curriculum, struct aft_stage *stage,
                       const struct aft_document *document)
{
    const struct aft_key *preset = aft_key_find(AFT_SECTION_BUILDING, "preset");
    const char *name = preset->initial;
    for (size_t i = 0; i < document->n_assignments; i++) {
        if (document->assignments[i].key == preset) {
            name = document->assignments[i].value;
        }
    }
    for (size_t i = 0; i < sizeof preset_values / sizeof *preset_values; i++) {
        if (strcmp(preset_values[i].preset, name) == 0) {
            const struct aft_key *key = aft_key_find(AFT_SECTION_BUILDING, preset_values[i].key);
            set(curriculum, stage, key, preset_values[i].value);
        }
    }
}

/* Overrides follow the file's assignments in a document, so they win. */
static void apply(struct aft_layer *layer, struct aft_curriculum *curriculum,
                  const struct aft_document *document, int stage)
{
    for (size_t i = 0; i < document->n_assignments; i++) {
        const struct aft_assignment *assignment = &document->assignments[i];
        if (assignment->stage == stage) {
            set(curriculum, &layer->stage, assignment->key, assignment->value);
            layer->origin[aft_key_index(assignment->key)] = assignment;
        }
    }
}

void aft_layer_of_run(struct aft_layer *layer, struct aft_curriculum *curriculum,
                      const struct aft_document *document)
{
    *layer = (struct aft_layer){0};
    set_defaults(curriculum, &layer->stage);
    set_preset(curriculum, &layer->stage, document);
    apply(layer, curriculum, document, AFT_OF_RUN);
}

static bool is_given(const struct aft_layer *layer, const char *ppo_key)
{
    const struct aft_key *key = aft_key_find(AFT_SECTION_PPO, ppo_key);
    return layer->origin[aft_key_index(key)] != NULL;
}

/* A rate that changes without a schedule given changes linearly; a constant
 * one ends where it began, whatever its end was said to be. */
static void follow(struct aft_layer *layer)
{
    struct aft_ppo_settings *ppo = &layer->stage.ppo;
    if (!is_given(layer, "final_learning_rate")) {
        ppo->final_learning_rate = ppo->learning_rate;
    }
    if (!is_given(layer, "final_ent_coef")) {
        ppo->final_ent_coef = ppo->ent_coef;
    }
    if (!is_given(layer, "lr_schedule") && ppo->final_learning_rate != ppo->learning_rate) {
        ppo->lr_schedule = AFT_SCHEDULE_LINEAR;
    }
    if (!is_given(layer, "ent_schedule")) {
        bool changes = ppo->final_ent_coef != ppo->ent_coef;
        ppo->ent_schedule = !changes                                    ? AFT_SCHEDULE_CONSTANT
                            : ppo->lr_schedule == AFT_SCHEDULE_CONSTANT ? AFT_SCHEDULE_LINEAR
                                                                        : ppo->lr_schedule;
    }
    if (ppo->lr_schedule == AFT_SCHEDULE_CONSTANT) {
        ppo->final_learning_rate = ppo->learning_rate;
    }
    if (ppo->ent_schedule == AFT_SCHEDULE_CONSTANT) {
        ppo->final_ent_coef = ppo->ent_coef;
    }
}

void aft_layer_of_stage(struct aft_layer *layer, const struct aft_layer *run,
                        const struct aft_document *document, int stage)
{
    *layer = *run;
    layer->stage = document->stages[stage].named;
    layer->stage.motion = run->stage.motion;
    layer->stage.environment = run->stage.environment;
    layer->stage.ppo = run->stage.ppo;
    layer->stage.gate = run->stage.gate;
    apply(layer, NULL, document, stage); /* no key of a stage is the curriculum's */
    follow(layer);
}
