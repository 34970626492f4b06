#include "curriculum/schedule.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

double aft_schedule_value(enum aft_schedule_kind kind, double first, double last, double progress)
{
    if (kind == AFT_SCHEDULE_CONSTANT || !(progress > 0.0)) {
        return first;
    }
    if (progress >= 1.0) {
        return last;
    }
    if (kind == AFT_SCHEDULE_LINEAR) {
        return first + (last - first) * progress;
    }
    return last + (first - last) * (1.0 + cos(pi * progress)) / 2.0;
}
