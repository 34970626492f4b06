/*
 * The console: what a person sees of a run. On a terminal the last line is a
 * progress bar, erased before anything else is printed and drawn again after
 * it; elsewhere progress comes as lines, more rarely the longer a stage lasts.
 * The clock is the events' own, but for redrawing the bar between them.
 */
#include "base/error.h"
#include "report/log_table.h"
#include "report/observers.h"
#include "report/progress_bar.h"
#include "report/sink.h"
#include "report/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define ESCAPE_BOLD "\033[1m"
#define ESCAPE_DIM "\033[2m"
#define ESCAPE_RED "\033[1;31m"
#define ESCAPE_GREEN "\033[32m"
#define ESCAPE_CYAN "\033[1;36m"
#define ESCAPE_RESET "\033[0m"
#define ERASE_LINE "\r\033[K"

enum { RULE_WIDTH = 78, FLUSH_WAIT_MS = 0, LAST_FLUSH_WAIT_MS = 500 };
static const double table_every_s = 5, table_every_later_s = 60, later_s = 120;
static const double redraw_every_s = 0.2;

struct console {
    struct aft_sink sink;
    enum aft_progress_style style; /* never AUTO */
    bool colour, utf8;
    bool bar_drawn;
    bool in_stage;
    int n_stages;
    struct aft_event_stage stage; /* of the last STAGE_BEGINS */
    struct aft_event iteration;   /* the last; type 0: none in this stage */
    double stage_began, last_table, last_draw;
    bool table_due; /* the last iteration has not been shown */
};

static void put(struct console *console, const char *text)
{
    aft_sink_add(&console->sink, text, strlen(text));
}

static void put_styled(struct console *console, const char *style, const char *text)
{
    if (console->colour) {
        put(console, style);
    }
    put(console, text);
    if (console->colour) {
        put(console, ESCAPE_RESET);
    }
}

static void put_line(struct console *console, const char *style, const char *text)
{
    put_styled(console, style, text);
    put(console, "\n");
}

