#include "service/index_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

char *aft_index_put_json(struct aft_query *query, const struct aft_json *value)
{
    char *text = NULL;
    if (value != NULL && aft_json_write(&text, NULL, value, false, NULL) != AFT_OK) {
        text = NULL;
    }
    aft_query_put_text(query, text);
    return text;
}

struct aft_json *aft_index_get_json(const struct aft_query *query, int column)
{
    struct aft_json *value = NULL;
    const char *text = aft_query_text(query, column);
    if (text == NULL || aft_json_parse(&value, text, strlen(text), "index", NULL) != AFT_OK) {
        return aft_json_null();
    }
    return value;
}

void aft_index_time_text(char text[32], double seconds)
{
    time_t whole = (time_t)floor(seconds);
    int ms = (int)((seconds - floor(seconds)) * 1000);
    struct tm utc = {.tm_sec = 0};
    (void)gmtime_r(&whole, &utc);
    size_t used = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + used, 32 - used, ".%03dZ", ms);
}

double aft_index_time_of(const char *text)
{
    struct tm utc = {.tm_sec = 0};
    const char *rest = text == NULL ? NULL : strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    if (rest == NULL) {
        return 0;
    }
    double part = *rest == '.' ? strtod(rest, NULL) : 0;
    return (double)timegm(&utc) + (part > 0 && part < 1 ? part : 0);
}

void aft_index_problem(struct aft_index_run *run, enum aft_index_source source,
                       const struct aft_error *error)
{
    (void)snprintf(run->problems[source], sizeof run->problems[source], "%s", error->message);
}
