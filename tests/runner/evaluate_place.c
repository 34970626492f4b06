#include "tests/runner/evaluate_place.h"

#include "base/file.h"
#include "tests/runner/program.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_TEXT = 1 << 24, SAMPLES = 181 };

char evaluate_folder[PATH_MAX];

const struct outcome *evaluate(const char *arguments)
{
    char line[512];
    (void)snprintf(line, sizeof line, "evaluate a.zip %.480s", arguments);
    return run_in(evaluate_folder, line);
}

struct aft_json *evaluate_json(const char *arguments)
{
    char line[512];
    (void)snprintf(line, sizeof line, "%.480s --json", arguments);
    const struct outcome *outcome = evaluate(line);
    if (outcome->code != 0) {
        fail_msg("'%s': code %d: %s", line, outcome->code, outcome->err);
    }
    return parse_output(outcome);
}

char *evaluate_read_text(const char *name)
{
    char path[PATH_MAX], *text = NULL;
    size_t size = 0;
    assert_true(snprintf(path, sizeof path, "%.3000s/%s", evaluate_folder, name) < PATH_MAX);
    assert_int_equal(aft_file_read(&text, &size, path, MAX_TEXT, NULL), AFT_OK);
    return text;
}

/* Records: a few seconds of a sine at the building's first period. */
static double sine_g(int sample)
{
    return 0.1 * sin(6.283185307179586 * sample * 0.02 / 1.2);
}

static void write_csv_record(const char *name)
{
    char text[SAMPLES * 32] = "time_s,acceleration_g\n";
    size_t at = strlen(text);
    for (int i = 0; i < SAMPLES; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%.2f,%.9f\n", i * 0.02, sine_g(i));
    }
    write_text(evaluate_folder, name, text);
}

static void write_at2_record(const char *name)
{
    char text[SAMPLES * 32];
    size_t at = (size_t)snprintf(text, sizeof text,
                                 "PEER NGA\nA sine\nACCELERATION TIME SERIES IN UNITS OF G\n"
                                 "NPTS=  %d, DT=   .0200 SEC\n",
                                 SAMPLES);
    for (int i = 0; i < SAMPLES; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "  %.8E%s", sine_g(i),
                               i % 5 == 4 ? "\n" : "");
    }
    (void)snprintf(text + at, sizeof text - at, "\n");
    write_text(evaluate_folder, name, text);
}

bool evaluate_place_open(void)
{
    char curriculum[PATH_MAX], command[2 * PATH_MAX];
    program_make_folder(evaluate_folder);
    program_write_curriculum(curriculum, evaluate_folder, "small.ini");
    if (program_train(evaluate_folder, curriculum, NULL) != 0) {
        program_show_output(evaluate_folder);
        return false;
    }
    (void)snprintf(command, sizeof command,
                   "cd '%s' && mv models/small/final_small.zip a.zip && mkdir records",
                   evaluate_folder);
    if (system(command) != 0) {
        return false;
    }
    write_csv_record("records/sine.csv");
    write_at2_record("records/sine.AT2");
    return true;
}

void evaluate_place_close(void)
{
    program_remove_folder(evaluate_folder);
}