static double now(void)
{
    struct timespec time;
    if (clock_gettime(CLOCK_REALTIME, &time) != 0) {
        return 0;
    }
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int columns_of(const struct console *console)
{
    struct winsize size;
    if (console->sink.fd >= 0 && ioctl(console->sink.fd, TIOCGWINSZ, &size) == 0 &&
        size.ws_col > 0) {
        return size.ws_col - 1; /* the last column would wrap on some terminals */
    }
    return 79;
}

static void erase_bar(struct console *console)
{
    if (console->bar_drawn) {
        put(console, ERASE_LINE);
    }
    console->bar_drawn = false;
}

static struct aft_progress progress_of(const struct console *console, double time)
{
    const struct aft_event *event = &console->iteration;
    bool any = event->type == AFT_EVENT_ITERATION;
    return (struct aft_progress){
        .stage = event->stage,
        .n_stages = console->n_stages,
        .name = console->stage.name,
        .step = event->stage_step,
        .timesteps = console->stage.timesteps,
        .steps_per_s = any ? event->u.iteration.fps : (double)NAN,
        .since_s = time - event->unix_time,
        .reward = any ? event->u.iteration.ep_rew_mean : (double)NAN,
    };
}

static void draw_bar(struct console *console, double time)
{
    if (console->style != AFT_PROGRESS_BAR || !console->in_stage) {
        return;
    }
    char line[AFT_PROGRESS_LINE_SIZE];
    struct aft_progress progress = progress_of(console, time);
    aft_progress_bar(line, &progress, columns_of(console), console->utf8);
    if (console->sink.used > AFT_SINK_LIMIT / 2) {
        return; /* nobody is reading: keep the room for what matters */
    }
    put(console, "\r");
    put(console, line);
    console->bar_drawn = true;
    console->last_draw = time;
}

static void show_run(struct console *console, const struct aft_event_run *run)
{
    console->n_stages = run->n_stages;
    put_line(console, ESCAPE_BOLD, run->plan);
}

static void put_schedule(char *out, size_t size, double first, double last)
{
    if (isfinite(last) && fabs(last - first) > 1e-12) {
        (void)snprintf(out, size, "%g to %g", first, last);
    } else {
        (void)snprintf(out, size, "%g", first);
    }
}

static void show_stage(struct console *console, const struct aft_event *event)
{
    const struct aft_event_stage *stage = &event->u.begins;
    char rule[RULE_WIDTH + 1], line[AFT_TEXT_SIZE], learning[64], entropy[64];
    char timesteps[AFT_TEXT_NUMBER];
    memset(rule, '=', RULE_WIDTH);
    rule[RULE_WIDTH] = '\0';
    put(console, "\n");
    put_line(console, ESCAPE_CYAN, rule);
    int n = snprintf(line, sizeof line, "  STAGE %d/%d: %s", event->stage, console->n_stages,
                     stage->name);
    if (stage->attempt > 1 && n > 0) {
        (void)snprintf(line + n, sizeof line - (size_t)n, ", attempt %d", stage->attempt);
    }
    put_line(console, ESCAPE_CYAN, line);
    put_line(console, ESCAPE_CYAN, rule);
    put_schedule(learning, sizeof learning, stage->learning_rate, stage->final_learning_rate);
    put_schedule(entropy, sizeof entropy, stage->ent_coef, stage->final_ent_coef);
    (void)snprintf(line, sizeof line,
                   "  magnitude    M%-16g  force limit    %g kN\n"
                   "  timesteps    %-17s  environments   %d x %d steps\n"
                   "  batch size   %-17d  epochs         %d\n"
                   "  learning     %-17s  entropy        %s\n"
                   "  network      %s\n",
                   stage->magnitude, stage->force_limit_n / 1e3,
                   aft_text_count(timesteps, stage->timesteps), stage->n_envs, stage->n_steps,
                   stage->batch_size, stage->n_epochs, learning, entropy, stage->network);
    put(console, line);
}

/* Also when a worker that was started again goes on with the stage: it is headed once. */
static void begin_stage(struct console *console, const struct aft_event *event)
{
    char line[AFT_TEXT_NUMBER + 32], step[AFT_TEXT_NUMBER];
    bool same = console->in_stage && console->iteration.stage == event->stage &&
                console->stage.attempt == event->u.begins.attempt;
    if (!same) {
        show_stage(console, event);
        console->stage_began = event->unix_time;
        /* The first table is shown. */
        console->last_table = event->unix_time - 2 * table_every_later_s;
    }
    if (event->stage_step > 0) {
        (void)snprintf(line, sizeof line, "  goes on from step %s\n",
                       aft_text_count(step, event->stage_step));
        put(console, line);
    }
    console->stage = event->u.begins;
    console->in_stage = true;
    console->iteration = (struct aft_event){
        .stage = event->stage, .stage_step = event->stage_step, .unix_time = event->unix_time};
    console->table_due = false;
}

static void show_iteration(struct console *console)
{
    char table[AFT_LOG_TABLE_SIZE], line[AFT_PROGRESS_LINE_SIZE];
    if (console->style == AFT_PROGRESS_NONE || !console->table_due) {
        return;
    }
    aft_log_table(table, &console->iteration);
    put(console, table);
    if (console->style == AFT_PROGRESS_PLAIN) {
        struct aft_progress progress = progress_of(console, console->iteration.unix_time);
        aft_progress_plain(line, &progress);
        put(console, line);
        put(console, "\n");
    }
    console->last_table = console->iteration.unix_time;
    console->table_due = false;
}

static bool table_is_due(const struct console *console, double time)
{
    double every = time - console->stage_began < later_s ? table_every_s : table_every_later_s;
    return time - console->last_table >= every || time < console->last_table - 1;
}

static void put_incident(struct console *console, const char *text)
{
    put_styled(console, ESCAPE_RED, "INCIDENT: ");
    put_line(console, ESCAPE_RED, text);
}

static void show(struct console *console, const struct aft_event *event)
{
    char text[AFT_TEXT_SIZE];
    aft_text_event(text, event);
    switch (event->type) {
    case AFT_EVENT_RUN_BEGINS:
        show_run(console, &event->u.run);
        break;
    case AFT_EVENT_STAGE_BEGINS:
        begin_stage(console, event);
        break;
    case AFT_EVENT_STAGE_ENDS:
        show_iteration(console);
        console->in_stage = false;
        put_line(console, ESCAPE_GREEN, text);
        break;
    case AFT_EVENT_EVALUATION:
        show_iteration(console); /* the stage's last: evaluations follow it */
        put_styled(console, ESCAPE_BOLD, "evaluation: ");
        put_line(console, ESCAPE_BOLD, text);
        break;
    case AFT_EVENT_GATE:
        put_styled(console, event->u.gate.passed ? ESCAPE_GREEN : ESCAPE_RED, "gate: ");
        put_line(console, event->u.gate.passed ? ESCAPE_GREEN : ESCAPE_RED, text);
        break;
    case AFT_EVENT_ARCHIVE:
        put_line(console, ESCAPE_GREEN, text);
        break;
    case AFT_EVENT_WORKER_LOST:
        if (!event->u.lost.retried) {
            break; /* the run's end, which follows, says it */
        }
        put_incident(console, text);
        break;
    case AFT_EVENT_INCIDENT:
        put_incident(console, text);
        break;
    case AFT_EVENT_WORKER_BEGINS:
    case AFT_EVENT_SIGNAL:
    case AFT_EVENT_SET_ASIDE:
    case AFT_EVENT_NOTICE:
        put_line(console, ESCAPE_DIM, text);
        break;
    case AFT_EVENT_RUN_ENDS:
        console->in_stage = false;
        put_line(console, event->u.ends.exit_code == 0 ? ESCAPE_BOLD : ESCAPE_RED, text);
        break;
    case AFT_EVENT_ITERATION:
    case AFT_EVENT_EPISODE:
    case AFT_EVENT_MOTION_RESULTS:
    case AFT_EVENT_STATE:
        break; /* data */
    }
}

static void on_event(void *self, const struct aft_event *event)
{
    struct console *console = self;
    if (event->type == AFT_EVENT_ITERATION) {
        console->iteration = *event;
        console->table_due = true;
        if (table_is_due(console, event->unix_time)) {
            erase_bar(console);
            show_iteration(console);
        }
    } else if (!aft_event_is_data(event)) {
        erase_bar(console);
        show(console, event);
    } else {
        return;
    }
    draw_bar(console, now());
    aft_sink_flush(&console->sink, FLUSH_WAIT_MS);
}

static void tick(void *self)
{
    struct console *console = self;
    double time = now();
    if (fabs(time - console->last_draw) >= redraw_every_s) {
        draw_bar(console, time);
    }
    aft_sink_flush(&console->sink, 0);
}

static void destroy(void *self)
{
    struct console *console = self;
    erase_bar(console);
    if (console->sink.dropped > 0) {
        put(console, "(some lines were not shown: nobody was reading)\n");
    }
    aft_sink_flush(&console->sink, LAST_FLUSH_WAIT_MS);
    aft_sink_clear(&console->sink);
    free(console);
}

static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) {
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
        }
    }
    return false;
}

