/*
 * Any controllers on any whole motions, each on its own copy of the same
 * plant, with the same force and power limit, lag, sensor noise and delay.
 * Double precision; nothing here is training state. Results do not depend on
 * the number of threads.
 */
#ifndef AFT_ENVIRONMENT_EVALUATION_H
#define AFT_ENVIRONMENT_EVALUATION_H

#include "base/error.h"
#include "base/thread_pool.h"
#include "environment/config.h"
#include "environment/controller.h"
#include "environment/motion_list.h"
#include "environment/response.h"
#include "environment/robustness.h"

struct aft_evaluation { /* what is the same for all controllers; zeros but for config will do */
    const struct aft_environment_config *config; /* plant, actuator, sensors, steps, seed, stage */
    double tail_s;                               /* simulated after a motion's end */
    struct aft_robustness robustness;
    /* Which sensor noise motion i gets: the same number gives the same noise to every
     * controller. Below 2^29, e.g. the motions' purpose. */
    uint32_t noise_stream;
    struct aft_thread_pool *pool; /* borrowed; NULL: one thread */
};

/* responses is [list->n][n_controllers]. The motions' dt_s is the config's (USAGE if
 * not). NUMERIC where a state or a command is not finite; an error of a
 * controller is passed on, of the first motion that has one. */
enum aft_code aft_evaluate(struct aft_response *responses, const struct aft_evaluation *evaluation,
                           const struct aft_motion_list *list,
                           const struct aft_controller *controllers, int n_controllers,
                           struct aft_error *error);

/* One motion with one controller, step by step. The arrays are owned. Sample i is at
 * i dt_s; forces and command of sample i act from i-1 to i (0 at sample 0). */
struct aft_history {
    size_t n;
    double dt_s;
    double *ground_m_s2, *roof_m, *peak_drift; /* peak_drift: the largest storey's |drift ratio| */
    double *roof_acc_m_s2, *stroke_m, *force_n, *power_w;
};

/* A policy is asked alone here, not in a batch: its last bits may differ. */
enum aft_code aft_evaluate_history(struct aft_history *history,
                                   const struct aft_evaluation *evaluation,
                                   const struct aft_motion_list *list, int motion,
                                   const struct aft_controller *controller,
                                   struct aft_error *error);
void aft_history_clear(struct aft_history *history);

#endif
