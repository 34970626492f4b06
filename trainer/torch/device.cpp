#include "trainer/torch/device.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

#include <dlfcn.h>

namespace aft_torch
{

namespace
{

/* One thread: results must not depend on the number of cores, and more threads
 * make small networks slower. BLAS is asked too, since it may have its own. */
void hold_to_one_thread()
{
    at::set_num_threads(1);
    if (at::get_num_interop_threads() != 1) {
        try {
            at::set_num_interop_threads(1);
        } catch (const c10::Error &) { /* already started: nothing here uses them */
        }
    }
    if (void *found = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) {
        reinterpret_cast<void (*)(int)>(found)(1);
    }
}

/* The same bits on every run. */
void make_deterministic()
{
    (void)setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
    at::Context &context = at::globalContext();
    context.setDeterministicAlgorithms(true, false);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
    context.setDeterministicFillUninitializedMemory(false); /* a kernel for every at::empty */
#endif
}

/* Whether kernels run there; a driver without a device, or a device that this
 * libtorch has no kernels for, is found out here and not in the first update. */
bool cuda_usable(int64_t index, std::string *cause)
{
    try {
        if (!torch::cuda::is_available() ||
            index >= static_cast<int64_t>(torch::cuda::device_count())) {
            *cause = "no CUDA device";
            return false;
        }
        const at::Device device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
        if (at::ones({1}, at::TensorOptions().device(device)).add(1.0).item<float>() == 2.0F) {
            return true;
        }
        *cause = "CUDA device computes wrongly";
    } catch (const c10::Error &e) {
        *cause = std::string("no usable CUDA device: ") + e.what_without_backtrace();
        cause->resize(std::min(cause->size(), cause->find('\n')));
    }
    return false;
}

/* "cuda" or "cuda:N" to N; false for anything else */
bool cuda_index(const char *name, int64_t *index)
{
    *index = 0;
    if (strcmp(name, "cuda") == 0) {
        return true;
    }
    if (strncmp(name, "cuda:", 5) != 0 || name[5] < '0' || name[5] > '9') {
        return false;
    }
    char *end = nullptr;
    const long number = strtol(name + 5, &end, 10);
    *index = number;
    return *end == '\0' && number <= std::numeric_limits<c10::DeviceIndex>::max();
}

} // namespace

void prepare_process()
{
    hold_to_one_thread();
    make_deterministic();
}

enum aft_code choose_device(at::Device *device, const char *name, struct aft_error *error)
{
    int64_t index = 0;
    const bool any = name == nullptr || strcmp(name, "auto") == 0;
    if (!any && strcmp(name, "cpu") == 0) {
        *device = at::Device(at::kCPU);
        return AFT_OK;
    }
    if (!any && !cuda_index(name, &index)) {
        return aft_fail(error, AFT_ERR_USAGE,
                        "open torch device '%s': expected auto, cpu, cuda or cuda:N", name);
    }
    std::string cause;
    if (cuda_usable(index, &cause)) {
        *device = at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
    } else if (any) {
        *device = at::Device(at::kCPU);
    } else {
        return aft_fail(error, AFT_ERR_MISSING, "open torch device '%s': %s", name, cause.c_str());
    }
    return AFT_OK;
}

/* The model's name by the driver's library, which libtorch has loaded: its C
 * interface needs no CUDA headers. The driver numbers devices as libtorch does. */
std::string cuda_name(int index)
{
    char name[128] = "";
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    if (driver != nullptr) {
        const auto get = reinterpret_cast<int (*)(int *, int)>(dlsym(driver, "cuDeviceGet"));
        const auto get_name =
            reinterpret_cast<int (*)(char *, int, int)>(dlsym(driver, "cuDeviceGetName"));
        int handle = 0;
        if (get == nullptr || get_name == nullptr || get(&handle, index) != 0 ||
            get_name(name, sizeof name, handle) != 0) {
            name[0] = '\0';
        }
        dlclose(driver);
    }
    return name;
}

} // namespace aft_torch
