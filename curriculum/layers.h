/*
 * From a document to settings: defaults, then the preset, then the run's
 * sections, then each stage's own, with overrides applied before stages
 * inherit. Each layer remembers where a key was set.
 */
#ifndef AFT_CURRICULUM_LAYERS_H
#define AFT_CURRICULUM_LAYERS_H

#include "curriculum/document.h"

struct aft_layer {
    struct aft_stage stage; /* the run's layer uses motion, environment, ppo and gate of it */
    const struct aft_assignment *origin[AFT_MAX_KEYS]; /* by aft_key_index; NULL: the default */
};

/* Fills the sections of the curriculum and the layer that stages inherit. */
void aft_layer_of_run(struct aft_layer *layer, struct aft_curriculum *curriculum,
                      const struct aft_document *document);

/* Fills the layer of a stage, whole, from the run's. */
void aft_layer_of_stage(struct aft_layer *layer, const struct aft_layer *run,
                        const struct aft_document *document, int stage);

/* What no key can say by itself: that the layer's values go together. */
enum aft_code aft_layer_check(const struct aft_layer *layer,
                              const struct aft_curriculum *curriculum,
                              const struct aft_document *document, struct aft_error *error);

/* Where a section's fields are, in the curriculum or in the stage. */
void *aft_section_base(struct aft_curriculum *curriculum, struct aft_stage *stage,
                       enum aft_section section);

#endif
