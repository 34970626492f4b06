/* The figures of one building's response to one motion, gathered step by step. */
#ifndef AFT_ENVIRONMENT_RESPONSE_H
#define AFT_ENVIRONMENT_RESPONSE_H

#include "environment/evaluation.h"
#include "environment/plant.h"

struct aft_response_meter {
    struct aft_response so_far;
    double sum_squares; /* of drift ratios, over storeys and steps */
    long steps;
};

/* Takes the state after a step in; its entries are stride apart. */
void aft_response_note(struct aft_response_meter *meter, const struct aft_plant *plant,
                       const double *state, int stride, const struct aft_plant_forces *forces);

struct aft_response aft_response_result(const struct aft_response_meter *meter,
                                        const struct aft_plant *plant);

#endif
