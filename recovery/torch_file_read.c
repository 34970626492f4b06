#include "recovery/pickle_read.h"
#include "recovery/torch_file.h"
#include "recovery/zip_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MEMBERS = 3 * AFT_ARCHIVE_MAX_TENSORS + 16 };

struct file { /* an open .pth */
    struct aft_zip zip;
    struct aft_pickle *pickle;
    char folder[128]; /* "archive/" */
};

static enum aft_code bad(struct aft_error *error, const char *cause)
{
    return aft_fail(error, AFT_ERR_CORRUPT, "%s", cause);
}

static void close_file(struct file *file)
{
    aft_pickle_destroy(file->pickle);
    aft_zip_clear(&file->zip);
}

static const struct aft_zip_member *find_pickle(struct file *file)
{
    static const char suffix[] = "/data.pkl";
    for (size_t i = 0; i < file->zip.n; i++) {
        const char *name = file->zip.members[i].name;
        const char *slash = strchr(name, '/');
        if (slash != NULL && strcmp(slash, suffix) == 0 &&
            (size_t)(slash - name) + 2 <= sizeof file->folder) {
            memcpy(file->folder, name, (size_t)(slash - name) + 1);
            file->folder[slash - name + 1] = '\0';
            return &file->zip.members[i];
        }
    }
    return NULL;
}

static const struct aft_zip_member *find_in_folder(const struct file *file, const char *name,
                                                   size_t length)
{
    char path[192];
    int written = snprintf(path, sizeof path, "%s%.*s", file->folder, (int)length, name);
    return written > 0 && (size_t)written < sizeof path ? aft_zip_find(&file->zip, path) : NULL;
}

static enum aft_code open_file(struct file *file, const void *bytes, size_t size,
                               struct aft_error *error)
{
    memset(file, 0, sizeof *file);
    /* Stored, so what is unpacked is no larger than what there is. */
    const struct aft_zip_limits limits = {.members = MAX_MEMBERS, .total = size, .folders = true};
    enum aft_code code = aft_zip_read(&file->zip, bytes, size, &limits, error);
    if (code != AFT_OK) {
        return code;
    }
    const struct aft_zip_member *pickle = find_pickle(file);
    const struct aft_zip_member *order = find_in_folder(file, "byteorder", 9);
    if (pickle == NULL) {
        code = bad(error, "it has no data.pkl");
    } else if (order != NULL && strcmp(order->bytes, "little") != 0) {
        code = bad(error, "it is not little-endian");
    } else {
        code = aft_pickle_read(&file->pickle, pickle->bytes, pickle->size, error);
    }
    if (code != AFT_OK) {
        close_file(file);
    }
    return code;
}

/* ("storage", torch.FloatStorage, key, location, numel) */
static const struct aft_zip_member *find_storage(const struct file *file,
                                                 const struct aft_pickle_value *storage)
{
    if (!aft_pickle_is(storage, AFT_PICKLE_PERSISTENT) ||
        !aft_pickle_is(storage->argument, AFT_PICKLE_TUPLE) || storage->argument->n < 5) {
        return NULL;
    }
    struct aft_pickle_value *const *id = storage->argument->items;
    if (!aft_pickle_is_text(id[0], "storage") ||
        !aft_pickle_is_global(id[1], "torch", "FloatStorage") ||
        !aft_pickle_is(id[2], AFT_PICKLE_TEXT) || id[2]->length > 16 ||
        !aft_pickle_is(id[4], AFT_PICKLE_INTEGER)) {
        return NULL;
    }
    char path[32];
    int length = snprintf(path, sizeof path, "data/%.*s", (int)id[2]->length, id[2]->text);
    const struct aft_zip_member *member = find_in_folder(file, path, (size_t)length);
    bool whole = member != NULL && id[4]->integer >= 0 && member->size % sizeof(float) == 0 &&
                 (uint64_t)id[4]->integer == member->size / sizeof(float);
    return whole ? member : NULL;
}

