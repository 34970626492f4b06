/* Finds, loads and checks an engine's module. */
#include "trainer/engine.h"

#include "base/path.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Asks the driver itself: loading libtorch for the question would cost a second. */
static bool has_cuda_device(void)
{
    enum { CUDA_SUCCESS = 0 };
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (driver == NULL) {
        return false;
    }
    union {
        void *symbol;
        int (*call)(unsigned flags);
    } init = {.symbol = dlsym(driver, "cuInit")};
    union {
        void *symbol;
        int (*call)(int *count);
    } get_count = {.symbol = dlsym(driver, "cuDeviceGetCount")};
    int count = 0;
    /* The driver is never closed: libtorch needs it, and it does not survive it. */
    return init.symbol != NULL && get_count.symbol != NULL && init.call(0) == CUDA_SUCCESS &&
           get_count.call(&count) == CUDA_SUCCESS && count > 0;
}

/* AFTERSHOCK_MODULE_DIR names another folder, for tests. */
static enum aft_code find_module(char path[PATH_MAX], const char *name, struct aft_error *error)
{
    char file[64];
    (void)snprintf(file, sizeof file, "aftershock_%.32s.so", name);
    const char *folder = getenv("AFTERSHOCK_MODULE_DIR");
    enum aft_code code = AFT_OK;
    if (folder != NULL && *folder != '\0') {
        code = aft_path_join(path, folder, file, error);
        if (code == AFT_OK && access(path, R_OK) != 0) {
            code = aft_fail_errno(error, "find module '%s' in AFTERSHOCK_MODULE_DIR", file);
        }
    } else {
        code = aft_path_find_module(path, file, error);
    }
    if (code == AFT_ERR_MISSING && strcmp(name, "torch") == 0) {
        return aft_fail(error, AFT_ERR_MISSING,
                        "engine 'torch': this build has no torch engine (libtorch was not found "
                        "when it was configured); use engine = native");
    }
    return code;
}

static enum aft_code load_module(struct aft_engine *engine, const char *name,
                                 struct aft_error *error)
{
    char path[PATH_MAX];
    enum aft_code code = find_module(path, name, error);
    if (code != AFT_OK) {
        return code;
    }
    engine->module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (engine->module == NULL) {
        return aft_fail(error, AFT_ERR_ENGINE, "load engine '%s': %s", name, dlerror());
    }
    union {
        void *symbol;
        aft_engine_module_function call;
    } entry = {.symbol = dlsym(engine->module, "aft_engine_module")};
    if (entry.symbol == NULL) {
        return aft_fail(error, AFT_ERR_ENGINE, "load engine '%s': '%s' is not an engine module",
                        name, path);
    }
    engine->use = entry.call();
    if (engine->use == NULL || engine->use->version != AFT_ENGINE_INTERFACE_VERSION) {
        return aft_fail(error, AFT_ERR_ENGINE,
                        "load engine '%s': '%.120s' is of another version of this program", name,
                        path);
    }
    return AFT_OK;
}

static enum aft_code open_named(struct aft_engine *engine, const char *name,
                                const struct aft_engine_config *config, struct aft_error *error)
{
    memset(engine, 0, sizeof *engine);
    enum aft_code code = load_module(engine, name, error);
    if (code == AFT_OK) {
        code = engine->use->create(&engine->self, config, error);
    }
    if (code != AFT_OK) {
        memset(engine, 0, sizeof *engine);
    }
    return code;
}

/* torch with a CUDA device where both are there; what is asked for in so many
 * words ("cuda:1") is not replaced by something else. */
static enum aft_code open_best(struct aft_engine *engine, const struct aft_engine_config *config,
                               struct aft_error *error)
{
    bool asked_for_cuda = strncmp(config->device, "cuda", 4) == 0;
    if (asked_for_cuda) {
        return open_named(engine, "torch", config, error);
    }
    if (strcmp(config->device, "auto") == 0 && has_cuda_device()) {
        struct aft_engine_config on_cuda = *config;
        on_cuda.device = "cuda";
        if (open_named(engine, "torch", &on_cuda, NULL) == AFT_OK) {
            return AFT_OK;
        }
    }
    return open_named(engine, "native", config, error);
}

enum aft_code aft_engine_open(struct aft_engine *engine, const char *name,
                              const struct aft_engine_config *config, struct aft_error *error)
{
    memset(engine, 0, sizeof *engine);
    if (strcmp(name, "auto") == 0) {
        return open_best(engine, config, error);
    }
    if (strcmp(name, "native") != 0 && strcmp(name, "torch") != 0) {
        return aft_fail(error, AFT_ERR_USAGE, "engine '%.64s': it is none of auto, native, torch",
                        name);
    }
    return open_named(engine, name, config, error);
}

void aft_engine_close(struct aft_engine *engine)
{
    if (engine->use != NULL) {
        engine->use->destroy(engine->self);
    }
    memset(engine, 0, sizeof *engine);
}
