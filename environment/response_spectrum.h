/*
 * What engineers say of a ground motion: peak acceleration, Arias intensity
 * and significant duration (Arias 1970; Trifunac & Brady 1975), and the
 * response spectrum of a damped oscillator, exact for an acceleration that runs
 * linearly between its samples (Nigam & Jennings 1969). Accelerations in m/s².
 */
#ifndef AFT_ENVIRONMENT_RESPONSE_SPECTRUM_H
#define AFT_ENVIRONMENT_RESPONSE_SPECTRUM_H

#include <stddef.h>

#define AFT_GRAVITY_M_S2 9.80665

struct aft_motion_summary {
    double pga_m_s2;
    double arias_m_s;                 /* π/(2g) ∫ a² dt */
    size_t strong_first, strong_last; /* samples where 5 % and 95 % of it are reached */
    double significant_s;             /* time between them */
};

void aft_motion_summarise(struct aft_motion_summary *summary, const double *acceleration_m_s2,
                          size_t n, double dt_s);

/* Pseudo-acceleration ω² max|x| (m/s²) of an oscillator of the period and
 * damping ratio (below 1), from rest, through the motion and one period after it. */
double aft_spectral_acceleration_m_s2(const double *acceleration_m_s2, size_t n, double dt_s,
                                      double period_s, double damping_ratio);

#endif
