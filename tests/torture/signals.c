/* (f) SIGINT, SIGTERM, SIGHUP in every phase, once and in bursts. */
#include "tests/torture/examine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PHASES = AFT_PHASE_WAIT + 1, MAX_BURST = 10, STEPS = 24000, ITERATION = 800 };
static const double WAIT_LIMIT_S = 30.0;

struct burst {
    int n;
    int number[MAX_BURST];
    bool to_group; /* as a terminal does, or to the keeper only */
};

struct delays {
    int n;
    double s[2048];
    long in_phase[PHASES];
    long finished; /* tries that came too late */
};

/* Where the signal struck: everything up to there was sealed. Stage 0: nothing was. */
struct moment {
    int stage;
    long long step;
};

static const int stops[] = {SIGINT, SIGTERM, SIGHUP};

static struct burst draw_burst(struct torture *torture, int longest)
{
    struct burst burst = {.n = 1 + (int)torture_chance(torture, (uint64_t)longest)};
    burst.to_group = torture_chance(torture, 2) == 0;
    for (int i = 0; i < burst.n; i++) {
        burst.number[i] = stops[torture_chance(torture, 3)];
    }
    return burst;
}

static void await_moment(struct torture *torture, const struct program *program, bool tiny)
{
    int phase = (int)torture_chance(torture, PHASES);
    int stage = 1 + (int)torture_chance(torture, 2);
    if (phase == AFT_PHASE_START) {
        torture_nap(torture, 0.04);
    } else if (phase == AFT_PHASE_ROLLOUT && !tiny) {
        long long step = ITERATION * (long long)torture_chance(torture, STEPS / ITERATION);
        (void)program_await_step(program, stage, step);
    } else {
        (void)program_await_phase(program, stage, (enum aft_worker_phase)phase);
    }
    if (torture_chance(torture, 2) == 0) {
        torture_nap(torture, tiny ? 0.002 : 0.01);
    }
}

static struct moment note_moment(const struct program *program, struct delays *delays)
{
    struct moment moment = {0};
    struct aft_snapshot_info info;
    enum aft_worker_phase phase = AFT_PHASE_START;
    if (place_peek(program, &info, &phase)) {
        moment.stage = (int)info.stage;
        moment.step = info.step;
    }
    delays->in_phase[phase]++;
    return moment;
}

static double send_burst(struct torture *torture, const struct program *program,
                         const struct burst *burst)
{
    double asked = torture_now_s();
    for (int i = 0; i < burst->n; i++) {
        (void)kill(burst->to_group ? -program->pid : program->pid, burst->number[i]);
        if (i + 1 < burst->n) {
            torture_nap(torture, 0.0005);
        }
    }
    return asked;
}

static bool status_fits(const struct burst *burst, int status)
{
    for (int i = 0; i < burst->n; i++) {
        if (status == 128 + burst->number[i]) {
            return true;
        }
    }
    return false;
}

/* Before main has blocked the signals there is nothing to save, and no run folder. */
static bool died_before_it_began(const struct place *place, int status)
{
    return status > PLACE_SIGNALLED && access(place->run, F_OK) != 0;
}

static void judge(struct row *row, const struct place *place, const struct burst *burst,
                  const struct moment *moment, int status)
{
    char done[160];
    (void)snprintf(done, sizeof done, "%d signal(s) from %s on, at stage %d, step %lld or later",
                   burst->n, sigabbrev_np(burst->number[0]), moment->stage, moment->step);
    examine(row, place, done);
    if (status == 0) {
        return; /* too late: everything was complete */
    }
    if (!status_fits(burst, status) && !died_before_it_began(place, status)) {
        examine_wrong(row, place, done, "it ended with %d", status);
    } else if (moment->stage > 0 && !examine_has_state(place, moment->stage, moment->step)) {
        row->lost++;
        (void)printf("  LOST after %s: what was sealed\n", done);
    }
}

