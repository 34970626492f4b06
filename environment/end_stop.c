#include "environment/end_stop.h"

#include <math.h>

enum { MAX_ITERATIONS = 200 };

struct contact { /* mirrored so that the stop is at +limit */
    const struct aft_end_stop *stop;
    double start_m, free_m, compliance_m_n, dt_s;
};

static double push(const struct contact *contact, double end_m)
{
    const struct aft_end_stop *stop = contact->stop;
    double p0 = fmax(0.0, contact->start_m - stop->limit_m);
    double p1 = fmax(0.0, end_m - stop->limit_m);
    double moved = end_m - contact->start_m;
    double spring = fabs(moved) > 1e-12 ? 0.5 * (p1 - p0) * (p1 + p0) / moved : p0;
    return fmax(0.0,
                stop->stiffness_n_m * spring + stop->damping_n_s_m * (p1 - p0) / contact->dt_s);
}

static double residual(const struct contact *contact, double end_m)
{
    return end_m - contact->free_m + contact->compliance_m_n * push(contact, end_m);
}

/* Illinois' variant of regula falsi within a bracket that always holds: push() grows with end_m. */
static double solve_end(const struct contact *contact)
{
    double high = contact->free_m;
    double low = high - contact->compliance_m_n * push(contact, high);
    double at_high = residual(contact, high), at_low = residual(contact, low);
    for (int i = 0; i < MAX_ITERATIONS && high - low > 1e-15 * fabs(high) && at_high > at_low;
         i++) {
        double middle = low + (high - low) * (-at_low / (at_high - at_low));
        double at_middle = residual(contact, middle);
        if (at_middle > 0.0) {
            high = middle;
            at_high = at_middle;
            at_low *= 0.5;
        } else if (at_middle < 0.0) {
            low = middle;
            at_low = at_middle;
            at_high *= 0.5;
        } else {
            return middle;
        }
    }
    return 0.5 * (low + high);
}

double aft_end_stop_force(const struct aft_end_stop *stop, double start_m, double free_m,
                          double compliance_m_n, double dt_s)
{
    if (stop->limit_m <= 0.0 || !isfinite(free_m)) {
        return 0.0;
    }
    if (fabs(start_m) <= stop->limit_m && fabs(free_m) <= stop->limit_m) {
        return 0.0;
    }
    double side = fabs(start_m) > stop->limit_m ? copysign(1.0, start_m) : copysign(1.0, free_m);
    struct contact contact = {stop, side * start_m, side * free_m, compliance_m_n, dt_s};
    return -side * push(&contact, solve_end(&contact));
}
