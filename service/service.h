/*
 * `aftershock serve`: registry, HTTP API and dashboard, as the module
 * aftershock_service.so, so that only this command loads an HTTP library and a
 * database. The command line fills the options; cli/serve.c says what they mean.
 */
#ifndef AFT_SERVICE_SERVICE_H
#define AFT_SERVICE_SERVICE_H

#include <stdbool.h>

enum { AFT_SERVICE_VERSION = 1 };
#define AFT_SERVICE_MODULE_FILE "aftershock_service.so"
#define AFT_SERVICE_MODULE_SYMBOL "aft_service_module"

struct aft_serve_options {     /* all strings are borrowed, and valid until exit */
    const char *models_dir;    /* default "models" */
    const char *curricula_dir; /* default ".": where configurations may be taken from */
    const char *address;       /* default "127.0.0.1" */
    int port;                  /* 0: any free one */
    const char *const *hosts;  /* further names by which the server may be called */
    int n_hosts;
    const char *token_file; /* NULL: AFTERSHOCK_TOKEN, or the user's own, made when missing */
    const char *index_path; /* NULL: in the user's cache */
    bool read_only;         /* nothing can be started or stopped */
};

struct aft_service_interface {
    int version; /* AFT_SERVICE_VERSION, or the module is of another build */
    /* Serves until SIGINT or SIGTERM. Returns the program's exit code and has printed what there
     * is to say. Runs go on. */
    int (*serve)(const struct aft_serve_options *options);
};

typedef const struct aft_service_interface *(*aft_service_module_function)(void);
const struct aft_service_interface *aft_service_module(void); /* what the module exports */

int aft_serve(const struct aft_serve_options *options); /* the entry point behind it: serve.c */

#endif