static bool read_integers(int64_t out[2], const struct aft_pickle_value *tuple)
{
    if (!aft_pickle_is(tuple, AFT_PICKLE_TUPLE) || tuple->n > 2) {
        return false;
    }
    for (size_t i = 0; i < tuple->n; i++) {
        if (!aft_pickle_is(tuple->items[i], AFT_PICKLE_INTEGER) || tuple->items[i]->integer < 0) {
            return false;
        }
        out[i] = tuple->items[i]->integer;
    }
    return true;
}

struct view { /* a tensor as it lies in its storage */
    const char *bytes;
    int n_dims;
    int64_t dims[2];
    int64_t strides[2];
    size_t count;
};

/* Rows after one another, or columns after one another: never more than the storage holds. */
static bool view_is_dense(const struct view *view)
{
    if (view->count <= 1) {
        return true;
    }
    if (view->n_dims == 1) {
        return view->strides[0] == 1;
    }
    bool by_rows = (view->dims[1] == 1 || view->strides[1] == 1) &&
                   (view->dims[0] == 1 || view->strides[0] == view->dims[1]);
    bool by_columns = (view->dims[0] == 1 || view->strides[0] == 1) &&
                      (view->dims[1] == 1 || view->strides[1] == view->dims[0]);
    return by_rows || by_columns;
}

static enum aft_code read_view(struct view *view, const struct file *file,
                               const struct aft_pickle_value *value, struct aft_error *error)
{
    memset(view, 0, sizeof *view);
    if (!aft_pickle_is_call(value, "torch._utils", "_rebuild_tensor_v2", 6)) {
        return bad(error, "something else where a tensor should be");
    }
    struct aft_pickle_value *const *part = value->argument->items;
    const struct aft_zip_member *storage = find_storage(file, part[0]);
    if (storage == NULL) {
        return bad(error, "a tensor's storage is missing, or not of float32");
    }
    if (!aft_pickle_is(part[1], AFT_PICKLE_INTEGER) || !read_integers(view->dims, part[2]) ||
        !read_integers(view->strides, part[3]) || part[2]->n != part[3]->n) {
        return bad(error, "a tensor's shape cannot be read");
    }
    view->n_dims = (int)part[2]->n;
    uint64_t room = storage->size / sizeof(float);
    uint64_t count = 1;
    for (int i = 0; i < view->n_dims; i++) { /* each factor is at most room: no overflow */
        if ((uint64_t)view->dims[i] > room) {
            return bad(error, "a tensor is larger than its storage");
        }
        count *= (uint64_t)view->dims[i];
    }
    view->count = (size_t)count;
    int64_t offset = part[1]->integer;
    if (offset < 0 || (uint64_t)offset > room || count > room - (uint64_t)offset ||
        !view_is_dense(view)) {
        return bad(error, "a tensor is larger than its storage");
    }
    view->bytes = storage->bytes + (size_t)offset * sizeof(float);
    return AFT_OK;
}

/* Copies the view out, by rows; the floats belong to tensors. */
static enum aft_code copy_view(struct aft_torch_tensors *tensors, const struct view *view,
                               const float **out, struct aft_error *error)
{
    if (view->count * sizeof(float) > tensors->room) {
        return bad(error, "its tensors are larger than the file");
    }
    tensors->room -= view->count * sizeof(float);
    float *floats = malloc((view->count + 1) * sizeof *floats);
    if (floats == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "no memory for a tensor");
    }
    tensors->owned[tensors->n_owned++] = floats;
    *out = floats;
    bool by_rows =
        view->n_dims < 2 || view->count <= 1 || view->dims[1] == 1 || view->strides[1] == 1;
    if (by_rows) {
        memcpy(floats, view->bytes, view->count * sizeof *floats);
        return AFT_OK;
    }
    for (int64_t i = 0; i < view->dims[0]; i++) {
        for (int64_t j = 0; j < view->dims[1]; j++) {
            int64_t from = i * view->strides[0] + j * view->strides[1];
            memcpy(floats++, view->bytes + (size_t)from * sizeof *floats, sizeof *floats);
        }
    }
    return AFT_OK;
}

