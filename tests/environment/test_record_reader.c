#include "fixtures.h"

#include "environment/ground_motion.h"
#include "environment/record_reader.h"
#include "environment/response_spectrum.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RECORDS AFT_SOURCE_DIR "/../shared/records/"

static enum aft_code parse(struct aft_record *record, const char *text, const char *path,
                           struct aft_error *error)
{
    /* an exact copy on the heap, so that a sanitizer sees a read past the end */
    size_t size = strlen(text);
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    enum aft_code code = aft_record_parse(record, copy, size, path, error);
    free(copy);
    return code;
}

static void expect_record(const char *text, const char *path, double dt_s, double second_m_s2)
{
    struct aft_error error;
    struct aft_record record;
    assert_ok(parse(&record, text, path, &error));
    assert_int_equal(record.n, 3);
    assert_near(record.dt_s, dt_s, 1e-9);
    assert_near(record.acceleration_m_s2[1], second_m_s2, 1e-9);
    aft_record_clear(&record);
}

static void expect_mistake(const char *text, const char *path, const char *line, const char *word)
{
    struct aft_error error = {0};
    struct aft_record record;
    enum aft_code code = parse(&record, text, path, &error);
    if (code != AFT_ERR_USAGE || strstr(error.message, line) == NULL ||
        strstr(error.message, word) == NULL || strstr(error.message, path) == NULL) {
        fail_msg("\"%s\" gave %d \"%s\", expected %s and %s", text, (int)code, error.message, line,
                 word);
    }
    assert_null(record.acceleration_m_s2);
}

static const double g = AFT_GRAVITY_M_S2;

static void at2__reads_every_variant_of_the_header(void **state)
{
    (void)state;
    expect_record("a\nb\nUNITS OF G\nNPTS=  3, DT= .02000 SEC\n .1 -.2 .3\n", "x.AT2", 0.02,
                  -.2 * g);
    expect_record("NPTS= 3, dt=  .02000\n .1\n-.2E0\n.3D0", "x.at2", 0.02, -.2 * g);
    expect_record("NPTS=   3, DT=   .0050 SEC,    \n .1 -.2\n .3\n", "x.AT2", 0.005, -.2 * g);
    expect_record("t\n\n\n\n\n3 0.0050 NPTS, DT \r\n0.1 -0.2\r\n0.3\r\n", "x.AT2", 0.005, -.2 * g);
    expect_record("u\r\r\nNPTS= 3, DT= .02 SEC\r\r\n .1 -.2\r\r\n .3\r\r\n", "x.AT2", 0.02,
                  -.2 * g);
    expect_record("npts : 3 dt : 0.01\n .1 -.2 .3 and more text\n", "record.txt", 0.01, -.2 * g);
    expect_record("NPTS= 3, DT= .02\n1,-2,3\n4 5 6\n", "x.AT2", 0.02, -2.0 * g);
}

static void at2__takes_the_units_that_the_header_names(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_record record;
    expect_record("IN UNITS OF CM/S/S\nNPTS= 3, DT= .02\n1 -2 3", "x.AT2", 0.02, -0.02);
    expect_record("acc in m/s2\nNPTS= 3, DT= .02\n1 -2 3", "x.AT2", 0.02, -2.0);
    expect_record("Units of gal\nNPTS= 3, DT= .02\n1 -2 3", "x.AT2", 0.02, -0.02);
    assert_ok(parse(&record, "NPTS= 3, DT= .02\n1 2 3", "x.AT2", &error));
    assert_true(record.units_assumed);
    aft_record_clear(&record);
    assert_ok(parse(&record, "The units are (g)\nNPTS= 3, DT= .02\n1 2 3", "x.AT2", &error));
    assert_false(record.units_assumed);
    aft_record_clear(&record);
}

