#include "service/api.h"

#include "service/web_assets.h"

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
    static const char text[] = {
#include "openapi.json.inc"
    };
    (void)context;
    aft_http_answer_static(exchange, "application/json", text, sizeof text, AFT_VERSION);
}

const struct aft_http_route *aft_api_routes(void)
{
    static const struct aft_http_route routes[] = {
        {"GET", "/", page, .open = true},
        {"GET", "/assets/{}", asset, .open = true},
        {"GET", "/api/openapi.json", description},
        {"GET", "/api/training-runs", aft_api_runs},
        {"GET", "/api/training-runs/{}", aft_api_run},
        {"GET", "/api/training-runs/{}/metrics", aft_api_metrics},
        {"GET", "/api/training-runs/{}/reports/{}", aft_api_report},
        {"GET", "/api/models/list", aft_api_models},
        {"GET", "/api/training/status", aft_api_status},
        {"POST", "/api/training/start", aft_api_start},
        {"POST", "/api/training/stop", aft_api_stop},
        {"POST", "/api/training/checkpoint", aft_api_checkpoint},
        {"GET", "/api/curricula", aft_api_curricula},
        {"GET", "/api/events", aft_api_events},
        {0},
    };
    return routes;
}

void aft_api_clear(struct aft_api *api)
{
    aft_json_destroy(api->status);
    api->status = NULL;
}
