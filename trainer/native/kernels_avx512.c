#define KERNELS aft_kernels_avx512
#define KERNELS_NAME "avx512"
#include "trainer/native/kernels_body.h"
