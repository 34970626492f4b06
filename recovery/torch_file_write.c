#include "recovery/pickle_write.h"
#include "recovery/torch_file.h"
#include "recovery/zip_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "floats are written as they lie");

enum { MAX_STORAGES = 3 * AFT_ARCHIVE_MAX_TENSORS, MAX_OTHERS = 3, MAX_NAME = 128 };
enum { MAX_ENTRIES = MAX_STORAGES + MAX_OTHERS + 2 };

struct file { /* a .pth in the making: the pickle, and the storages it names */
    struct aft_pickle_writer pickle;
    int n_storages;
    struct aft_zip_entry entries[MAX_ENTRIES]; /* the pickle, the storages, the others */
    char names[MAX_STORAGES][24];
    int n_others; /* of a module */
    struct aft_zip_entry others[MAX_OTHERS];
};

static void start(struct file *file)
{
    memset(file, 0, sizeof *file);
    aft_pickle_start(&file->pickle);
}

static enum aft_code finish(struct file *file, char **bytes, size_t *size, struct aft_error *error)
{
    aft_pickle_ops(&file->pickle, ".");
    if (file->pickle.failed) {
        free(file->pickle.bytes);
        return aft_fail(error, AFT_ERR_MEMORY, "no memory for a pickle");
    }
    int last = file->n_storages + file->n_others + 1;
    file->entries[0] = (struct aft_zip_entry){
        .name = "archive/data.pkl", .bytes = file->pickle.bytes, .size = file->pickle.size};
    memcpy(file->entries + file->n_storages + 1, file->others, sizeof file->others);
    file->entries[last] =
        (struct aft_zip_entry){.name = "archive/version", .bytes = "3\n", .size = 2};
    enum aft_code code = aft_zip_write(bytes, size, file->entries, (size_t)last + 1, error);
    free(file->pickle.bytes);
    return code;
}

/* torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) */
static void write_tensor(struct file *file, const float *floats, int n_dims, const int64_t *dims)
{
    struct aft_pickle_writer *pickle = &file->pickle;
    size_t count = 1;
    for (int i = 0; i < n_dims; i++) {
        count *= (size_t)dims[i];
    }
    int index = file->n_storages++;
    (void)snprintf(file->names[index], sizeof file->names[index], "archive/data/%d", index);
    file->entries[index + 1] = (struct aft_zip_entry){
        .name = file->names[index], .bytes = floats, .size = count * sizeof *floats};

    aft_pickle_global(pickle, "torch._utils", "_rebuild_tensor_v2");
    aft_pickle_ops(pickle, "((");
    aft_pickle_text(pickle, "storage");
    aft_pickle_global(pickle, "torch", "FloatStorage");
    aft_pickle_text(pickle, strrchr(file->names[index], '/') + 1);
    aft_pickle_text(pickle, "cpu");
    aft_pickle_integer(pickle, (int64_t)count);
    aft_pickle_ops(pickle, "tQ");
    aft_pickle_integer(pickle, 0);
    aft_pickle_ops(pickle, "(");
    for (int i = 0; i < n_dims; i++) {
        aft_pickle_integer(pickle, dims[i]);
    }
    aft_pickle_ops(pickle, "t(");
    if (n_dims == 2) {
        aft_pickle_integer(pickle, dims[1]);
    }
    if (n_dims >= 1) {
        aft_pickle_integer(pickle, 1);
    }
    aft_pickle_ops(pickle, "t\x89");
    aft_pickle_global(pickle, "collections", "OrderedDict");
    aft_pickle_ops(pickle, ")RtR");
}

static enum aft_code check_tensors(const struct aft_archive_tensor *tensors, int n,
                                   struct aft_error *error)
{
    if (n < 0 || n > AFT_ARCHIVE_MAX_TENSORS) {
        return aft_fail(error, AFT_ERR_USAGE, "%d tensors, where at most %d are allowed", n,
                        (int)AFT_ARCHIVE_MAX_TENSORS);
    }
    for (int i = 0; i < n; i++) {
        const struct aft_archive_tensor *tensor = &tensors[i];
        int64_t count = 1;
        for (int d = 0; d < tensor->n_dims && d < 2; d++) {
            count *= tensor->dims[d];
        }
        if (tensor->n_dims < 0 || tensor->n_dims > 2 || count < 0 ||
            (size_t)count != tensor->count) {
            return aft_fail(error, AFT_ERR_USAGE, "tensor '%s' has a wrong shape", tensor->name);
        }
    }
    return AFT_OK;
}

enum aft_code aft_torch_write_policy(char **bytes, size_t *size,
                                     const struct aft_archive_tensor *tensors, int n,
                                     struct aft_error *error)
{
    enum aft_code code = check_tensors(tensors, n, error);
    if (code != AFT_OK) {
        return code;
    }
    struct file file;
    start(&file);
    aft_pickle_global(&file.pickle, "collections", "OrderedDict");
    aft_pickle_ops(&file.pickle, ")R(");
    for (int i = 0; i < n; i++) {
        aft_pickle_text(&file.pickle, tensors[i].name);
        write_tensor(&file, tensors[i].value, tensors[i].n_dims, tensors[i].dims);
    }
    aft_pickle_ops(&file.pickle, "u");
    return finish(&file, bytes, size, error);
}

