/* The table that aftershock_compute.so exports. */
#include "runner/compute.h"

#include "runner/work.h"

__attribute__((visibility("default"))) const struct aft_compute_interface *aft_compute_module(void)
{
    static const struct aft_compute_interface table = {
        .version = AFT_COMPUTE_VERSION,
        .motion = aft_run_motion,
        .bench = aft_run_bench,
        .work = aft_work,
        .evaluate = aft_run_evaluate,
        .export_policy = aft_run_export,
    };
    return &table;
}
