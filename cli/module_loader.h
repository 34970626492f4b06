/* Finds and loads the parts of the program that are modules. */
#ifndef AFT_CLI_MODULE_LOADER_H
#define AFT_CLI_MODULE_LOADER_H

#include "base/error.h"

/* *symbol = what the module of that file name exports under that name; the module stays loaded
 * until the process ends. */
enum aft_code aft_module_load(void **symbol, const char *file, const char *name,
                              struct aft_error *error);

#endif
