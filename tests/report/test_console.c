#include "events.h"
#include "report/observers.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char *text;
static size_t text_size;

static enum aft_colour asked_colour = AFT_COLOUR_AUTO; /* of the consoles that are shown */

static void show(enum aft_progress_style style, const struct aft_event *events, size_t n)
{
    free(text);
    text = NULL;
    FILE *stream = open_memstream(&text, &text_size);
    assert_non_null(stream);
    struct aft_observer console;
    struct aft_error error;
    assert_int_equal(aft_console_create(&console, stream, style, asked_colour, &error), AFT_OK);
    for (size_t i = 0; i < n; i++) {
        console.on_event(console.self, &events[i]);
    }
    console.tick(console.self);
    console.destroy(console.self);
    assert_int_equal(fclose(stream), 0);
}

static int count(const char *what)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what)) {
        n++;
    }
    return n;
}

static void console__begins_with_the_plan(void **state)
{
    (void)state;
    struct aft_event event = event_run_begins();
    show(AFT_PROGRESS_AUTO, &event, 1);
    assert_ptr_equal(strstr(text, "No checkpoints found - starting fresh training\n"), text);
}

static void console__heads_each_stage_with_its_settings(void **state)
{
    (void)state;
    struct aft_event events[] = {event_run_begins(), event_stage(AFT_EVENT_STAGE_BEGINS, 0)};
    show(AFT_PROGRESS_PLAIN, events, 2);
    assert_non_null(strstr(text, "STAGE 2/4: M5.7@100kN"));
    assert_non_null(strstr(text, "magnitude    M5.7"));
    assert_non_null(strstr(text, "force limit    100 kN"));
    assert_non_null(strstr(text, "timesteps    300,000"));
    assert_non_null(strstr(text, "0.0005 to 0.0001"));
    assert_non_null(strstr(text, "64,64 tanh"));
}

static void console__heads_a_stage_once_for_all_workers(void **state)
{
    (void)state;
    struct aft_event events[] = {
        event_run_begins(),       event_stage(AFT_EVENT_STAGE_BEGINS, 0),
        event_iteration(2, 1001), event_stage(AFT_EVENT_STAGE_BEGINS, 16000), /* another worker */
        event_iteration(3, 1002), event_stage(AFT_EVENT_STAGE_BEGINS, 0)};
    events[1].u.begins.attempt = events[3].u.begins.attempt = 1;
    events[5].u.begins.attempt = 2;
    show(AFT_PROGRESS_PLAIN, events, 5);
    assert_int_equal(count("STAGE 2/4"), 1);
    assert_int_equal(count("goes on from step 16,000\n"), 1);
    show(AFT_PROGRESS_PLAIN, events, 6);
    assert_int_equal(count("STAGE 2/4"), 2);
    assert_int_equal(count("STAGE 2/4: M5.7@100kN, attempt 2"), 1);
}

static void console__heads_a_stage_that_is_resumed(void **state)
{
    (void)state;
    struct aft_event events[] = {event_run_begins(), event_stage(AFT_EVENT_STAGE_BEGINS, 16000)};
    show(AFT_PROGRESS_PLAIN, events, 2);
    assert_int_equal(count("STAGE 2/4"), 1);
    assert_int_equal(count("goes on from step 16,000\n"), 1);
}

static void console__prints_a_table_in_groups_without_unknown_figures(void **state)
{
    (void)state;
    struct aft_event events[] = {event_run_begins(), event_stage(AFT_EVENT_STAGE_BEGINS, 0),
                                 event_iteration(1, 1000.4)};
    show(AFT_PROGRESS_PLAIN, events, 3);
    assert_non_null(strstr(text, "| rollout/ "));
    assert_non_null(strstr(text, "| time/ "));
    assert_non_null(strstr(text, "| train/ "));
    assert_non_null(strstr(text, "| control/ "));
    assert_non_null(strstr(text, "peak_drift_to_passive    | 0.875 "));
    assert_non_null(strstr(text, "ep_len_mean              | 500 "));
    assert_non_null(strstr(text, "approx_kl                | 0.0123 "));
    assert_null(strstr(text, "ep_rew_mean"));
    assert_null(strstr(text, "nan"));
    assert_non_null(
        strstr(text, "Stage 2/4 M5.7@100kN: 2.6%  8.0k/300k  20.0k steps/s  0:15 left"));
}

static void console__limits_tables_by_time_not_by_iteration(void **state)
{
    (void)state;
    enum { N = 102 };
    struct aft_event events[N];
    events[0] = event_run_begins();
    events[1] = event_stage(AFT_EVENT_STAGE_BEGINS, 0);
    for (int i = 2; i < N; i++) { /* ten iterations a second, for ten seconds */
        events[i] = event_iteration(i - 1, 1000 + 0.1 * (i - 1));
    }
    show(AFT_PROGRESS_PLAIN, events, N);
    assert_int_equal(count("| rollout/"), 2);
    show(AFT_PROGRESS_NONE, events, N);
    assert_int_equal(count("| rollout/"), 0);
    assert_int_equal(count("steps/s"), 0);
}

