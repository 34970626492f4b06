/* The readers of .pth files. An input that is a pack (forge.h) is made into
 * policy.pth and policy.optimizer.pth; any other is taken for a policy.pth, with
 * its CRCs made to fit. */
#include "forge.h"
#include "fuzz.h"
#include "recovery/archive_parts.h"
#include "recovery/torch_file.h"

#include <stdlib.h>
#include <string.h>

static void touch(const float *floats, size_t count)
{
    static volatile float sink;
    for (size_t i = 0; floats != NULL && i < count; i++) {
        sink = floats[i]; /* a sanitizer sees a short block */
    }
    (void)sink;
}

static void read_both(const char *policy, size_t policy_size, const char *optimizer,
                      size_t optimizer_size)
{
    struct aft_torch_tensors tensors;
    struct aft_torch_adam adam;
    struct aft_error error = {0};
    enum aft_code code = aft_torch_read_policy(&tensors, policy, policy_size, &error);
    if (code != AFT_OK) {
        fuzz_check_failure(code, &error, AFT_ERR_CORRUPT, AFT_ERR_CORRUPT);
        FUZZ_CHECK(tensors.n == 0 && tensors.n_owned == 0);
        return;
    }
    FUZZ_CHECK(tensors.n >= 0 && tensors.n <= AFT_ARCHIVE_MAX_TENSORS);
    if (optimizer != NULL) {
        code = aft_torch_read_adam(&tensors, &adam, optimizer, optimizer_size, &error);
        if (code == AFT_OK) {
            FUZZ_CHECK(adam.step >= 0);
        } else {
            fuzz_check_failure(code, &error, AFT_ERR_CORRUPT, AFT_ERR_CORRUPT);
        }
    }
    for (int i = 0; i < tensors.n; i++) {
        FUZZ_CHECK(tensors.tensor[i].name[0] != '\0');
        touch(tensors.tensor[i].value, tensors.tensor[i].count);
        touch(tensors.tensor[i].exp_avg, tensors.tensor[i].count);
        touch(tensors.tensor[i].exp_avg_sq, tensors.tensor[i].count);
    }
    aft_torch_tensors_clear(&tensors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || memcmp(data, "@@", 2) != 0) {
        char *copy = fuzz_copy(data, size);
        forge_crcs((uint8_t *)copy, size);
        read_both(copy, size, copy, size);
        free(copy);
        return 0;
    }
    static struct forge_pack pack;
    char *policy = NULL;
    char *optimizer = NULL;
    size_t policy_size = 0;
    size_t optimizer_size = 0;
    forge_read_pack(&pack, data, size);
    (void)forge_inner_zip(&optimizer, &optimizer_size, &pack, AFT_MEMBER_OPTIMIZER);
    if (forge_inner_zip(&policy, &policy_size, &pack, AFT_MEMBER_POLICY)) {
        read_both(policy, policy_size, optimizer, optimizer_size);
    }
    free(policy);
    free(optimizer);
    return 0;
}