/* By the conventions of no-color.org and bixense.com/clicolors. */
static bool wants_colour(enum aft_colour asked, bool able)
{
    const char *no_colour = getenv("NO_COLOR"), *colour = getenv("CLICOLOR");
    const char *force = getenv("CLICOLOR_FORCE");
    if (asked != AFT_COLOUR_AUTO) {
        return asked == AFT_COLOUR_ALWAYS;
    }
    if (no_colour != NULL && *no_colour != '\0') {
        return false;
    }
    if (force != NULL && *force != '\0' && strcmp(force, "0") != 0) {
        return true;
    }
    return able && !(colour != NULL && strcmp(colour, "0") == 0);
}

enum aft_code aft_console_create(struct aft_observer *observer, FILE *stream,
                                 enum aft_progress_style style, enum aft_colour colour,
                                 struct aft_error *error)
{
    struct console *console = calloc(1, sizeof *console);
    if (!console || !aft_sink_init(&console->sink, stream)) {
        free(console);
        return aft_fail(error, AFT_ERR_MEMORY, "open the console: out of memory");
    }
    const char *term = getenv("TERM");
    bool terminal = console->sink.fd >= 0 && isatty(console->sink.fd);
    bool able = terminal && term && *term && strcmp(term, "dumb") != 0;
    console->colour = wants_colour(colour, able);
    console->utf8 = locale_is_utf8();
    console->style = style != AFT_PROGRESS_AUTO ? style
                     : able                     ? AFT_PROGRESS_BAR
                                                : AFT_PROGRESS_PLAIN;
    *observer = (struct aft_observer){console, on_event, tick, destroy};
    return AFT_OK;
}
