/* The table that aftershock_service.so exports. */
#include "service/service.h"

__attribute__((visibility("default"))) const struct aft_service_interface *aft_service_module(void)
{
    static const struct aft_service_interface table = {
        .version = AFT_SERVICE_VERSION,
        .serve = aft_serve,
    };
    return &table;
}
