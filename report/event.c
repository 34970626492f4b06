/* The stream of run events: passes each to every observer, in order. */
#include "report/event.h"

#include <stddef.h>

bool aft_event_is_data(const struct aft_event *event)
{
    return event->type == AFT_EVENT_ITERATION || event->type == AFT_EVENT_EPISODE ||
           event->type == AFT_EVENT_MOTION_RESULTS || event->type == AFT_EVENT_STATE;
}

void aft_event_subscribe(struct aft_event_stream *stream, struct aft_observer observer)
{
    if (stream->n < AFT_MAX_OBSERVERS) {
        stream->observers[stream->n++] = observer;
    } else if (observer.destroy) {
        observer.destroy(observer.self);
    }
}

void aft_event_publish(struct aft_event_stream *stream, const struct aft_event *event)
{
    for (int i = 0; i < stream->n; i++) {
        stream->observers[i].on_event(stream->observers[i].self, event);
    }
}

void aft_event_tick(struct aft_event_stream *stream)
{
    for (int i = 0; i < stream->n; i++) {
        if (stream->observers[i].tick) {
            stream->observers[i].tick(stream->observers[i].self);
        }
    }
}

void aft_event_stream_clear(struct aft_event_stream *stream)
{
    for (int i = stream->n - 1; i >= 0; i--) {
        if (stream->observers[i].destroy) {
            stream->observers[i].destroy(stream->observers[i].self);
        }
    }
    *stream = (struct aft_event_stream){0};
}
