/* Which device the torch engine computes on, and how the process is set up for it. */
#ifndef AFT_TRAINER_TORCH_DEVICE_H
#define AFT_TRAINER_TORCH_DEVICE_H

#include "trainer/torch/c_engine.h"
#include "trainer/torch/libtorch.h"

#include <string>

namespace aft_torch
{

/* One thread, and the same bits on every run. Must come before CUDA's first use. */
void prepare_process();

/* name: "auto" | "cpu" | "cuda" | "cuda:N"; NULL is auto */
enum aft_code choose_device(at::Device *device, const char *name, struct aft_error *error);

/* The model's name, as the driver gives it. */
std::string cuda_name(int index);

} // namespace aft_torch

#endif
