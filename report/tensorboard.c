/*
 * Event files for TensorBoard: an iteration's figures under Stable-Baselines3's
 * tags and ours, evaluations, and what happened to the run as text.
 *
 * No tag has a step twice, over all files of the run. Figures have the step of
 * their iteration. Texts are gathered for a step and written once training is
 * beyond it, or at the end; those before a process's first iteration are joined
 * to that one's, as the step before may have had its texts from the process that
 * was resumed. What a kill takes with it stands in run.log.
 */
#include "base/error.h"
#include "report/event_file.h"
#include "report/iteration_figures.h"
#include "report/observers.h"
#include "report/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXT_SIZE = 16384, TAG_SIZE = 96 };
static const char score_tag[] = "eval/mean_reward"; /* Stable-Baselines3's */

enum { TEXT_STAGE, TEXT_EVENTS, N_TEXTS };
static const char *const text_tags[N_TEXTS] = {"run/stage", "run/events"};

struct tensorboard {
    char folder[PATH_MAX];
    struct aft_event_file *file; /* NULL: not begun, or not to be had (failed) */
    bool failed;
    int64_t newest_file;
    int64_t start_step;     /* that this process goes on from */
    int64_t step;           /* of the last iteration */
    double unix_time;       /* of the last event */
    int64_t evaluated_step; /* whose evaluation is there already; -1: none */
    double peaks, lengths;  /* sums over the stages of the evaluation that is told of */
    char texts[N_TEXTS][TEXT_SIZE];
};

static bool begin_file(struct tensorboard *board)
{
    struct aft_error error;
    if (board->file != NULL || board->failed) {
        return board->file != NULL;
    }
    struct aft_event_file *file = calloc(1, sizeof *file);
    enum aft_code code = file != NULL
                             ? aft_event_file_create(file, board->folder, board->newest_file,
                                                     board->start_step + 1, &error)
                             : aft_fail(&error, AFT_ERR_MEMORY, "write event file: out of memory");
    if (code != AFT_OK) {
        (void)fprintf(stderr, "warning: %s; training goes on without TensorBoard's files\n",
                      error.message);
        free(file);
        board->failed = true;
        return false;
    }
    board->file = file;
    return true;
}

static void write_texts(struct tensorboard *board)
{
    if (board->step == board->start_step || !begin_file(board)) {
        return;
    }
    aft_event_file_begin(board->file, board->unix_time, board->step);
    bool any = false;
    for (int i = 0; i < N_TEXTS; i++) {
        if (board->texts[i][0] != '\0') {
            aft_event_file_text(board->file, text_tags[i], board->texts[i]);
            board->texts[i][0] = '\0';
            any = true;
        }
    }
    if (any) {
        aft_event_file_write(board->file);
    }
}

static void write_iteration(struct tensorboard *board, const struct aft_event *event)
{
    struct aft_figure figures[AFT_MAX_FIGURES];
    if (event->total_step <= board->step) {
        return; /* never told of by a keeper: what was delivered is not taken back */
    }
    write_texts(board);
    board->step = event->total_step;
    if (!begin_file(board)) {
        return;
    }
    int n = aft_iteration_figures(figures, event);
    aft_event_file_begin(board->file, event->unix_time, event->total_step);
    for (int i = 0; i < n; i++) {
        if (!figures[i].plain) {
            aft_event_file_scalar(board->file, figures[i].name,
                                  figures[i].whole ? (double)figures[i].integer : figures[i].real);
        }
    }
    aft_event_file_write(board->file);
}

static void put_stage_figures(struct tensorboard *board,
                              const struct aft_event_evaluation *evaluation)
{
    const struct {
        const char *name;
        double value;
    } figures[] = {
        {"peak_drift_to_passive", evaluation->peak_drift_to_passive},
        {"rms_drift_to_passive", evaluation->rms_drift_to_passive},
        {"worst_peak_to_passive", evaluation->worst_peak_to_passive},
        {"uncontrolled_peak_to_passive", evaluation->uncontrolled_peak_to_passive},
        {"stroke_max_m", evaluation->stroke_max_m},
        {"power_max_w", evaluation->power_max_w},
        {"lqr_peak_to_passive", evaluation->lqr_peak_to_passive},
        {"lqr_rms_to_passive", evaluation->lqr_rms_to_passive},
        {"lqg_peak_to_passive", evaluation->lqg_peak_to_passive},
        {"lqg_rms_to_passive", evaluation->lqg_rms_to_passive},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        char tag[TAG_SIZE];
        (void)snprintf(tag, sizeof tag, "eval/%s/stage%d", figures[i].name, evaluation->of_stage);
        aft_event_file_scalar(board->file, tag, figures[i].value);
    }
}

