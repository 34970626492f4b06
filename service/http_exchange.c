/* What is gathered of a request. It is copied: a deferred exchange outlives its connection. */
#include "service/http_exchange.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

struct aft_http_exchange *aft_http_exchange_create(struct aft_http_server *server,
                                                   const char *target)
{
    struct aft_http_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL) {
        return NULL;
    }
    exchange->target_text = strdup(target);
    if (exchange->target_text == NULL) {
        free(exchange);
        return NULL;
    }
    exchange->server = server;
    exchange->head.fields = exchange->fields;
    return exchange;
}

void aft_http_exchange_destroy(struct aft_http_exchange *exchange)
{
    aft_http_answer_drop(&exchange->answer);
    aft_json_destroy(exchange->body);
    free(exchange->body_text);
    free(exchange->head_text);
    free(exchange->target_text);
    free(exchange);
}

static bool is_text(const char *bytes, size_t size)
{
    return memchr(bytes, '\0', size) == NULL;
}

int aft_http_exchange_add_field(struct aft_http_exchange *exchange, const char *name,
                                size_t name_size, const char *value, size_t value_size)
{
    size_t size = name_size + value_size + 2;
    if (!is_text(name, name_size) || !is_text(value, value_size)) {
        return 400;
    }
    if (exchange->head.n_fields == AFT_HTTP_MAX_FIELDS ||
        size > AFT_HTTP_HEAD_BYTES - exchange->head_size) {
        return 431;
    }
    if (exchange->head_text == NULL) {
        exchange->head_text = malloc(AFT_HTTP_HEAD_BYTES);
        if (exchange->head_text == NULL) {
            return 503;
        }
    }
    char *text = exchange->head_text + exchange->head_size;
    memcpy(text, name, name_size);
    text[name_size] = '\0';
    memcpy(text + name_size + 1, value, value_size);
    text[size - 1] = '\0';
    exchange->fields[exchange->head.n_fields++] =
        (struct aft_http_field){.name = text, .value = text + name_size + 1};
    exchange->head_size += size;
    return 0;
}

static bool append_body(struct aft_http_exchange *exchange, const char *bytes, size_t size)
{
    size_t needed = exchange->body_size + size;
    if (needed > exchange->body_capacity) {
        size_t capacity = 2 * needed;
        char *grown = realloc(exchange->body_text, capacity);
        if (grown == NULL) {
            return false;
        }
        exchange->body_text = grown;
        exchange->body_capacity = capacity;
    }
    memcpy(exchange->body_text + exchange->body_size, bytes, size);
    exchange->body_size = needed;
    return true;
}

bool aft_http_exchange_add_body(struct aft_http_exchange *exchange, const char *bytes, size_t size,
                                size_t max_body)
{
    struct aft_http_ruling *ruling = &exchange->ruling;
    exchange->received += size;
    if (ruling->status == 0 && exchange->received > max_body) {
        ruling->status = 413;
        ruling->detail = "the body is too long";
    }
    if (ruling->status == 0) {
        return size == 0 || append_body(exchange, bytes, size);
    }
    return exchange->received <= max_body + AFT_HTTP_DRAINED_BYTES;
}

const char *aft_http_parameter(const struct aft_http_exchange *exchange, int index)
{
    return index >= 0 && index < AFT_HTTP_MAX_PARAMETERS ? exchange->ruling.parameters[index]
                                                         : NULL;
}

const char *aft_http_query(const struct aft_http_exchange *exchange, const char *name)
{
    return aft_http_target_query(&exchange->target, name);
}

const char *aft_http_header(const struct aft_http_exchange *exchange, const char *name)
{
    return aft_http_head_field(&exchange->head, name);
}

const struct aft_json *aft_http_body(const struct aft_http_exchange *exchange)
{
    return exchange->body;
}
