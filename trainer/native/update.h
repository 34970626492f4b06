/* A run over minibatches, shared by the files that carry it out: what a lane, that
 * is a net, does next (update.c), and its tasks (update_tasks.c). */
#ifndef AFT_TRAINER_NATIVE_UPDATE_H
#define AFT_TRAINER_NATIVE_UPDATE_H

#include "trainer/native/native.h"

enum aft_update_stage {
    AFT_UPDATE_PASS,     /* blocks of rows forward, loss, deltas; task: block of the span */
    AFT_UPDATE_GRADIENT, /* of the weights, over the span's rows; task: piece */
    AFT_UPDATE_ADAM,     /* task: piece */
};

struct aft_update_lane {
    enum aft_update_stage stage;
    int first, n;        /* the minibatch, in `order` */
    int span, span_rows; /* the span's first row in the minibatch, and its rows */
};

struct aft_update_run {
    struct aft_native *engine;
    const struct aft_minibatches *minibatches;
    const struct aft_update_config *config;
    struct aft_update_lane lane[AFT_NATIVE_NETS];
    float advantage_mean, advantage_scale; /* of the policy's minibatch */
    struct aft_adam_step adam;
};

void aft_update_task(void *context, int lane, int task);

#endif
