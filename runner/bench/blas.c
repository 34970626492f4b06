#include "runner/bench/blas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum aft_code aft_blas_open(struct aft_blas *blas, struct aft_error *error)
{
    union {
        char *(*function)(void);
        void *symbol;
    } marker = {.function = openblas_get_config};
    Dl_info info;
    blas->sgemm = cblas_sgemm;
    blas->reference = true;
    if (dladdr(marker.symbol, &info) != 0 && info.dli_fname != NULL) {
        /* stays open as long as this module, which never is closed */
        void *library = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
        union {
            void *symbol;
            aft_sgemm function;
        } found = {.symbol = library == NULL ? NULL : dlsym(library, "cblas_sgemm")};
        if (found.symbol != NULL) {
            Dl_info other;
            blas->sgemm = found.function;
            blas->reference = dladdr(found.symbol, &other) == 0 || other.dli_fname == NULL ||
                              strcmp(other.dli_fname, info.dli_fname) != 0;
        }
    }
    openblas_set_num_threads(1);
    if (openblas_get_num_threads() != 1) {
        return aft_fail(error, AFT_ERR_ENGINE, "set up OpenBLAS: it refuses to use one thread");
    }
    return AFT_OK;
}

void aft_blas_describe(const struct aft_blas *blas, char *text, size_t size)
{
    char name[32] = "OpenBLAS", version[32] = "";
    (void)sscanf(openblas_get_config(), "%31s %31s", name, version);
    (void)snprintf(text, size, "%s %s (%s)%s", name, version, openblas_get_corename(),
                   blas->reference ? ", WARNING: cblas_sgemm is NOT OpenBLAS's, training will be "
                                     "up to 40 times slower; install libopenblas0-pthread"
                                   : "");
}
