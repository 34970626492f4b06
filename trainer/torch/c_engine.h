/* trainer/engine.h for C++: the one way in which files here include the project's C. */
#ifndef AFT_TRAINER_TORCH_C_ENGINE_H
#define AFT_TRAINER_TORCH_C_ENGINE_H

/* C headers may name a function like a struct; in C++ that hides a constructor. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#include "trainer/engine.h"
}
#pragma GCC diagnostic pop

#endif
