/* events.jsonl, hand-written: sessions, evaluations, and files that are torn or replaced. */
#include "tests/service/index_place.h"

#define START(TIME, STEPS)                                                                         \
    "{\"v\":1,\"time\":\"" TIME                                                                    \
    "\",\"event\":\"run_started\",\"run\":\"r\",\"total_steps\":" STEPS                            \
    ",\"next_stage\":1,\"process\":{\"pid\":7,\"host\":\"h\"},\"stages\":[{\"name\":\"s1\","       \
    "\"timesteps\":10},{\"name\":\"s2\",\"timesteps\":20}]}\n"

static size_t length_of(const struct place *place, const char *member)
{
    struct aft_json *run = place_run(place, "r");
    size_t n = aft_json_length(aft_json_get(run, member));
    aft_json_destroy(run);
    return n;
}

static void events__a_line_counts_once_its_newline_is_there(void **state)
{
    struct place *place = *state;
    place_write(place, "r", "events.jsonl", "w", "{\"v\":1,\"event\":\"notice\"}\n{\"v\":1,\"ev");
    place_refresh(place);
    assert_int_equal(length_of(place, "timeline"), 1);
    place_write(place, "r", "events.jsonl", "a", "ent\":\"notice\"}");
    place_refresh(place);
    assert_int_equal(length_of(place, "timeline"), 1);
    place_write(place, "r", "events.jsonl", "a", "\n");
    place_refresh(place);
    assert_int_equal(length_of(place, "timeline"), 2);
    place_close_index(place); /* and where it stood is remembered */
    place_write(place, "r", "events.jsonl", "a", "{\"v\":1,\"event\":\"notice\"}\n");
    place_refresh(place);
    assert_int_equal(length_of(place, "timeline"), 3);
}

static void events__a_file_that_was_replaced_is_read_anew(void **state)
{
    struct place *place = *state;
    char path[PATH_MAX], other[PATH_MAX];
    static const char two[] = "{\"v\":1,\"event\":\"notice\"}\n{\"v\":1,\"event\":\"notice\"}\n";
    place_write(place, "r", "events.jsonl", "w", two);
    place_refresh(place);
    place_write(place, "r", "events.jsonl", "w", "{\"v\":1,\"event\":\"other1\"}\n"); /* shorter */
    place_refresh(place);
    assert_int_equal(length_of(place, "timeline"), 1);
    place_write(place, "r", "events.jsonl", "w", /* longer, with another beginning */
                "{\"v\":1,\"event\":\"other2\"}\n{\"v\":1,\"event\":\"more\"}\n");
    place_refresh(place);
    assert_int_equal(length_of(place, "timeline"), 2);
    place_write(place, "r", "new", "w", two); /* another file under its name */
    place_path(path, place, "r", "new");
    place_path(other, place, "r", "events.jsonl");
    assert_int_equal(rename(path, other), 0);
    place_refresh(place);
    struct aft_json *run = place_run(place, "r");
    const struct aft_json *timeline = aft_json_get(run, "timeline");
    assert_int_equal(aft_json_length(timeline), 2);
    assert_string_equal(aft_json_get_string(aft_json_at(timeline, 0), "event", ""), "notice");
    aft_json_destroy(run);
    assert_int_equal(unlink(other), 0);
    place_write(place, "r", "heartbeat.json", "w", "{\"v\":1}"); /* so that it stays a run */
    place_refresh(place);
    assert_int_equal(length_of(place, "timeline"), 0);
}