static void console__shows_the_last_iteration_when_a_stage_ends(void **state)
{
    (void)state;
    struct aft_event events[] = {event_run_begins(), event_stage(AFT_EVENT_STAGE_BEGINS, 0),
                                 event_iteration(1, 1000.4), event_iteration(2, 1000.8),
                                 event_stage(AFT_EVENT_STAGE_ENDS, 300000)};
    show(AFT_PROGRESS_PLAIN, events, 5);
    assert_int_equal(count("| rollout/"), 2);
    assert_non_null(strstr(text, "stage 2 (M5.7@100kN) complete: 300,000 steps in 1:15"));
}

static void console__compares_the_policy_with_passive_and_uncontrolled(void **state)
{
    (void)state;
    struct aft_event event = event_evaluation();
    show(AFT_PROGRESS_NONE, &event, 1);
    assert_non_null(strstr(text, "mean peak drift 0.71 of passive on 32 unseen M4.5 motions"));
    assert_non_null(strstr(text, "uncontrolled 1.31"));
    assert_non_null(strstr(text, "LQR 0.68, LQG 0.70"));
    assert_non_null(strstr(text, "power up to 212 kW"));
    event.u.evaluation.lqr_peak_to_passive = event.u.evaluation.lqg_peak_to_passive = NAN;
    show(AFT_PROGRESS_NONE, &event, 1);
    assert_null(strstr(text, "LQ"));
}

static void console__names_incidents_archives_and_the_end(void **state)
{
    (void)state;
    struct aft_event archive = {.type = AFT_EVENT_ARCHIVE, .stage = 2, .unix_time = 1002};
    (void)strcpy(archive.u.archive.kind, "stage");
    (void)strcpy(archive.u.archive.path, "models/default/stage2_100kN.zip");
    archive.u.archive.bytes = 123456;
    archive.u.archive.seconds = 0.0421;
    struct aft_event events[] = {archive, event_message(AFT_EVENT_INCIDENT, "worker: signal 11"),
                                 event_message(AFT_EVENT_NOTICE, "again from step 8000"),
                                 event_ends(130, "stopped by SIGINT")};
    show(AFT_PROGRESS_AUTO, events, 4);
    assert_non_null(strstr(text,
                           "saved stage archive models/default/stage2_100kN.zip "
                           "(123 kB, verified, 42 ms)\n"));
    assert_non_null(strstr(text, "INCIDENT: worker: signal 11\n"));
    assert_non_null(strstr(text, "again from step 8000\n"));
    assert_non_null(strstr(text, "stopped by SIGINT (exit code 130)\n"));
}

static void console__uses_no_escapes_where_there_is_no_terminal(void **state)
{
    (void)state;
    struct aft_event events[] = {event_run_begins(), event_stage(AFT_EVENT_STAGE_BEGINS, 0),
                                 event_iteration(1, 1000.4), event_evaluation(),
                                 event_ends(1, "failed")};
    show(AFT_PROGRESS_AUTO, events, 5);
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, '\r'));
}

/* What the console writes to a terminal of 80 columns. */
static void show_on_terminal(const struct aft_event *events, size_t n, char *out, size_t size)
{
    struct winsize window = {.ws_row = 24, .ws_col = 80};
    int master, slave;
    if (openpty(&master, &slave, NULL, NULL, &window) != 0) {
        (void)fprintf(stderr, "no terminals here (is /dev/pts mounted?)\n");
        skip();
    }
    FILE *stream = fdopen(slave, "w");
    struct aft_observer console;
    assert_int_equal(aft_console_create(&console, stream, AFT_PROGRESS_AUTO, AFT_COLOUR_AUTO, NULL),
                     AFT_OK);
    size_t used = 0;
    (void)fcntl(master, F_SETFL, O_NONBLOCK);
    for (size_t i = 0; i <= n; i++) {
        if (i < n) {
            console.on_event(console.self, &events[i]);
        } else {
            console.destroy(console.self);
        }
        ssize_t got;
        while (used + 1 < size && (got = read(master, out + used, size - used - 1)) > 0) {
            used += (size_t)got;
        }
    }
    out[used] = '\0';
    (void)fclose(stream);
    (void)close(master);
}

static void console__draws_a_bar_on_a_terminal_and_erases_it_first(void **state)
{
    (void)state;
    char out[32768];
    struct aft_event events[] = {event_run_begins(), event_stage(AFT_EVENT_STAGE_BEGINS, 0),
                                 event_iteration(1, 1000.4), event_evaluation()};
    (void)setenv("TERM", "xterm", 1);
    (void)unsetenv("NO_COLOR");
    (void)setenv("LC_ALL", "C", 1);
    show_on_terminal(events, 4, out, sizeof out);
    assert_non_null(strstr(out, "\rStage 2/4 M5.7@100kN [-"));
    assert_non_null(strstr(out, "\r\033[K\033[1mevaluation: "));
    assert_non_null(strstr(out, "steps/s"));
}

