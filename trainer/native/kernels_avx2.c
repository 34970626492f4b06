#define KERNELS aft_kernels_avx2
#define KERNELS_NAME "avx2"
#include "trainer/native/kernels_body.h"
