/* The dashboard's files (service/web), embedded: it works with no network and no installation. */
#ifndef AFT_SERVICE_WEB_ASSETS_H
#define AFT_SERVICE_WEB_ASSETS_H

#include <stddef.h>

struct aft_web_asset {
    const char *name; /* the file's, without folder: "index.html", "uPlot.min.css" */
    const char *content_type;
    const unsigned char *bytes;
    size_t size;
    const char *etag; /* the SHA-256 of the bytes */
};

/* All of them; the last has no name. The page expects "index.html" at "/", the others at
 * "/assets/NAME". */
const struct aft_web_asset *aft_web_assets(void);

/* The one of that name, or NULL. */
const struct aft_web_asset *aft_web_asset(const char *name);

#endif