static void try_burst(struct torture *torture, struct row *row, struct place *place,
                      struct delays *delays, int longest)
{
    struct program program;
    bool tiny = place->reference == &torture->tiny;
    struct burst burst = draw_burst(torture, longest);
    place_clear(place);
    place_start(&program, place, torture, NULL, NULL);
    await_moment(torture, &program, tiny);
    struct moment moment = note_moment(&program, delays);
    double asked = send_burst(torture, &program, &burst);
    int status = place_wait(&program, WAIT_LIMIT_S);
    double took_s = torture_now_s() - asked;
    row->tried++;
    judge(row, place, &burst, &moment, status);
    if (status == 0) {
        delays->finished++;
    } else if (delays->n < (int)(sizeof delays->s / sizeof *delays->s)) {
        delays->s[delays->n++] = took_s;
    }
    if (row->tried % 5 == 0) {
        examine_finish(row, place, torture, NULL, "signals");
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void tell_delays(struct row *row, struct delays *delays)
{
    if (delays->n == 0) {
        return;
    }
    qsort(delays->s, (size_t)delays->n, sizeof *delays->s, ascending);
    (void)snprintf(row->figures, sizeof row->figures,
                   "from the signal to the end of the process: 50th percentile %.3f s, 99th %.3f "
                   "s, longest %.3f s (promised: 2 s); start %ld, rollout %ld, update %ld, "
                   "evaluation %ld, seal %ld, save %ld times; %ld came after the end",
                   delays->s[delays->n / 2], delays->s[(int)(0.99 * (delays->n - 1) + 0.5)],
                   delays->s[delays->n - 1], delays->in_phase[AFT_PHASE_START],
                   delays->in_phase[AFT_PHASE_ROLLOUT], delays->in_phase[AFT_PHASE_UPDATE],
                   delays->in_phase[AFT_PHASE_EVALUATION], delays->in_phase[AFT_PHASE_SEAL],
                   delays->in_phase[AFT_PHASE_WAIT], delays->finished);
}

/* The keeper takes 0.3 s to end its worker, which meanwhile completes the stage. */
static void stop_at_end_of_stage(struct torture *torture)
{
    static const char *const slow[] = {
        "strace", "-D",         "-o", "/dev/null",
        "-e",     "trace=kill", "-e", "inject=kill:delay_enter=300000",
        NULL};
    static const struct burst burst = {.n = 1, .number = {SIGINT}};
    struct delays ignored = {0};
    struct place place;
    struct row *row = torture_row(torture, "SIGINT while a stage is just being completed");
    if (torture->no_strace[0] != '\0') {
        (void)snprintf(row->why, sizeof row->why, "%s", torture->no_strace);
        return;
    }
    place_open(&place, torture, PLACE_SMALL);
    for (row->tried = 0; row->tried < (torture->long_form ? 20 : 4); row->tried++) {
        struct program program;
        place_clear(&place);
        place_start(&program, &place, torture, slow, NULL);
        (void)program_await_phase(&program, 1 + (int)(row->tried % 2), AFT_PHASE_EVALUATION);
        struct moment moment = note_moment(&program, &ignored);
        (void)send_burst(torture, &program, &burst);
        judge(row, &place, &burst, &moment, place_wait(&program, WAIT_LIMIT_S));
        examine_finish(row, &place, torture, NULL, "SIGINT at the end of a stage");
    }
    place_close(&place);
}

void attack_with_signals(struct torture *torture)
{
    struct delays delays = {0};
    struct place place;
    struct row *row = torture_row(torture, "one SIGINT, SIGTERM or SIGHUP, in every phase");
    place_open(&place, torture, PLACE_SMALL);
    for (long i = torture->long_form ? 200 : 40; i > 0; i--) {
        try_burst(torture, row, &place, &delays, 1);
    }
    place_close(&place);
    tell_delays(row, &delays);
    memset(&delays, 0, sizeof delays);
    row = torture_row(torture, "bursts of up to 10 signals within 5 ms, in every phase");
    place_open(&place, torture, PLACE_TINY);
    for (long i = torture->long_form ? 1000 : 40; i > 0; i--) {
        try_burst(torture, row, &place, &delays, MAX_BURST);
    }
    place_close(&place);
    tell_delays(row, &delays);
    stop_at_end_of_stage(torture);
}