static void at2__mistakes_name_file_line_and_what_was_expected(void **state)
{
    (void)state;
    expect_mistake("", "x.AT2", "line 0", "NPTS");
    expect_mistake("no header\n1 2 3\n", "x.AT2", "line 2", "NPTS");
    expect_mistake("a\nNPTS= 3\n1 2 3", "x.AT2", "line 2", "DT");
    expect_mistake("NPTS= , DT= .02\n1 2 3", "x.AT2", "line 1", "NPTS= n");
    expect_mistake("NPTS= 4, DT= .02\n1 2 3\n", "x.AT2", "line 3", "found only 3");
    expect_mistake("NPTS= 3, DT= .02\n1 2\nabc 3", "x.AT2", "line 3", "'abc'");
    expect_mistake("NPTS= 3, DT= .02\n1 nan 2", "x.AT2", "line 2", "'nan'");
    expect_mistake("NPTS= 3, DT= .02\n1 inf 2", "x.AT2", "line 2", "number 2 of 3");
    expect_mistake("NPTS= 3, DT= .02\n1 1e999 2", "x.AT2", "line 2", "number 2 of 3");
    expect_mistake("NPTS= 3, DT= .02\n1 0x10 2", "x.AT2", "line 2", "number 2 of 3");
    expect_mistake("NPTS= 3, DT= .02\n1 2-3 4", "x.AT2", "line 2", "number 2 of 3");
    expect_mistake("NPTS= 3, DT= 0\n1 2 3", "x.AT2", "line 1", "DT above 0");
    expect_mistake("NPTS= 3, DT= -.02\n1 2 3", "x.AT2", "line 1", "DT above 0");
    expect_mistake("NPTS= 3, DT= 1e9\n1 2 3", "x.AT2", "line 1", "DT above 0");
    expect_mistake("NPTS= 0, DT= .02\n1 2 3", "x.AT2", "line 1", "NPTS");
    expect_mistake("NPTS= -3, DT= .02\n1 2 3", "x.AT2", "line 1", "NPTS");
    expect_mistake("NPTS= 2.5, DT= .02\n1 2 3", "x.AT2", "line 1", "NPTS");
    expect_mistake("NPTS= 99999999999999, DT= .02\n1 2 3", "x.AT2", "line 1", "NPTS");
    expect_mistake("NPTS= 4000000, DT= .02\n1 2 3", "x.AT2", "line 1", "too short");
}

static void at2__wants_npts_in_the_first_40_lines(void **state)
{
    (void)state;
    char text[256] = "";
    for (int i = 0; i < 39; i++) {
        strcat(text, "x\n");
    }
    char within[300], past[300];
    (void)snprintf(within, sizeof within, "%s3 .02 NPTS, DT\n1 2 3", text);
    (void)snprintf(past, sizeof past, "%sx\n3 .02 NPTS, DT\n1 2 3", text);
    expect_record(within, "x.AT2", 0.02, 2.0 * g);
    expect_mistake(past, "x.AT2", "line 40", "first 40 lines");
}

static void csv__reads_one_and_two_columns(void **state)
{
    (void)state;
    expect_record("# dt = 0.01\n0.1\n-0.2\n0.3\n", "x.csv", 0.01, -.2 * g);
    expect_record("# dt=0.01 s, units: m/s2\n0.1\n-0.2\n0.3", "x.csv", 0.01, -.2);
    expect_record("time_s,acceleration_m_s2\n0,0.1\n0.02,-0.2\n0.04,0.3\n", "x.csv", 0.02, -.2);
    expect_record("time;acceleration_g\r\n0;0.1\r\n0.02;-0.2\r\n0.04;0.3\r\n", "x.csv", 0.02,
                  -.2 * g);
    expect_record("% comment\n0 1\n0.005 -2\n\n0.01 3\n", "y.txt", 0.005, -2.0 * g);
    expect_record("time (s), acc (cm/s2)\n5,1\n5.01,-2\n5.02,3\n", "x.csv", 0.01, -0.02);
    expect_record("dt 0.01\n1\n-2\n3\n", "x.csv", 0.01, -2.0 * g);
}

static void csv__mistakes_name_file_line_and_what_was_expected(void **state)
{
    (void)state;
    expect_mistake("", "x.csv", "line 0", "rows");
    expect_mistake("1\n2\n3\n", "x.csv", "line 3", "dt = SECONDS");
    expect_mistake("# dt = 0\n1\n2\n3\n", "x.csv", "line 4", "dt = SECONDS");
    expect_mistake("# dt = -1\n1\n2\n3\n", "x.csv", "line 4", "DT above 0");
    expect_mistake("0,1\n0.01,x\n0.02,3\n", "x.csv", "line 2", "'x'");
    expect_mistake("0,1\n0.01,nan\n0.02,3\n", "x.csv", "line 2", "'nan'");
    expect_mistake("0,1\n0.01,2\n0.05,3\n", "x.csv", "line 3", "evenly");
    expect_mistake("0,1\n0,2\n0,3\n", "x.csv", "line 2", "DT above 0");
    expect_mistake("0,1\n-0.01,2\n-0.02,3\n", "x.csv", "line 2", "DT above 0");
    expect_mistake("0,1\n0.01,2,3\n", "x.csv", "line 2", "two columns");
    expect_mistake("0,1,2\n", "x.csv", "line 1", "two columns");
    expect_mistake("# dt=.01\n1\n2\n3,4\n", "x.csv", "line 4", "one column");
    expect_mistake("0,1\n", "x.csv", "line 1", "rows");
}