static void console__has_no_colours_with_no_color(void **state)
{
    (void)state;
    char out[32768];
    struct aft_event events[] = {event_run_begins(), event_stage(AFT_EVENT_STAGE_BEGINS, 0),
                                 event_evaluation()};
    (void)setenv("TERM", "xterm", 1);
    (void)setenv("NO_COLOR", "1", 1);
    show_on_terminal(events, 3, out, sizeof out);
    (void)unsetenv("NO_COLOR");
    assert_null(strstr(out, "\033[1"));
    assert_null(strstr(out, "\033[0m"));
    assert_non_null(strstr(out, "\rStage 2/4"));
}

static void console__is_plain_on_a_dumb_terminal(void **state)
{
    (void)state;
    char out[32768];
    struct aft_event events[] = {event_run_begins(), event_stage(AFT_EVENT_STAGE_BEGINS, 0),
                                 event_iteration(1, 1000.4)};
    (void)setenv("TERM", "dumb", 1);
    show_on_terminal(events, 3, out, sizeof out);
    assert_null(strchr(out, '\033'));
    assert_null(strstr(out, "\rStage"));
}

static void console__has_colours_in_a_file_only_where_they_are_asked_for(void **state)
{
    (void)state;
    struct aft_event event = event_run_begins();
    (void)unsetenv("NO_COLOR");
    (void)setenv("CLICOLOR_FORCE", "1", 1);
    show(AFT_PROGRESS_PLAIN, &event, 1);
    assert_non_null(strchr(text, '\033'));
    asked_colour = AFT_COLOUR_NEVER;
    show(AFT_PROGRESS_PLAIN, &event, 1);
    assert_null(strchr(text, '\033'));
    asked_colour = AFT_COLOUR_AUTO;
    (void)setenv("NO_COLOR", "1", 1);
    show(AFT_PROGRESS_PLAIN, &event, 1);
    assert_null(strchr(text, '\033'));
    (void)setenv("CLICOLOR_FORCE", "0", 1);
    asked_colour = AFT_COLOUR_ALWAYS;
    show(AFT_PROGRESS_PLAIN, &event, 1);
    assert_non_null(strchr(text, '\033'));
    asked_colour = AFT_COLOUR_AUTO;
    (void)unsetenv("NO_COLOR");
    show(AFT_PROGRESS_PLAIN, &event, 1);
    assert_null(strchr(text, '\033'));
    (void)unsetenv("CLICOLOR_FORCE");
}

static void console__outlives_a_closed_pipe(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    FILE *stream = fdopen(ends[1], "w");
    (void)close(ends[0]);
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    struct aft_observer console;
    assert_int_equal(
        aft_console_create(&console, stream, AFT_PROGRESS_PLAIN, AFT_COLOUR_AUTO, NULL), AFT_OK);
    struct aft_event event = event_run_begins();
    console.on_event(console.self, &event);
    console.on_event(console.self, &event);
    console.tick(console.self);
    console.destroy(console.self);
    (void)fclose(stream);
    (void)signal(SIGPIPE, before);
}

static void console__does_not_wait_for_a_reader_that_sleeps(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    FILE *stream = fdopen(ends[1], "w");
    struct aft_observer console;
    assert_int_equal(
        aft_console_create(&console, stream, AFT_PROGRESS_PLAIN, AFT_COLOUR_AUTO, NULL), AFT_OK);
    struct aft_event event = event_run_begins();
    (void)alarm(60);                 /* ends the test if a write blocks */
    for (int i = 0; i < 1500; i++) { /* more than a pipe and the queue hold */
        console.on_event(console.self, &event);
    }
    console.destroy(console.self);
    (void)alarm(0);
    (void)fclose(stream);
    (void)close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(console__begins_with_the_plan),
        cmocka_unit_test(console__heads_each_stage_with_its_settings),
        cmocka_unit_test(console__heads_a_stage_once_for_all_workers),
        cmocka_unit_test(console__heads_a_stage_that_is_resumed),
        cmocka_unit_test(console__prints_a_table_in_groups_without_unknown_figures),
        cmocka_unit_test(console__limits_tables_by_time_not_by_iteration),
        cmocka_unit_test(console__shows_the_last_iteration_when_a_stage_ends),
        cmocka_unit_test(console__compares_the_policy_with_passive_and_uncontrolled),
        cmocka_unit_test(console__names_incidents_archives_and_the_end),
        cmocka_unit_test(console__uses_no_escapes_where_there_is_no_terminal),
        cmocka_unit_test(console__draws_a_bar_on_a_terminal_and_erases_it_first),
        cmocka_unit_test(console__has_no_colours_with_no_color),
        cmocka_unit_test(console__has_colours_in_a_file_only_where_they_are_asked_for),
        cmocka_unit_test(console__is_plain_on_a_dumb_terminal),
        cmocka_unit_test(console__outlives_a_closed_pipe),
        cmocka_unit_test(console__does_not_wait_for_a_reader_that_sleeps),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}
