/*
 * The only file that includes libtorch's headers, and CUDA's. It keeps to what
 * libtorch 1.13 and 2.x share. AFT_TORCH_GRAPHS is defined where this libtorch
 * has CUDA graphs and CUDA's headers were found.
 */
#ifndef AFT_TRAINER_TORCH_LIBTORCH_H
#define AFT_TRAINER_TORCH_LIBTORCH_H

#ifdef AFT_TORCH_GRAPHS
#include <cuda.h> /* first: 1.13's CUDAGraph has other members without CUDA_VERSION */

#include <ATen/cuda/CUDAGraph.h>
#endif

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/accumulate.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/cuda.h>
#include <torch/version.h>

#endif
