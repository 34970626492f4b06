/* Draws the progress line; knows nothing of terminals but a width. */
#include "report/progress_bar.h"

#include "report/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_BAR = 40, MIN_BAR = 5, HEAD_SIZE = 128, TAIL_SIZE = 384 };

static double fraction_of(const struct aft_progress *progress)
{
    if (progress->timesteps <= 0) {
        return 0;
    }
    double fraction = (double)progress->step / (double)progress->timesteps;
    return fmin(1.0, fmax(0.0, fraction));
}

double aft_progress_seconds_left(const struct aft_progress *progress)
{
    if (!isfinite(progress->steps_per_s) || progress->steps_per_s <= 0) {
        return (double)NAN;
    }
    double left = (double)(progress->timesteps - progress->step) / progress->steps_per_s;
    return fmax(0.0, left - fmax(0.0, progress->since_s));
}

static void draw(char *out, size_t size, double fraction, int cells, bool utf8)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int units = (int)(fraction * cells * 8), full = units / 8, part = utf8 ? units % 8 : 0;
    size_t used = 0;
    for (int i = 0; i < cells && used + 4 < size; i++) {
        const char *cell = i < full                ? (utf8 ? "█" : "#")
                           : i == full && part > 0 ? eighths[part]
                           : utf8                  ? " "
                                                   : "-";
        used += (size_t)snprintf(out + used, size - used, "%s", cell);
    }
}

static void head_of(char out[HEAD_SIZE], const struct aft_progress *progress)
{
    if (progress->n_stages > 0) {
        (void)snprintf(out, HEAD_SIZE, "Stage %d/%d %s", progress->stage, progress->n_stages,
                       progress->name);
    } else {
        (void)snprintf(out, HEAD_SIZE, "Stage %d %s", progress->stage, progress->name);
    }
}

/* level 0 says all; each level above drops something */
static void tail_of(char out[TAIL_SIZE], const struct aft_progress *progress, int level)
{
    char step[AFT_TEXT_NUMBER], of[AFT_TEXT_NUMBER], rate[AFT_TEXT_NUMBER], left[AFT_TEXT_NUMBER];
    char reward[48] = "";
    aft_text_rate(step, (double)progress->step);
    aft_text_rate(of, (double)progress->timesteps);
    aft_text_rate(rate, progress->steps_per_s);
    aft_text_duration(left, aft_progress_seconds_left(progress));
    double percent = floor(1000 * fraction_of(progress)) / 10;
    if (isfinite(progress->reward)) {
        (void)snprintf(reward, sizeof reward, "  reward %.3g", progress->reward);
    }
    if (level == 0) {
        (void)snprintf(out, TAIL_SIZE, "%5.1f%%  %s/%s  %s steps/s  %s left%s", percent, step, of,
                       rate, left, reward);
    } else if (level == 1) {
        (void)snprintf(out, TAIL_SIZE, "%5.1f%%  %s steps/s  %s left", percent, rate, left);
    } else {
        (void)snprintf(out, TAIL_SIZE, "%5.1f%%  %s left", percent, left);
    }
}

void aft_progress_bar(char out[AFT_PROGRESS_LINE_SIZE], const struct aft_progress *progress,
                      int columns, bool utf8)
{
    char head[HEAD_SIZE], tail[TAIL_SIZE], cells[MAX_BAR * 4 + 1] = "";
    if (columns > AFT_PROGRESS_LINE_SIZE / 4) {
        columns = AFT_PROGRESS_LINE_SIZE / 4;
    }
    head_of(head, progress);
    int bar = 0, level = 0;
    for (;; level++) {
        tail_of(tail, progress, level);
        bar = columns - (int)strlen(head) - (int)strlen(tail) - 4; /* " [" and "] " */
        if (bar >= MIN_BAR || level == 2) {
            break;
        }
    }
    int width;
    if (bar >= MIN_BAR) {
        bar = bar > MAX_BAR ? MAX_BAR : bar;
        draw(cells, sizeof cells, fraction_of(progress), bar, utf8);
        (void)snprintf(out, AFT_PROGRESS_LINE_SIZE, "%s [%s] %s", head, cells, tail);
        width = (int)strlen(head) + bar + 4 + (int)strlen(tail);
    } else {
        width = snprintf(out, AFT_PROGRESS_LINE_SIZE, "%s %s", head, tail);
        if (width > columns && columns >= 0) {
            out[width = columns] = '\0';
        }
    }
    size_t used = strlen(out);
    for (; width < columns && used + 1 < AFT_PROGRESS_LINE_SIZE; width++) {
        out[used++] = ' ';
    }
    out[used] = '\0';
}

void aft_progress_plain(char out[AFT_PROGRESS_LINE_SIZE], const struct aft_progress *progress)
{
    char head[HEAD_SIZE], tail[TAIL_SIZE];
    head_of(head, progress);
    tail_of(tail, progress, 0);
    (void)snprintf(out, AFT_PROGRESS_LINE_SIZE, "%s: %s", head, tail + strspn(tail, " "));
}
