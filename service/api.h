/* The routes of the HTTP API and of the dashboard, and what their handlers share.
 * docs/service.md and service/openapi.json describe them. */
#ifndef AFT_SERVICE_API_H
#define AFT_SERVICE_API_H

#include "service/background.h"
#include "service/http_server.h"
#include "service/index.h"
#include "service/steering.h"

#include <limits.h>
#include <stdatomic.h>
#include <time.h>

struct aft_api {
    char models_folder[PATH_MAX], curricula_folder[PATH_MAX]; /* whole */
    struct aft_index_view *view;                              /* of the thread that answers */
    struct aft_background *background; /* answers what takes long, by a struct aft_api of its own */
    struct aft_steering *steering;     /* NULL: nothing can be started or stopped */
    _Atomic long changes;              /* goes up with every change of a summary */
    struct aft_json *status;           /* what GET /api/training/status answers, … */
    char *status_text;  /* … written: it is asked for again and again. Both of the */
    size_t status_size; /* server's thread, made when `changes` was status_of, in … */
    long status_of;
    time_t status_time; /* … this second, which it tells */
};

/* Their context is the struct aft_api. Ends in zeros; valid until the process ends. */
const struct aft_http_route *aft_api_routes(void);

void aft_api_clear(struct aft_api *api);

/* Handlers: api_runs.c, … */
void aft_api_runs(void *context, struct aft_http_exchange *exchange);
void aft_api_run(void *context, struct aft_http_exchange *exchange);
void aft_api_metrics(void *context, struct aft_http_exchange *exchange);
void aft_api_report(void *context, struct aft_http_exchange *exchange);
void aft_api_models(void *context, struct aft_http_exchange *exchange);
void aft_api_status(void *context, struct aft_http_exchange *exchange);
void aft_api_events(void *context, struct aft_http_exchange *exchange);

/* … and api_training.c. */
void aft_api_curricula(void *context, struct aft_http_exchange *exchange);
void aft_api_start(void *context, struct aft_http_exchange *exchange);
void aft_api_stop(void *context, struct aft_http_exchange *exchange);
void aft_api_checkpoint(void *context, struct aft_http_exchange *exchange);

#endif
