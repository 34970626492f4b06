#include "service/web_assets.h"

#include <string.h>

/* By the ending of a file's name. */
#define CONTENT_TYPE_ "text/plain; charset=utf-8"
#define CONTENT_TYPE_html "text/html; charset=utf-8"
#define CONTENT_TYPE_css "text/css; charset=utf-8"
#define CONTENT_TYPE_js "text/javascript; charset=utf-8"
#define CONTENT_TYPE_json "application/json"
#define CONTENT_TYPE_svg "image/svg+xml"

#include "web_asset_bytes.inc"

static const struct aft_web_asset assets[] = {
#include "web_asset_rows.inc"
    {NULL, NULL, NULL, 0, NULL},
};

const struct aft_web_asset *aft_web_assets(void)
{
    return assets;
}

const struct aft_web_asset *aft_web_asset(const char *name)
{
    for (const struct aft_web_asset *asset = assets; asset->name != NULL; asset++) {
        if (strcmp(asset->name, name) == 0) {
            return asset;
        }
    }
    return NULL;
}