static void write_group(struct aft_pickle_writer *pickle, const struct aft_torch_adam *adam, int n)
{
    aft_pickle_text(pickle, "param_groups");
    aft_pickle_ops(pickle, "](}(");
    aft_pickle_text(pickle, "lr");
    aft_pickle_real(pickle, adam->learning_rate);
    aft_pickle_text(pickle, "betas");
    aft_pickle_real(pickle, 0.9);
    aft_pickle_real(pickle, 0.999);
    aft_pickle_ops(pickle, "\x86"); /* TUPLE2 */
    aft_pickle_text(pickle, "eps");
    aft_pickle_real(pickle, adam->eps);
    aft_pickle_text(pickle, "weight_decay");
    aft_pickle_integer(pickle, 0);
    static const char *const switches[] = {"amsgrad", "maximize", "capturable", "differentiable"};
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        aft_pickle_text(pickle, switches[i]);
        aft_pickle_boolean(pickle, false);
    }
    aft_pickle_text(pickle, "foreach");
    aft_pickle_ops(pickle, "N");
    aft_pickle_text(pickle, "fused");
    aft_pickle_ops(pickle, "N");
    aft_pickle_text(pickle, "params");
    aft_pickle_ops(pickle, "](");
    for (int i = 0; i < n; i++) {
        aft_pickle_integer(pickle, i);
    }
    aft_pickle_ops(pickle, "eue");
}

enum aft_code aft_torch_write_adam(char **bytes, size_t *size,
                                   const struct aft_archive_tensor *tensors, int n,
                                   const struct aft_torch_adam *adam, struct aft_error *error)
{
    enum aft_code code = check_tensors(tensors, n, error);
    if (code != AFT_OK) {
        return code;
    }
    const float step = (float)adam->step; /* torch counts in a float32 as well */
    struct file file;
    start(&file);
    aft_pickle_ops(&file.pickle, "}(");
    aft_pickle_text(&file.pickle, "state");
    aft_pickle_ops(&file.pickle, "}(");
    for (int i = 0; i < n; i++) {
        const struct aft_archive_tensor *tensor = &tensors[i];
        if (tensor->exp_avg == NULL || tensor->exp_avg_sq == NULL) {
            continue;
        }
        aft_pickle_integer(&file.pickle, i);
        aft_pickle_ops(&file.pickle, "}(");
        aft_pickle_text(&file.pickle, "step");
        write_tensor(&file, &step, 0, NULL);
        aft_pickle_text(&file.pickle, "exp_avg");
        write_tensor(&file, tensor->exp_avg, tensor->n_dims, tensor->dims);
        aft_pickle_text(&file.pickle, "exp_avg_sq");
        write_tensor(&file, tensor->exp_avg_sq, tensor->n_dims, tensor->dims);
        aft_pickle_ops(&file.pickle, "u");
    }
    aft_pickle_ops(&file.pickle, "u");
    write_group(&file.pickle, adam, n);
    aft_pickle_ops(&file.pickle, "u");
    return finish(&file, bytes, size, error);
}

enum aft_code aft_torch_write_empty(char **bytes, size_t *size, struct aft_error *error)
{
    struct file file;
    start(&file);
    aft_pickle_ops(&file.pickle, "}");
    return finish(&file, bytes, size, error);
}

static void write_module(struct file *file, const char *class_name,
                         const struct aft_archive_tensor *tensors, int n)
{
    struct aft_pickle_writer *pickle = &file->pickle;
    aft_pickle_global(pickle, "__torch__", class_name);
    aft_pickle_ops(pickle, ")\x81}("); /* EMPTY_TUPLE NEWOBJ EMPTY_DICT MARK */
    aft_pickle_text(pickle, "training");
    aft_pickle_boolean(pickle, false);
    for (int i = 0; i < n; i++) {
        aft_pickle_text(pickle, tensors[i].name);
        write_tensor(file, tensors[i].value, tensors[i].n_dims, tensors[i].dims);
    }
    aft_pickle_ops(pickle, "ub"); /* SETITEMS BUILD */
}

enum aft_code aft_torch_write_script(char **bytes, size_t *size,
                                     const struct aft_torch_script *script,
                                     const struct aft_archive_tensor *tensors, int n,
                                     struct aft_error *error)
{
    enum aft_code code = check_tensors(tensors, n, error);
    char extra_name[MAX_NAME];
    if (code != AFT_OK) {
        return code;
    }
    struct file file;
    start(&file);
    write_module(&file, script->class_name, tensors, n);
    (void)snprintf(extra_name, sizeof extra_name, "archive/extra/%s", script->extra_name);
    file.others[file.n_others++] = (struct aft_zip_entry){
        .name = "archive/code/__torch__.py", .bytes = script->code, .size = strlen(script->code)};
    file.others[file.n_others++] = (struct aft_zip_entry){
        .name = "archive/constants.pkl", .bytes = "\x80\x02).", .size = 4}; /* an empty tuple */
    file.others[file.n_others++] = (struct aft_zip_entry){
        .name = extra_name, .bytes = script->extra, .size = strlen(script->extra)};
    return finish(&file, bytes, size, error);
}
