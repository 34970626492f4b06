/* Schedules of the learning rate and the entropy coefficient over a stage. */
#ifndef AFT_CURRICULUM_SCHEDULE_H
#define AFT_CURRICULUM_SCHEDULE_H

#include "curriculum/settings.h"

/* The value at progress 0…1 of the stage (outside: clamped).
 * linear: first + (last - first) p;  cosine: last + (first - last)(1 + cos πp)/2
 * (Loshchilov & Hutter 2017, without restarts);  constant: first. */
double aft_schedule_value(enum aft_schedule_kind kind, double first, double last, double progress);

#endif
