/*
 * The controller that knows the future: for a whole motion and the nominal
 * plant, the commands that make the largest drift ratio over storeys and time
 * least, by linear programming. It cannot be built; it says how much there is
 * to gain, so that other controllers stand on a scale from passive to here.
 *
 * The plant of the program is the real one step for step (exact discretisation,
 * the actuator's lag, |command| <= force limit, held over a control step),
 * but linear: without the power limit, and with |stroke| <= the stop's limit
 * instead of the stop, so that the stop is never touched. Its optimum is a lower
 * bound for every controller with this control step that keeps off the stop,
 * however much power it has. Not covered, though in practice far above the
 * bound: a controller that lives off blows of the stop, or off the power
 * limit's cutting a force short in the middle of a control step.
 *
 * Drift and stroke at a step are the free response plus the pulse responses to
 * the commands before. Few of these rows matter: those violated most are added,
 * round after round (cutting planes, Kelley 1960), until none is violated
 * by more than 1e-6 of its limit. What is reported as the bound is not the
 * solver's optimum but the value of the Lagrangian dual at its multipliers, which is
 * below the optimum whatever the solver's errors are (weak duality).
 */
#ifndef AFT_ENVIRONMENT_CLAIRVOYANT_H
#define AFT_ENVIRONMENT_CLAIRVOYANT_H

#include "environment/controller.h"
#include "environment/evaluation.h"
#include "environment/motion_list.h"

enum {
    /* Control steps that are planned. Later ones get no force, and what the building does
     * there is left out: the bound stays one. */
    AFT_CLAIRVOYANT_MAX_STEPS = 4000
};

struct aft_clairvoyant_plan { /* of one motion */
    double bound_drift;       /* drift ratio: no commands give a lower peak */
    double planned_drift;     /* peak of the linear plant under command_n; bound <= planned */
    /* What |stroke| may be: the stop's limit, or where no force keeps that, the least that
     * one keeps (the bound is then for this). 0 without a stop. */
    double stroke_m;
    size_t n;          /* control steps */
    double *command_n; /* [n] */
};

struct aft_clairvoyant; /* the plans of a list of motions */

/* Solves all motions, in parallel over the evaluation's pool (the results do not depend on
 * the number of threads); its tail counts, its robustness does not. A motion of 6 s takes
 * about 0.1 s, one of 30 s takes 2 s, one of 100 s up to 20 s. MISSING without
 * libClp, NUMERIC where the solver fails, USAGE for what a plant refuses. */
enum aft_code aft_clairvoyant_create(struct aft_clairvoyant **clairvoyant,
                                     const struct aft_evaluation *evaluation,
                                     const struct aft_motion_list *list, struct aft_error *error);
void aft_clairvoyant_destroy(struct aft_clairvoyant *clairvoyant);

const struct aft_clairvoyant_plan *aft_clairvoyant_plan(const struct aft_clairvoyant *clairvoyant,
                                                        int motion);

/* "clairvoyant": plays the commands to the real plant, where power limit and stop act, on
 * motions in the order of the list that was planned for. Borrows clairvoyant. */
struct aft_controller aft_clairvoyant_controller(struct aft_clairvoyant *clairvoyant);

/* Where a response stands between the passive device (0) and the bound (1), by peak
 * drift: (passive - response)/(passive - bound); 0 where they are the same. */
double aft_clairvoyant_scale(double passive_drift, double drift, double bound_drift);

#endif
