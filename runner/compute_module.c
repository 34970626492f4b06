/* The table that aftershock_compute.so exports. */
#include "runner/compute.h"

#include "runner/train.h"
#include "runner/work.h"

int aft_compute_exit_code(enum aft_code code)
{
    switch (code) {
    case AFT_OK:
        return AFT_EXIT_OK;
    case AFT_ERR_USAGE:
        return AFT_EXIT_USAGE;
    case AFT_ERR_CORRUPT:
    case AFT_ERR_REFUSED:
        return AFT_EXIT_REFUSED;
    default:
        return AFT_EXIT_FAILED;
    }
}

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