/* Any bytes: an answer or a USAGE error, and nothing read beyond the end. */
static void parse__survives_damaged_files(void **state)
{
    (void)state;
    const char sound[] = "UNITS OF G\nNPTS= 8, DT= .02 SEC\n .1 .2 .3 .4 .5\n .6 .7 .8\n";
    const char table[] = "# dt=0.01\n0.00,1.0\n0.01,2.0\n0.02,3.0\n0.03,1.0\n";
    const char *const texts[2] = {sound, table};
    unsigned seed = 12345;
    for (int round = 0; round < 40000; round++) {
        char text[80];
        const char *from = texts[round % 2];
        size_t size = strlen(from);
        memcpy(text, from, size);
        for (int i = 0; i < 3; i++) {
            seed = seed * 1664525U + 1013904223U;
            text[(seed >> 8) % size] = (char)(seed >> 24);
        }
        size = (seed >> 4) % (size + 1);
        struct aft_error error;
        struct aft_record record;
        char *copy = malloc(size > 0 ? size : 1);
        assert_non_null(copy);
        memcpy(copy, text, size);
        enum aft_code code =
            aft_record_parse(&record, copy, size, round % 3 ? "f" : "f.AT2", &error);
        assert_true(code == AFT_OK || code == AFT_ERR_USAGE);
        for (size_t i = 0; i < record.n; i++) {
            assert_true(isfinite(record.acceleration_m_s2[i]));
        }
        aft_record_clear(&record);
        free(copy);
    }
}

static void read__says_when_there_is_no_file(void **state)
{
    (void)state;
    struct aft_error error;
    struct aft_record record;
    assert_int_equal(aft_record_read(&record, "/nowhere/x.AT2", &error), AFT_ERR_MISSING);
    assert_int_not_equal(aft_record_read(&record, "/tmp", &error), AFT_OK);
}

static void read__takes_all_shared_records(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t n;
        double dt_s, pga_g; /* the largest value in the file, found with awk */
    } records[] = {
        {"A-LAD180.AT2", 7996, 0.005, 0.2483},
        {"A-ZAK360.AT2", 7996, 0.005, 0.3997},
        {"ANLA196.AT2", 1451, 0.02, 0.0398},
        {"ARL360.at2", 2000, 0.02, 0.3081},
        {"Oak_2_50_5_FN.AT2", 7997, 0.005, 0.9099},
        {"RIO270.AT2", 1800, 0.02, 0.3854},
        {"RSN753_LOMAP_CLS000.AT2", 7997, 0.005, 0.6447},
        {"elCentro.AT2", 1559, 0.02, 0.3188},
    };
    if (access(RECORDS "elCentro.AT2", R_OK) != 0) {
        skip();
    }
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        char path[4096];
        struct aft_error error;
        struct aft_record record;
        struct aft_motion_summary summary;
        (void)snprintf(path, sizeof path, "%s%s", RECORDS, records[i].name);
        assert_ok(aft_record_read(&record, path, &error));
        assert_int_equal(record.n, records[i].n);
        assert_near(record.dt_s, records[i].dt_s, 1e-12);
        assert_false(record.units_assumed);
        aft_motion_summarise(&summary, record.acceleration_m_s2, record.n, record.dt_s);
        assert_near(summary.pga_m_s2 / g, records[i].pga_g, 2e-4);
        aft_record_clear(&record);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at2__reads_every_variant_of_the_header),
        cmocka_unit_test(at2__takes_the_units_that_the_header_names),
        cmocka_unit_test(at2__mistakes_name_file_line_and_what_was_expected),
        cmocka_unit_test(at2__wants_npts_in_the_first_40_lines),
        cmocka_unit_test(csv__reads_one_and_two_columns),
        cmocka_unit_test(csv__mistakes_name_file_line_and_what_was_expected),
        cmocka_unit_test(parse__survives_damaged_files),
        cmocka_unit_test(read__says_when_there_is_no_file),
        cmocka_unit_test(read__takes_all_shared_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
