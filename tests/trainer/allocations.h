/* A program's own malloc that counts, for itself and for the modules it loads, and asks
 * glibc's. */
#ifndef AFT_TESTS_TRAINER_ALLOCATIONS_H
#define AFT_TESTS_TRAINER_ALLOCATIONS_H

#include <stdlib.h> /* __GLIBC__ */

#if defined(AFT_SANITIZED) || !defined(__GLIBC__)
#define ALLOCATIONS_COUNTED 0 /* the sanitizers have a malloc of their own */
#else
#define ALLOCATIONS_COUNTED 1
#endif

/* So far. */
long allocations(void);

#endif