/* One record for the whole evaluation: a kill leaves all of it, or nothing. */
static void write_evaluation(struct tensorboard *board, const struct aft_event *event)
{
    const struct aft_event_evaluation *evaluation = &event->u.evaluation;
    if (event->total_step == board->evaluated_step || !begin_file(board)) {
        return; /* the same state, evaluated again */
    }
    if (evaluation->of_stage == 1) {
        aft_event_file_begin(board->file, event->unix_time, event->total_step);
        board->peaks = board->lengths = 0;
    }
    put_stage_figures(board, evaluation);
    board->peaks += evaluation->peak_drift_to_passive;
    board->lengths += evaluation->mean_length;
    if (evaluation->of_stage == evaluation->n_stages) {
        aft_event_file_scalar(board->file, score_tag, -board->peaks / evaluation->n_stages);
        aft_event_file_scalar(board->file, "eval/mean_ep_length",
                              board->lengths / evaluation->n_stages);
        aft_event_file_write(board->file);
        board->evaluated_step = event->total_step;
    }
}

/* Below what the text has already; what does not fit is left out. */
static void add_text(struct tensorboard *board, int which, const char *text)
{
    size_t used = strlen(board->texts[which]);
    if (used + strlen(text) + 8 < TEXT_SIZE) {
        (void)snprintf(board->texts[which] + used, TEXT_SIZE - used, "%s%s", used > 0 ? "\n" : "",
                       text);
    }
}

static void add_news(struct tensorboard *board, const struct aft_event *event)
{
    char text[AFT_TEXT_SIZE], line[AFT_TEXT_SIZE + 64], when[32] = "";
    time_t seconds = (time_t)floor(event->unix_time);
    struct tm utc;
    aft_text_event(text, event);
    if (gmtime_r(&seconds, &utc)) {
        (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &utc);
    }
    (void)snprintf(line, sizeof line, "- %s: %s%s", when,
                   event->type == AFT_EVENT_INCIDENT ? "**incident** " : "", text);
    add_text(board, TEXT_EVENTS, line);
}

static void add_stage(struct tensorboard *board, const struct aft_event *event)
{
    const struct aft_event_stage *stage = &event->u.begins;
    char text[2048];
    (void)snprintf(text, sizeof text,
                   "%s| stage %d, attempt %d | %s |\n|---|---|\n| force limit | %g kN |\n"
                   "| magnitude | %g |\n| timesteps | %lld |\n| network | %s |\n"
                   "| n_envs | %d |\n| n_steps | %d |\n| batch_size | %d |\n| n_epochs | %d |\n"
                   "| learning_rate | %g to %g |\n| ent_coef | %g to %g |\n",
                   board->texts[TEXT_STAGE][0] != '\0' ? "\n" : "", event->stage, stage->attempt,
                   stage->name, stage->force_limit_n / 1e3, stage->magnitude,
                   (long long)stage->timesteps, stage->network, stage->n_envs, stage->n_steps,
                   stage->batch_size, stage->n_epochs, stage->learning_rate,
                   stage->final_learning_rate, stage->ent_coef, stage->final_ent_coef);
    add_text(board, TEXT_STAGE, text);
}

static bool is_checkpoint(const struct aft_event *event)
{
    return event->type == AFT_EVENT_ARCHIVE && strcmp(event->u.archive.kind, "checkpoint") == 0;
}

static void on_event(void *self, const struct aft_event *event)
{
    struct tensorboard *board = self;
    if (event->type == AFT_EVENT_ITERATION) {
        write_iteration(board, event);
    } else if (event->type == AFT_EVENT_EVALUATION) {
        write_evaluation(board, event);
    } else if (event->type == AFT_EVENT_STAGE_BEGINS) {
        add_stage(board, event);
    } else if (!aft_event_is_data(event) && !is_checkpoint(event)) {
        add_news(board, event);
    }
    board->unix_time = event->unix_time;
}

static void destroy(void *self)
{
    struct tensorboard *board = self;
    write_texts(board);
    if (board->file != NULL) {
        aft_event_file_close(board->file);
    }
    free(board->file);
    free(board);
}

enum aft_code aft_tensorboard_create(struct aft_observer *observer, const char *folder,
                                     int64_t keep_total_step, struct aft_error *error)
{
    struct tensorboard *board = calloc(1, sizeof *board);
    struct aft_event_files found;
    if (board == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "write event files in '%s': out of memory", folder);
    }
    enum aft_code code = aft_event_files_trim(&found, folder, keep_total_step, score_tag, error);
    if (code != AFT_OK) {
        free(board);
        return code;
    }
    (void)snprintf(board->folder, sizeof board->folder, "%s", folder);
    board->newest_file = found.newest;
    board->start_step = board->step = keep_total_step;
    board->evaluated_step = found.has_tag ? keep_total_step : -1;
    *observer = (struct aft_observer){.self = board, .on_event = on_event, .destroy = destroy};
    return AFT_OK;
}
