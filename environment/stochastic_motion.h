/*
 * Ground motion by the stochastic method: windowed Gaussian noise given the
 * amplitude spectrum of a point source (Boore 2003, Pure Appl. Geophys. 160,
 * 635; source Brune 1970, 1971; moment Hanks & Kanamori 1979; site
 * amplification Boore & Joyner 1997, generic rock; window Saragoni & Hart 1974
 * with Boore's constants). SI units; the papers' CGS stays inside.
 *
 *   A(f) = C M0 (2πf)²/(1+(f/fc)²) Z(R) exp(-πfR/(Qβ)) exp(-πκf) Amp(f)
 *   C = 0.55·0.707·2/(4πρβ³)·1e-20, ρ = 2.8 g/cm³, β = 3.5 km/s, Q = 180 f^0.45
 *   M0 = 10^(1.5M+16.05) dyn cm, fc = 4.9e6 β (Δσ/M0)^(1/3)
 *   Z = 1/R to 40 km, then 1/sqrt(40 R) (with this Q: Campbell 2003, Bull. Seism.
 *   Soc. Am. 93, 1012, for western North America)
 * and a low cut at 0.05 Hz, |H| = 1/sqrt(1+(0.05/f)^8), without phase.
 *
 * The noise window starts LEAD after the motion's first sample and the motion
 * ends as long after the window, because a spectrum without phase spreads to
 * both sides. The window is cut at tη = 2 (1/fc + 0.05 R), where it is 5 %.
 */
#ifndef AFT_ENVIRONMENT_STOCHASTIC_MOTION_H
#define AFT_ENVIRONMENT_STOCHASTIC_MOTION_H

#include "base/error.h"
#include "base/random.h"

#include <stddef.h>

#define AFT_SOURCE_LEAD_S 0.5

struct aft_source {
    double magnitude, distance_km, stress_drop_bar, kappa_s;
};

double aft_source_corner_hz(const struct aft_source *source);
/* Fourier amplitude of the acceleration at f > 0, m/s, low cut included. */
double aft_source_amplitude_m_s(const struct aft_source *source, double f_hz);
/* The noise window at t after its start, 1 at its largest; t_eta_s is its length. */
double aft_source_window(double t_s, double t_eta_s);
double aft_source_window_length_s(const struct aft_source *source);
/* Length of the whole motion, the lead and the end included. */
double aft_source_duration_s(const struct aft_source *source);

/* Working memory for motions of up to a duration: tables and buffers. Not
 * to be shared by threads at one time. Results do not depend on its size. */
struct aft_stochastic;

enum aft_code aft_stochastic_create(struct aft_stochastic **workspace, double longest_s,
                                    double dt_s, struct aft_error *error);
void aft_stochastic_destroy(struct aft_stochastic *workspace);
/* Room that the longest motion takes. */
size_t aft_stochastic_samples(const struct aft_stochastic *workspace);

/* The noise is the stream (high, middle) of the key. *n samples, m/s²; a motion
 * that is longer than the workspace is cut at its end. No allocation. */
void aft_stochastic_generate(double *acceleration_m_s2, size_t *n, struct aft_stochastic *workspace,
                             const struct aft_source *source, struct aft_random_key key,
                             const uint32_t stream[2]);

#endif
