/* What a stage's name says: "M4.5@50kN" is magnitude 4.5, force limit 50 kN. */
#ifndef AFT_CURRICULUM_STAGE_NAME_H
#define AFT_CURRICULUM_STAGE_NAME_H

#include "curriculum/settings.h"

#include <stdbool.h>

#define AFT_STAGE_NAME_FORM "M<2 to 9.5>@<force>kN, MN or N, from 1 N to 1000 MN, such as M4.5@50kN"

/* Sets name, magnitude, force_limit_n and force_label of the stage; false
 * (stage untouched) where the name is not of the form above. */
bool aft_stage_name_parse(struct aft_stage *stage, const char *name);

#endif
