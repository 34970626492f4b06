/*
 * The .pth members of an archive, as torch.save writes them: a stored zip of
 * `archive/data.pkl` (a pickle) and `archive/data/<n>` (raw little-endian
 * floats). Written and read without libtorch; also reads what torch 1.13 and
 * later save, whatever their zip's folder is called.
 *
 * Messages are bare causes, as in zip_bytes.h.
 */
#ifndef AFT_RECOVERY_TORCH_FILE_H
#define AFT_RECOVERY_TORCH_FILE_H

#include "base/error.h"
#include "recovery/archive.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each makes one .pth in memory; the caller frees *bytes. */

/* A state dict: OrderedDict of name to tensor, in the order given. */
enum aft_code aft_torch_write_policy(char **bytes, size_t *size,
                                     const struct aft_archive_tensor *tensors, int n,
                                     struct aft_error *error);

struct aft_torch_adam { /* of one parameter group */
    double learning_rate;
    double eps;
    int64_t step; /* Adam steps done; 0 or missing moments: no state is written */
    bool plain;   /* as read: betas 0.9 and 0.999, no weight decay, no amsgrad. So it is written */
};

/* The state dict of torch.optim.Adam over the tensors. */
enum aft_code aft_torch_write_adam(char **bytes, size_t *size,
                                   const struct aft_archive_tensor *tensors, int n,
                                   const struct aft_torch_adam *adam, struct aft_error *error);

/* An empty dict. */
enum aft_code aft_torch_write_empty(char **bytes, size_t *size, struct aft_error *error);

/*
 * A TorchScript module as torch.jit.save writes it: beside the tensors, which are
 * its attributes of those names, the source of its class and an extra file.
 */
struct aft_torch_script {
    const char *class_name;
    const char *code; /* of class_name, in torch's serialised Python */
    const char *extra_name, *extra;
};
enum aft_code aft_torch_write_script(char **bytes, size_t *size,
                                     const struct aft_torch_script *script,
                                     const struct aft_archive_tensor *tensors, int n,
                                     struct aft_error *error);

struct aft_torch_tensors { /* owns the floats that the tensors point to */
    int n;
    struct aft_archive_tensor tensor[AFT_ARCHIVE_MAX_TENSORS];
    float *owned[3 * AFT_ARCHIVE_MAX_TENSORS];
    int n_owned;
    size_t room; /* bytes that the tensors of one file may still take: its size, since none of
                  * them share their storage in what torch and we write */
};

/* Fills names, shapes and values, in the file's order. On failure nothing is left to clear. */
enum aft_code aft_torch_read_policy(struct aft_torch_tensors *tensors, const void *bytes,
                                    size_t size, struct aft_error *error);

/* Fills the moments of tensors that aft_torch_read_policy has read: all of
 * them, or none where the optimizer has no state (adam->step is 0 then). */
enum aft_code aft_torch_read_adam(struct aft_torch_tensors *tensors, struct aft_torch_adam *adam,
                                  const void *bytes, size_t size, struct aft_error *error);
void aft_torch_tensors_clear(struct aft_torch_tensors *tensors);

#endif
