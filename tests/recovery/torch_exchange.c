/* The C side of exchange_with_torch.py.
 *   torch_exchange write ARCHIVE            an archive of the fixture, width 8
 *   torch_exchange read POLICY OPTIMIZER    prints what two .pth files hold, a line a tensor */
#include "base/file.h"
#include "cmocka_headers.h"
#include "fixture.h"
#include "recovery/torch_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int write_archive(const char *path)
{
    struct fixture fixture;
    struct aft_error error = {0};
    size_t size;
    fixture_init(&fixture, 8);
    char *bytes = fixture_build(&fixture, &size);
    enum aft_code code = aft_archive_publish(path, bytes, size, &error);
    if (code != AFT_OK) {
        (void)fprintf(stderr, "%s\n", error.message);
    }
    free(bytes);
    fixture_clear(&fixture);
    return code == AFT_OK ? 0 : 1;
}

static void print_hash(const float *floats, size_t count)
{
    char hex[AFT_SHA256_HEX_SIZE] = "-";
    if (floats != NULL) {
        aft_sha256_hex(floats, count * sizeof *floats, hex);
    }
    (void)printf(" %s", hex);
}

static void print_tensors(const struct aft_torch_tensors *tensors,
                          const struct aft_torch_adam *adam)
{
    (void)printf("adam %" PRId64 " %.17g %.17g\n", adam->step, adam->learning_rate, adam->eps);
    for (int i = 0; i < tensors->n; i++) {
        const struct aft_archive_tensor *tensor = &tensors->tensor[i];
        (void)printf("%s %d", tensor->name, tensor->n_dims);
        for (int d = 0; d < tensor->n_dims; d++) {
            (void)printf(" %" PRId64, tensor->dims[d]);
        }
        print_hash(tensor->value, tensor->count);
        print_hash(tensor->exp_avg, tensor->count);
        print_hash(tensor->exp_avg_sq, tensor->count);
        (void)printf("\n");
    }
}

static int read_files(const char *policy, const char *optimizer)
{
    char *files[2] = {NULL, NULL};
    size_t sizes[2];
    struct aft_error error = {0};
    struct aft_torch_tensors tensors = {0};
    struct aft_torch_adam adam;
    enum aft_code code = aft_file_read(&files[0], &sizes[0], policy, 1 << 24, &error);
    if (code == AFT_OK) {
        code = aft_file_read(&files[1], &sizes[1], optimizer, 1 << 24, &error);
    }
    if (code == AFT_OK) {
        code = aft_torch_read_policy(&tensors, files[0], sizes[0], &error);
    }
    if (code == AFT_OK) {
        code = aft_torch_read_adam(&tensors, &adam, files[1], sizes[1], &error);
    }
    if (code == AFT_OK) {
        print_tensors(&tensors, &adam);
    } else {
        (void)fprintf(stderr, "%s\n", error.message);
    }
    aft_torch_tensors_clear(&tensors);
    free(files[0]);
    free(files[1]);
    return code == AFT_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "write") == 0) {
        return write_archive(argv[2]);
    }
    if (argc == 4 && strcmp(argv[1], "read") == 0) {
        return read_files(argv[2], argv[3]);
    }
    return 2;
}
