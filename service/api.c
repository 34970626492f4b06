#include "service/api.h"

#include "service/web_assets.h"

#include <stdlib.h>

static void answer_asset(struct aft_http_exchange *exchange, const char *name)
{
    const struct aft_web_asset *asset = aft_web_asset(name);
    if (asset == NULL) {
        aft_http_answer_problem(exchange, 404, "there is nothing here");
        return;
    }
    aft_http_answer_static(exchange, asset->content_type, asset->bytes, asset->size, asset->etag);
}

static void page(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    answer_asset(exchange, "index.html");
}

static void asset(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    answer_asset(exchange, aft_http_parameter(exchange, 0));
}

static void description(void *context, struct aft_http_exchange *exchange)
{
    (void)context;
    answer_asset(exchange, "openapi.json");
}

/* What is made from many rows or files keeps nobody else waiting. */
static void in_background(void *context, aft_http_handler handler,
                          struct aft_http_exchange *exchange)
{
    const struct aft_api *api = context;
    aft_background_run(api->background, handler, exchange);
}

static void runs(void *context, struct aft_http_exchange *exchange)
{
    in_background(context, aft_api_runs, exchange);
}

static void run(void *context, struct aft_http_exchange *exchange)
{
    in_background(context, aft_api_run, exchange);
}

static void metrics(void *context, struct aft_http_exchange *exchange)
{
    in_background(context, aft_api_metrics, exchange);
}

static void models(void *context, struct aft_http_exchange *exchange)
{
    in_background(context, aft_api_models, exchange);
}

static void curricula(void *context, struct aft_http_exchange *exchange)
{
    in_background(context, aft_api_curricula, exchange);
}

const struct aft_http_route *aft_api_routes(void)
{
    static const struct aft_http_route routes[] = {
        {"GET", "/", page, true},
        {"GET", "/assets/{}", asset, true},
        {"GET", "/api/openapi.json", description, false},
        {"GET", "/api/training-runs", runs, false},
        {"GET", "/api/training-runs/{}", run, false},
        {"GET", "/api/training-runs/{}/metrics", metrics, false},
        {"GET", "/api/training-runs/{}/reports/{}", aft_api_report, false},
        {"GET", "/api/models/list", models, false},
        {"GET", "/api/training/status", aft_api_status, false},
        {"POST", "/api/training/start", aft_api_start, false},
        {"POST", "/api/training/stop", aft_api_stop, false},
        {"POST", "/api/training/checkpoint", aft_api_checkpoint, false},
        {"GET", "/api/curricula", curricula, false},
        {"GET", "/api/events", aft_api_events, false},
        {0},
    };
    return routes;
}

void aft_api_clear(struct aft_api *api)
{
    aft_json_destroy(api->status);
    free(api->status_text);
    api->status = NULL;
    api->status_text = NULL;
}
