#define KERNELS aft_kernels_baseline
#define KERNELS_NAME "baseline"
#include "trainer/native/kernels_body.h"