static enum aft_code read_parameter(struct aft_torch_tensors *tensors, const struct file *file,
                                    struct aft_pickle_value *const pair[2], struct aft_error *error)
{
    struct aft_archive_tensor *tensor = &tensors->tensor[tensors->n];
    if (!aft_pickle_is(pair[0], AFT_PICKLE_TEXT) || pair[0]->length == 0 ||
        pair[0]->length >= sizeof tensor->name ||
        memchr(pair[0]->text, '\0', pair[0]->length) != NULL) {
        return bad(error, "a parameter has an odd name");
    }
    memcpy(tensor->name, pair[0]->text, pair[0]->length);
    for (int i = 0; i < tensors->n; i++) {
        if (strcmp(tensors->tensor[i].name, tensor->name) == 0) {
            return bad(error, "two parameters have one name");
        }
    }
    struct view view;
    enum aft_code code = read_view(&view, file, pair[1], error);
    if (code != AFT_OK) {
        return code;
    }
    tensors->n++;
    tensor->n_dims = view.n_dims;
    memcpy(tensor->dims, view.dims, sizeof tensor->dims);
    tensor->count = view.count;
    return copy_view(tensors, &view, &tensor->value, error);
}

static enum aft_code read_parameters(struct aft_torch_tensors *tensors, const struct file *file,
                                     struct aft_error *error)
{
    const struct aft_pickle_value *root = aft_pickle_root(file->pickle);
    if (!aft_pickle_is_call(root, "collections", "OrderedDict", 0) &&
        !aft_pickle_is(root, AFT_PICKLE_DICT)) {
        return bad(error, "it is no state dict");
    }
    if (root->n / 2 > AFT_ARCHIVE_MAX_TENSORS) {
        return bad(error, "it has too many parameters");
    }
    enum aft_code code = AFT_OK;
    for (size_t i = 0; i + 1 < root->n && code == AFT_OK; i += 2) {
        code = read_parameter(tensors, file, root->items + i, error);
    }
    return code;
}

enum aft_code aft_torch_read_policy(struct aft_torch_tensors *tensors, const void *bytes,
                                    size_t size, struct aft_error *error)
{
    memset(tensors, 0, sizeof *tensors);
    tensors->room = size;
    struct file file;
    enum aft_code code = open_file(&file, bytes, size, error);
    if (code != AFT_OK) {
        return code;
    }
    code = read_parameters(tensors, &file, error);
    close_file(&file);
    if (code != AFT_OK) {
        aft_torch_tensors_clear(tensors);
    }
    return code;
}

/* A float tensor without dimensions, or (before torch 1.12) an integer. */
static enum aft_code read_step(int64_t *step, const struct file *file,
                               const struct aft_pickle_value *value, struct aft_error *error)
{
    if (aft_pickle_is(value, AFT_PICKLE_INTEGER)) {
        *step = value->integer;
        return *step >= 0 ? AFT_OK : bad(error, "a negative step");
    }
    struct view view;
    enum aft_code code = read_view(&view, file, value, error);
    if (code != AFT_OK) {
        return code;
    }
    float number = -1.0F;
    if (view.count == 1) {
        memcpy(&number, view.bytes, sizeof number);
    }
    if (!(number >= 0.0F && number < 9e18F)) {
        return bad(error, "a step that is no count");
    }
    *step = (int64_t)number;
    return AFT_OK;
}

static enum aft_code read_moment(struct aft_torch_tensors *tensors, int index, const float **out,
                                 const struct file *file, const struct aft_pickle_value *value,
                                 struct aft_error *error)
{
    struct view view;
    enum aft_code code = read_view(&view, file, value, error);
    if (code != AFT_OK) {
        return code;
    }
    const struct aft_archive_tensor *tensor = &tensors->tensor[index];
    if (view.n_dims != tensor->n_dims || memcmp(view.dims, tensor->dims, sizeof view.dims) != 0) {
        return bad(error, "a moment has another shape than its parameter");
    }
    return copy_view(tensors, &view, out, error);
}

