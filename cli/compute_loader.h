/* Loads aftershock_compute.so, the part of the program that needs BLAS. */
#ifndef AFT_CLI_COMPUTE_LOADER_H
#define AFT_CLI_COMPUTE_LOADER_H

#include "base/error.h"
#include "runner/compute.h"

/* The table stays valid until the process ends. */
enum aft_code aft_compute_load(const struct aft_compute_interface **compute,
                               struct aft_error *error);

#endif
