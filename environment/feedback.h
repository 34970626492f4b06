/*
 * Clipped LQR and LQG with a stroke guard, as controllers (controller.h).
 * "lqr" reads the true state, without noise or delay: the most that this law can
 * do. "lqg" has the policy's own sensors and the actuator's last force.
 */
#ifndef AFT_ENVIRONMENT_FEEDBACK_H
#define AFT_ENVIRONMENT_FEEDBACK_H

#include "environment/controller.h"
#include "environment/kalman.h"
#include "environment/lqr.h"
#include "environment/stroke_guard.h"

struct aft_feedback_parameters { /* plain data: may be stored and compared */
    struct aft_lqr_weights weights;
    double guard_reach, guard_braking;
    struct aft_kalman_noise noise; /* of lqg */
};

struct aft_feedback; /* gains, filter and guard of one controller */

/* sensed: with the filter (lqg). The model is config's nominal plant. */
enum aft_code aft_feedback_create(struct aft_feedback **feedback,
                                  const struct aft_environment_config *config,
                                  const struct aft_feedback_parameters *parameters, bool sensed,
                                  struct aft_error *error);
void aft_feedback_destroy(struct aft_feedback *feedback);

/* "lqr" or "lqg"; borrows feedback. */
struct aft_controller aft_feedback_controller(struct aft_feedback *feedback);

#endif