static enum aft_code read_moments(struct aft_torch_tensors *tensors, struct aft_torch_adam *adam,
                                  const struct file *file, const struct aft_pickle_value *state,
                                  struct aft_error *error)
{
    for (int i = 0; i < tensors->n; i++) {
        const struct aft_pickle_value *of_tensor = aft_pickle_get_at(state, i);
        int64_t step = 0;
        enum aft_code code = read_step(&step, file, aft_pickle_get(of_tensor, "step"), error);
        if (code == AFT_OK && i > 0 && step != adam->step) {
            code = bad(error, "parameters have different steps");
        }
        adam->step = step;
        struct aft_archive_tensor *tensor = &tensors->tensor[i];
        if (code == AFT_OK) {
            code = read_moment(tensors, i, &tensor->exp_avg, file,
                               aft_pickle_get(of_tensor, "exp_avg"), error);
        }
        if (code == AFT_OK) {
            code = read_moment(tensors, i, &tensor->exp_avg_sq, file,
                               aft_pickle_get(of_tensor, "exp_avg_sq"), error);
        }
        if (code != AFT_OK) {
            return code;
        }
    }
    return AFT_OK;
}

static bool is_zero(const struct aft_pickle_value *value)
{
    return (aft_pickle_is(value, AFT_PICKLE_REAL) && value->real == 0) ||
           ((aft_pickle_is(value, AFT_PICKLE_INTEGER) ||
             aft_pickle_is(value, AFT_PICKLE_BOOLEAN)) &&
            value->integer == 0);
}

/* The Adam that we write. decoupled_weight_decay makes no difference without any. */
static bool is_plain_adam(const struct aft_pickle_value *group)
{
    const struct aft_pickle_value *betas = aft_pickle_get(group, "betas");
    if (!aft_pickle_is(betas, AFT_PICKLE_TUPLE) || betas->n != 2 ||
        !aft_pickle_is(betas->items[0], AFT_PICKLE_REAL) ||
        !aft_pickle_is(betas->items[1], AFT_PICKLE_REAL)) {
        return false;
    }
    return betas->items[0]->real == 0.9 && betas->items[1]->real == 0.999 &&
           is_zero(aft_pickle_get(group, "weight_decay")) &&
           is_zero(aft_pickle_get(group, "amsgrad"));
}

static enum aft_code read_optimizer(struct aft_torch_tensors *tensors, struct aft_torch_adam *adam,
                                    const struct file *file, struct aft_error *error)
{
    const struct aft_pickle_value *root = aft_pickle_root(file->pickle);
    const struct aft_pickle_value *state = aft_pickle_get(root, "state");
    const struct aft_pickle_value *groups = aft_pickle_get(root, "param_groups");
    if (!aft_pickle_is(state, AFT_PICKLE_DICT) || !aft_pickle_is(groups, AFT_PICKLE_LIST) ||
        groups->n != 1) {
        return bad(error, "it is no optimizer of one group");
    }
    const struct aft_pickle_value *rate = aft_pickle_get(groups->items[0], "lr");
    const struct aft_pickle_value *eps = aft_pickle_get(groups->items[0], "eps");
    const struct aft_pickle_value *params = aft_pickle_get(groups->items[0], "params");
    if (!aft_pickle_is(rate, AFT_PICKLE_REAL) || !aft_pickle_is(eps, AFT_PICKLE_REAL) ||
        !aft_pickle_is(params, AFT_PICKLE_LIST) || params->n != (size_t)tensors->n) {
        return bad(error, "its group does not fit the parameters");
    }
    adam->learning_rate = rate->real;
    adam->eps = eps->real;
    adam->plain = is_plain_adam(groups->items[0]);
    if (state->n == 0) {
        return AFT_OK;
    }
    if (state->n / 2 != (size_t)tensors->n) {
        return bad(error, "its state does not fit the parameters");
    }
    return read_moments(tensors, adam, file, state, error);
}

enum aft_code aft_torch_read_adam(struct aft_torch_tensors *tensors, struct aft_torch_adam *adam,
                                  const void *bytes, size_t size, struct aft_error *error)
{
    memset(adam, 0, sizeof *adam);
    tensors->room = size;
    struct file file;
    enum aft_code code = open_file(&file, bytes, size, error);
    if (code == AFT_OK) {
        code = read_optimizer(tensors, adam, &file, error);
        close_file(&file);
    }
    return code;
}

void aft_torch_tensors_clear(struct aft_torch_tensors *tensors)
{
    for (int i = 0; i < tensors->n_owned; i++) {
        free(tensors->owned[i]);
    }
    memset(tensors, 0, sizeof *tensors);
}