static void events__what_is_no_event_is_passed_over_and_told(void **state)
{
    struct place *place = *state;
    char *text = malloc(3 << 20);
    assert_non_null(text);
    static const char *const lines[] = {
        "\n",
        "x\n",
        "{}\n",
        "[1]\n",
        "{\"v\":1}\n",
        "{\"v\":1,\"event\":7}\n",
        "{\"v\":2,\"event\":\"notice\"}\n",
        "{\"v\":1,\"event\":\"\xff\"}\n",
        "{\"v\":1,\"event\":\"run_started\",\"stages\":7,\"process\":[],\"command\":{},"
        "\"total_steps\":\"x\",\"time\":9,\"resumed_from\":[]}\n",
        "{\"v\":1,\"event\":\"stage_started\",\"stage\":-1}\n",
        "{\"v\":1,\"event\":\"stage_completed\",\"stage\":9e99}\n",
        "{\"v\":1,\"event\":\"evaluation\",\"of_stage\":\"x\"}\n",
        "{\"v\":1,\"event\":\"run_ended\",\"outcome\":[]}\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        place_write(place, "r", "events.jsonl", "a", lines[i]);
    }
    place_write_bytes(place, "r", "events.jsonl", "a", "\0\0\n", 3);
    memset(text, '[', 3 << 20); /* a line that is too long, and no end of nesting */
    place_write_bytes(place, "r", "events.jsonl", "a", text, 3 << 20);
    place_write(place, "r", "events.jsonl", "a", "\n{\"v\":1,\"event\":\"notice\"}\n");
    free(text);
    place_refresh(place);
    struct aft_json *run = place_run(place, "r");
    assert_non_null(strstr(aft_json_get_string(run, "problem", ""), "events.jsonl: 9 lines"));
    const struct aft_json *timeline = aft_json_get(run, "timeline");
    size_t n = aft_json_length(timeline);
    assert_string_equal(aft_json_get_string(aft_json_at(timeline, n - 1), "event", ""), "notice");
    assert_int_equal(aft_json_length(aft_json_get(run, "sessions")), 1);
    aft_json_destroy(run);
}

static void events__sessions_without_an_end_died(void **state)
{
    struct place *place = *state;
    place_write(place, "r", "events.jsonl", "w",
                START("2026-01-01T00:00:00.000Z", "0")
                "{\"v\":1,\"time\":\"2026-01-01T00:05:00.000Z\",\"event\":\"notice\",\"stage\":1,"
                "\"total_steps\":5}\n" START("2026-01-02T00:00:00.000Z", "5")
                "{\"v\":1,\"time\":\"2026-01-02T01:00:00.000Z\",\"event\":\"run_ended\","
                "\"stage\":2,\"total_steps\":30,\"outcome\":\"complete\",\"exit_code\":0}\n");
    place_refresh(place);
    struct aft_json *run = place_run(place, "r");
    const struct aft_json *sessions = aft_json_get(run, "sessions");
    assert_int_equal(aft_json_length(sessions), 2);
    const struct aft_json *first = aft_json_at(sessions, 0), *second = aft_json_at(sessions, 1);
    assert_string_equal(aft_json_get_string(first, "outcome", ""), "died");
    assert_string_equal(aft_json_get_string(first, "ended", ""), "2026-01-01T00:05:00.000Z");
    assert_int_equal(aft_json_get_integer(first, "end_step", -1), 5);
    assert_int_equal(aft_json_get_integer(second, "start_step", -1), 5);
    assert_int_equal(aft_json_get_integer(second, "end_step", -1), 30);
    assert_int_equal(aft_json_get_integer(second, "end_stage", -1), 2);
    assert_string_equal(aft_json_get_string(second, "outcome", ""), "complete");
    const struct aft_json *stages = aft_json_get(run, "stages");
    assert_int_equal(aft_json_length(stages), 2);
    assert_string_equal(aft_json_get_string(aft_json_at(stages, 1), "name", ""), "s2");
    assert_string_equal(aft_json_get_string(aft_json_at(stages, 1), "state", ""), "waiting");
    aft_json_destroy(run);
}

/* The heartbeat comes every few seconds: the last line may be younger. */
static void events__know_more_of_a_run_that_died_than_an_older_heartbeat(void **state)
{
    struct place *place = *state;
    struct aft_process gone;
    aft_process_self(&gone);
    gone.start_ticks++;
    place_write(place, "r", "events.jsonl", "w",
                START("2026-01-01T00:00:00.000Z", "0")
                "{\"v\":1,\"time\":\"2026-01-01T00:05:00.000Z\",\"event\":\"notice\",\"stage\":2,"
                "\"total_steps\":25}\n");
    place_write_heartbeat(place, "r", &gone, place_now(),
                          "\"exit_code\": null, \"stage\": 1, \"total_steps\": 8,");
    place_refresh(place);
    struct aft_json *run = place_run(place, "r");
    const struct aft_json *session = aft_json_at(aft_json_get(run, "sessions"), 0);
    assert_string_equal(aft_json_get_string(session, "outcome", ""), "died");
    assert_int_equal(aft_json_get_integer(session, "end_step", -1), 25);
    assert_int_equal(aft_json_get_integer(session, "end_stage", -1), 2);
    aft_json_destroy(run);
}

static void expect_last_outcome(const struct place *place, const char *outcome)
{
    struct aft_json *run = place_run(place, "r");
    const struct aft_json *sessions = aft_json_get(run, "sessions");
    const struct aft_json *last = aft_json_at(sessions, aft_json_length(sessions) - 1);
    assert_string_equal(aft_json_get_string(last, "outcome", "(null)"), outcome);
    aft_json_destroy(run);
}

