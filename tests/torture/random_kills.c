/* (e) Kills at random moments, again and again, until the curriculum completes. */
#include "tests/torture/examine.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { STAGES = 2, ITERATIONS = 30, STEPS_AN_ITERATION = 800, PHASES = AFT_PHASE_WAIT + 1 };
static const double WAIT_LIMIT_S = 60.0;

struct coverage {
    long kills[3]; /* of the group, the worker, the keeper */
    long in_phase[PHASES];
    bool at[STAGES][ITERATIONS + 1];
    int draws;
};

static const char *const latest[] = {"--resume", "latest", NULL};

/* Waits for an iteration of the stage, all in turn, and sometimes for a phase after it; false
 * where the program ended before. */
static bool await_moment(struct torture *torture, const struct program *program, int stage,
                         struct coverage *coverage)
{
    int phase = (int)torture_chance(torture, UINT64_C(2) * PHASES);
    if (phase == AFT_PHASE_START) {
        torture_nap(torture, 0.05);
        return true;
    }
    int iteration = coverage->draws++ * 7 % ITERATIONS;
    if (!program_await_step(program, stage, (long long)iteration * STEPS_AN_ITERATION) ||
        (phase < PHASES && !program_await_phase(program, stage, (enum aft_worker_phase)phase))) {
        return false;
    }
    if (torture_chance(torture, 2) == 0) {
        torture_nap(torture, 0.003);
    }
    return true;
}

/* Where the program is now, just before it is struck. */
static void note_place(struct coverage *coverage, const struct program *program)
{
    struct aft_snapshot_info info;
    enum aft_worker_phase phase = AFT_PHASE_START;
    if (place_peek(program, &info, &phase) && info.stage <= STAGES) {
        coverage->at[info.stage - 1][info.step / STEPS_AN_ITERATION] = true;
    }
    coverage->in_phase[phase]++;
}

/* True where the program is gone by it. */
static bool strike(struct torture *torture, const struct program *program,
                   struct coverage *coverage)
{
    static const int ends[] = {SIGKILL, SIGKILL, SIGSEGV, SIGABRT, SIGBUS};
    int whom = (int)torture_chance(torture, 3);
    int number = ends[torture_chance(torture, sizeof ends / sizeof *ends)];
    note_place(coverage, program);
    if (whom == 1 && program_signal_worker(program, number)) {
        coverage->kills[1]++;
        return false;
    }
    coverage->kills[whom == 0 ? 0 : 2]++;
    (void)kill(whom == 0 ? -program->pid : program->pid, SIGKILL);
    return true;
}

static void run_until_complete(struct torture *torture, struct row *row, struct coverage *coverage,
                               const char *const *arguments)
{
    struct place place;
    struct program program;
    char done[64];
    int kills = 0;
    int wanted = 5 + (int)torture_chance(torture, 4);
    bool complete = false;
    place_open(&place, torture, PLACE_SMALL);
    (void)snprintf(done, sizeof done, "random kills, run %ld", row->tried + 1);
    while (kills < wanted && !complete) {
        place_start(&program, &place, torture, NULL, arguments);
        bool gone = false;
        while (!gone && kills < wanted &&
               await_moment(torture, &program, kills < wanted / 2 ? 1 : 2, coverage)) {
            gone = strike(torture, &program, coverage);
            kills++;
        }
        int status = place_wait(&program, WAIT_LIMIT_S);
        complete = status == 0;
        bool gave_up = status == 1 && place_said(&place, "training failed: the worker was ended");
        if (status != 0 && status != PLACE_SIGNALLED + SIGKILL && !gave_up) {
            examine_wrong(row, &place, done, "the program ended with %d", status);
            break;
        }
        examine(row, &place, done);
    }
    examine_finish(row, &place, torture, arguments, done);
    row->tried++;
    place_close(&place);
}

void attack_with_random_kills(struct torture *torture)
{
    struct coverage coverage = {0};
    struct row *row =
        torture_row(torture, "runs killed at random (all, worker or keeper) until complete");
    long runs = torture->long_form ? 100 : 10;
    for (long i = 0; i < runs; i++) {
        bool from_latest = torture->resumes_latest && i % 2 == 1;
        run_until_complete(torture, row, &coverage, from_latest ? latest : NULL);
    }
    int iterations = 0;
    for (int i = 0; i < STAGES * (ITERATIONS + 1); i++) {
        iterations += coverage.at[i / (ITERATIONS + 1)][i % (ITERATIONS + 1)];
    }
    (void)snprintf(
        row->figures, sizeof row->figures,
        "%ld kills of everything, %ld of the worker, %ld of the keeper; at %d of %d "
        "iteration boundaries, and in the phases start %ld, rollout %ld, update %ld, evaluation "
        "%ld, seal %ld, save %ld times",
        coverage.kills[0], coverage.kills[1], coverage.kills[2], iterations,
        STAGES * (ITERATIONS + 1), coverage.in_phase[AFT_PHASE_START],
        coverage.in_phase[AFT_PHASE_ROLLOUT], coverage.in_phase[AFT_PHASE_UPDATE],
        coverage.in_phase[AFT_PHASE_EVALUATION], coverage.in_phase[AFT_PHASE_SEAL],
        coverage.in_phase[AFT_PHASE_WAIT]);
    if (!torture->resumes_latest) {
        (void)snprintf(row->why, sizeof row->why,
                       "not with --resume latest: this version does not know it");
    }
}
