#include "curriculum/stage_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double min_magnitude = 2.0;
static const double max_magnitude = 9.5;
static const double min_force_n = 1.0;
static const double max_force_n = 1e9;

/* The length of digits[.digits] at the text's beginning, 0 where there is none. */
static size_t decimal_length(const char *text)
{
    static const char digits[] = "0123456789";
    size_t whole = strspn(text, digits);
    if (whole == 0 || text[whole] != '.') {
        return whole;
    }
    size_t fraction = strspn(text + whole + 1, digits);
    return fraction == 0 ? 0 : whole + 1 + fraction;
}

/* The scaling is left to strtod, so that 0.07 MN and 70 kN are the same bits. */
static double scaled(const char *decimal, size_t length, int exponent)
{
    char text[AFT_MAX_NAME + 8];
    (void)snprintf(text, sizeof text, "%.*se%d", (int)length, decimal, exponent);
    return strtod(text, NULL);
}

static int exponent_of_unit(const char *unit)
{
    if (strcmp(unit, "N") == 0) {
        return 0;
    }
    if (strcmp(unit, "kN") == 0) {
        return 3;
    }
    return strcmp(unit, "MN") == 0 ? 6 : -1;
}

bool aft_stage_name_parse(struct aft_stage *stage, const char *name)
{
    size_t length = strlen(name);
    if (length >= sizeof stage->name || *name != 'M') {
        return false;
    }
    const char *magnitude = name + 1;
    size_t magnitude_length = decimal_length(magnitude);
    if (magnitude_length == 0 || magnitude[magnitude_length] != '@') {
        return false;
    }
    const char *force = magnitude + magnitude_length + 1;
    size_t force_length = decimal_length(force);
    int exponent = exponent_of_unit(force + force_length);
    if (force_length == 0 || exponent < 0) {
        return false;
    }
    double magnitude_value = scaled(magnitude, magnitude_length, 0);
    double force_n = scaled(force, force_length, exponent);
    if (magnitude_value < min_magnitude || magnitude_value > max_magnitude ||
        force_n < min_force_n || force_n > max_force_n) {
        return false;
    }
    memcpy(stage->name, name, length + 1);
    stage->magnitude = magnitude_value;
    stage->force_limit_n = force_n;
    (void)snprintf(stage->force_label, sizeof stage->force_label, "%.10gkN", force_n / 1000.0);
    return true;
}
