/* The forms that a policy is written in, one file each. The caller frees *bytes. */
#ifndef AFT_RUNNER_EXPORT_FORMATS_H
#define AFT_RUNNER_EXPORT_FORMATS_H

#include "runner/export/exported_policy.h"

#include <stddef.h>

/* ONNX, opset 13, IR 8: obs [batch, obs_dim] to force_n and action, [batch, 1] each. */
enum aft_code aft_export_onnx(char **bytes, size_t *size, const struct aft_exported_policy *policy,
                              struct aft_error *error);

/* TorchScript: a module whose forward(obs) gives force_n and whose act(obs) gives action. */
enum aft_code aft_export_torchscript(char **bytes, size_t *size,
                                     const struct aft_exported_policy *policy,
                                     struct aft_error *error);

/* safetensors: all weights under SB3's names, and the normalisation. */
enum aft_code aft_export_safetensors(char **bytes, size_t *size,
                                     const struct aft_exported_policy *policy,
                                     struct aft_error *error);

/* One C99 file without dependencies: policy_step, and controller_step where the
 * policy has an observer. */
enum aft_code aft_export_csource(char **bytes, size_t *size,
                                 const struct aft_exported_policy *policy, struct aft_error *error);

#endif
