#include "service/http_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct aft_http_message {
    int references;
    size_t size;
    char bytes[];
};

static struct aft_http_message *message_of(size_t size)
{
    struct aft_http_message *message = malloc(sizeof *message + size + 1);
    if (message != NULL) {
        message->references = 1;
        message->size = size;
    }
    return message;
}

struct aft_http_message *aft_http_message_create(const char *event, const struct aft_json *data)
{
    static const char form[] = "event: %s\ndata: %s\n\n";
    char *text = NULL;
    size_t size = 0;
    if (event == NULL || *event == '\0' || strpbrk(event, "\r\n") != NULL ||
        aft_json_write(&text, &size, data, false, NULL) != AFT_OK) {
        return NULL;
    }
    size_t whole = sizeof form - 1 - 4 + strlen(event) + size;
    struct aft_http_message *message = message_of(whole);
    if (message != NULL) {
        (void)snprintf(message->bytes, whole + 1, form, event, text);
    }
    free(text);
    return message;
}

struct aft_http_message *aft_http_message_raw(const char *text)
{
    struct aft_http_message *message = message_of(strlen(text));
    if (message != NULL) {
        memcpy(message->bytes, text, message->size);
    }
    return message;
}

void aft_http_message_release(struct aft_http_message *message)
{
    if (message != NULL && --message->references == 0) {
        free(message);
    }
}

void aft_http_queue_init(struct aft_http_queue *queue)
{
    queue->first = queue->count = 0;
    queue->bytes = queue->offset = 0;
    queue->overflowed = false;
}

static void drop_first(struct aft_http_queue *queue)
{
    aft_http_message_release(queue->ring[queue->first]);
    queue->first = (queue->first + 1) % AFT_HTTP_QUEUE_MESSAGES;
    queue->count--;
    queue->offset = 0;
}

void aft_http_queue_clear(struct aft_http_queue *queue)
{
    while (queue->count > 0) {
        drop_first(queue);
    }
    queue->bytes = 0;
}

bool aft_http_queue_push(struct aft_http_queue *queue, struct aft_http_message *message)
{
    if (queue->count == AFT_HTTP_QUEUE_MESSAGES ||
        message->size > AFT_HTTP_QUEUE_BYTES - queue->bytes) {
        queue->overflowed = true;
        return false;
    }
    message->references++;
    queue->ring[(queue->first + queue->count++) % AFT_HTTP_QUEUE_MESSAGES] = message;
    queue->bytes += message->size;
    return true;
}

size_t aft_http_queue_take(struct aft_http_queue *queue, char *bytes, size_t size)
{
    size_t taken = 0;
    while (queue->count > 0 && taken < size) {
        const struct aft_http_message *message = queue->ring[queue->first];
        size_t left = message->size - queue->offset;
        size_t part = left < size - taken ? left : size - taken;
        memcpy(bytes + taken, message->bytes + queue->offset, part);
        taken += part;
        queue->offset += part;
        if (part == left) {
            drop_first(queue);
        }
    }
    queue->bytes -= taken;
    return taken;
}
