#include "base/file.h"
#include "base/path.h"
#include "report/heartbeat.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIZE_LIMIT = 1 << 20 };
static const double silent_after = 3; /* intervals */

const char *aft_liveness_name(enum aft_liveness liveness)
{
    static const char *const names[] = {"running", "silent", "dead", "ended"};
    return names[liveness];
}

enum aft_code aft_heartbeat_read(struct aft_json **heartbeat, const char *folder,
                                 struct aft_error *error)
{
    char path[PATH_MAX];
    char *text = NULL;
    size_t size;
    *heartbeat = NULL;
    enum aft_code code = aft_path_join(path, folder, "heartbeat.json", error);
    if (code == AFT_OK) {
        code = aft_file_read(&text, &size, path, SIZE_LIMIT, error);
    }
    if (code != AFT_OK) {
        return code;
    }
    code = aft_json_parse(heartbeat, text, size, path, error);
    free(text);
    if (code != AFT_OK) {
        *heartbeat = NULL;
        return code;
    }
    if (aft_json_get_integer(*heartbeat, "v", 0) != AFT_HEARTBEAT_VERSION) {
        aft_json_destroy(*heartbeat);
        *heartbeat = NULL;
        return aft_fail(error, AFT_ERR_CORRUPT, "read '%s': not a heartbeat of version %d", path,
                        AFT_HEARTBEAT_VERSION);
    }
    return AFT_OK;
}

bool aft_heartbeat_is_of(const struct aft_json *heartbeat, const char *folder_name)
{
    return strcmp(aft_json_get_string(heartbeat, "run", folder_name), folder_name) == 0;
}

/* Seconds since 1970; 0 where it is not a time. */
static double time_of(const char *text)
{
    struct tm utc = {.tm_sec = 0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    return rest != NULL ? (double)timegm(&utc) : 0;
}

enum aft_liveness aft_heartbeat_liveness(const struct aft_json *heartbeat, double now)
{
    struct aft_process process;
    if (!aft_json_is_null(aft_json_get(heartbeat, "exit_code"))) {
        return AFT_LIVENESS_ENDED;
    }
    aft_process_get(&process, aft_json_get(heartbeat, "process"));
    if (aft_process_presence(&process) == AFT_PROCESS_GONE) {
        return AFT_LIVENESS_DEAD;
    }
    double written = time_of(aft_json_get_string(heartbeat, "time", ""));
    double interval = aft_json_get_real(heartbeat, "interval_s", 0);
    /* The text's fraction of a second is not looked at. */
    return now - written > silent_after * interval + 1 ? AFT_LIVENESS_SILENT : AFT_LIVENESS_RUNNING;
}