/* A full disk may have taken its last line, or the heartbeat. */
static void events__without_an_end_the_heartbeat_tells_the_outcome(void **state)
{
    struct place *place = *state;
    struct aft_process self;
    aft_process_self(&self);
    place_write(place, "r", "events.jsonl", "w", START("2026-01-01T00:00:00.000Z", "0"));
    place_refresh(place);
    expect_last_outcome(place, "unknown");
    place_write_heartbeat(place, "r", &self, place_now(),
                          "\"state\": \"error\", \"exit_code\": 1,");
    place_refresh(place);
    expect_last_outcome(place, "error");
    place_write_heartbeat(place, "r", &self, place_now(),
                          "\"state\": \"interrupted\", \"exit_code\": 130,");
    place_refresh(place);
    expect_last_outcome(place, "interrupted");
    place_write_heartbeat(place, "r", &self, place_now(), "\"exit_code\": null,");
    place_refresh(place);
    expect_last_outcome(place, "(null)");
}

static void events__without_them_the_steps_of_earlier_stages_are_not_known(void **state)
{
    struct place *place = *state;
    struct aft_process self;
    aft_process_self(&self);
    place_write_heartbeat(place, "r", &self, place_now(),
                          "\"exit_code\": 0, \"stage\": 2, \"step\": 3, \"total_steps\": 13,");
    place_refresh(place);
    struct aft_json *summary = place_summary(place, "r");
    assert_true(aft_json_is_null(aft_json_get(summary, "steps_done")));
    aft_json_destroy(summary);
    place_write(place, "r", "events.jsonl", "w", START("2026-01-01T00:00:00.000Z", "0"));
    place_refresh(place);
    summary = place_summary(place, "r");
    assert_int_equal(aft_json_get_integer(summary, "steps_done", -1), 13);
    aft_json_destroy(summary);
}

#define PART(STEP, OF, SCORE)                                                                      \
    "{\"v\":1,\"event\":\"evaluation\",\"stage\":1,\"attempt\":1,\"step\":" STEP                   \
    ",\"of_stage\":" OF ",\"peak_drift_to_passive\":0.5,\"score\":" SCORE "}\n"

static void events__an_evaluation_is_put_together_from_its_stages(void **state)
{
    struct place *place = *state;
    place_write(place, "r", "events.jsonl", "w",
                PART("10", "1", "null") PART("10", "2", "-0.75") PART("20", "1", "null"));
    place_refresh(place);
    assert_int_equal(length_of(place, "evaluations"), 2);
    place_write(place, "r", "events.jsonl", "a", PART("20", "2", "-0.5")); /* in another refresh */
    /* One that was cut off by a kill, and done again. */
    place_write(place, "r", "events.jsonl", "a",
                PART("30", "1", "null") PART("30", "1", "null") PART("30", "2", "-0.25"));
    place_refresh(place);
    struct aft_json *run = place_run(place, "r");
    const struct aft_json *evaluations = aft_json_get(run, "evaluations");
    assert_int_equal(aft_json_length(evaluations), 4);
    const int parts[] = {2, 2, 1, 2};
    const double scores[] = {-0.75, -0.5, 99, -0.25};
    for (size_t i = 0; i < 4; i++) {
        const struct aft_json *evaluation = aft_json_at(evaluations, i);
        assert_int_equal(aft_json_length(aft_json_get(evaluation, "of_stages")), parts[i]);
        assert_true(aft_json_get_real(evaluation, "score", 99) == scores[i]);
    }
    assert_int_equal(aft_json_length(aft_json_get(run, "timeline")), 0);
    assert_true(aft_json_get_real(run, "peak_drift_to_passive", 0) == 0.5);
    aft_json_destroy(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(events__a_line_counts_once_its_newline_is_there),
        IN_A_PLACE(events__a_file_that_was_replaced_is_read_anew),
        IN_A_PLACE(events__what_is_no_event_is_passed_over_and_told),
        IN_A_PLACE(events__sessions_without_an_end_died),
        IN_A_PLACE(events__know_more_of_a_run_that_died_than_an_older_heartbeat),
        IN_A_PLACE(events__without_an_end_the_heartbeat_tells_the_outcome),
        IN_A_PLACE(events__without_them_the_steps_of_earlier_stages_are_not_known),
        IN_A_PLACE(events__an_evaluation_is_put_together_from_its_stages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
