#include "runner/train_seeds.h"

#include "curriculum/curriculum.h"
#include "recovery/keeper.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OF_A_SEED = 2, LONGEST_OVERRIDE = AFT_MAX_NAME + 64 };

struct seeds {
    const struct aft_train_options *options;
    char name[AFT_MAX_NAME]; /* of the curriculum's run */
    uint64_t first;
    int n;
    const char **overrides; /* the user's, then a seed's own two */
    char own[OF_A_SEED][LONGEST_OVERRIDE];
};

static void name_seed(struct seeds *seeds, uint64_t seed)
{
    (void)snprintf(seeds->own[0], LONGEST_OVERRIDE, "run.name=%s" AFT_SEED_SUFFIX "%" PRIu64,
                   seeds->name, seed);
    (void)snprintf(seeds->own[1], LONGEST_OVERRIDE, "run.seed=%" PRIu64, seed);
}

static enum aft_code make_overrides(struct seeds *seeds, struct aft_error *error)
{
    size_t n = (size_t)seeds->options->n_overrides;
    seeds->overrides = calloc(n + OF_A_SEED, sizeof *seeds->overrides);
    if (seeds->overrides == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "--seeds: out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        seeds->overrides[i] = seeds->options->overrides[i];
    }
    for (size_t i = 0; i < OF_A_SEED; i++) {
        seeds->overrides[n + i] = seeds->own[i];
    }
    return AFT_OK;
}

/* Name and first seed, from the curriculum. It is read for the last seed too: what is too
 * long a name or too large a seed there is said before the first begins. */
static enum aft_code read_seeds(struct seeds *seeds, struct aft_error *error)
{
    const struct aft_train_options *options = seeds->options;
    struct aft_curriculum *curriculum = NULL;
    enum aft_code code = aft_curriculum_load(&curriculum, options->curriculum_path,
                                             options->overrides, options->n_overrides, error);
    if (code != AFT_OK) {
        return code;
    }
    (void)snprintf(seeds->name, sizeof seeds->name, "%s", curriculum->run.name);
    seeds->first = curriculum->run.seed;
    aft_curriculum_destroy(curriculum);
    code = make_overrides(seeds, error);
    if (code != AFT_OK) {
        return code;
    }
    name_seed(seeds, seeds->first + (uint64_t)seeds->n - 1);
    code = aft_curriculum_load(&curriculum, options->curriculum_path, seeds->overrides,
                               options->n_overrides + OF_A_SEED, error);
    if (code == AFT_OK) {
        aft_curriculum_destroy(curriculum);
    }
    return code;
}

/* A signal that asks to stop and came while no keeper was there to take it; 0: none. */
static int take_stop_signal(void)
{
    static const int stopping[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR2};
    const struct timespec at_once = {0};
    sigset_t pending, wanted;
    (void)sigemptyset(&wanted);
    (void)sigpending(&pending);
    for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++) {
        if (sigismember(&pending, stopping[i]) == 1) {
            (void)sigaddset(&wanted, stopping[i]);
        }
    }
    int taken = sigtimedwait(&wanted, NULL, &at_once);
    return taken > 0 ? taken : 0;
}

static int exit_code_of_signal(int number)
{
    return number == SIGUSR2 ? AFT_EXIT_CHECKPOINTED : 128 + number;
}

/* Trains the seed at that place; *stopped_by is the signal that asked to stop, or 0: a
 * run may come to its end nevertheless. */
static int train_seed(int *stopped_by, struct seeds *seeds, int index)
{
    uint64_t seed = seeds->first + (uint64_t)index;
    struct aft_train_options options = *seeds->options;
    *stopped_by = 0;
    name_seed(seeds, seed);
    options.overrides = seeds->overrides;
    options.n_overrides += OF_A_SEED;
    options.stopped_by = stopped_by;
    (void)printf("Seed %" PRIu64 " (%d of %d)\n", seed, index + 1, seeds->n);
    (void)fflush(stdout);
    int code = aft_run_train(&options);
    if (*stopped_by == 0) {
        *stopped_by = take_stop_signal();
    }
    return code;
}

static void tell_end(const struct seeds *seeds, int done, int code)
{
    uint64_t last = seeds->first + (uint64_t)seeds->n - 1;
    const char *models = seeds->options->models_dir;
    if (code == AFT_EXIT_OK && !seeds->options->dry_run) {
        char up_to[48] = "";
        if (seeds->options->stop_after_stage > 0) {
            (void)snprintf(up_to, sizeof up_to, " up to stage %d",
                           seeds->options->stop_after_stage);
        }
        (void)printf("All %d seeds are done%s (%" PRIu64 " to %" PRIu64
                     "): aftershock compare %s/%s" AFT_SEED_SUFFIX "*\n",
                     seeds->n, up_to, seeds->first, last, models, seeds->name);
    } else if (code != AFT_EXIT_OK) {
        (void)fprintf(
            stderr,
            "aftershock: %d of %d seeds done; the same command%s goes on with seed %" PRIu64 "\n",
            done, seeds->n, code == AFT_EXIT_CHECKPOINTED ? " with --resume latest" : "",
            seeds->first + (uint64_t)done);
    }
}

int aft_run_train_seeds(const struct aft_train_options *options, int n)
{
    struct seeds seeds = {.options = options, .n = n};
    struct aft_error error;
    int code = AFT_EXIT_OK;
    int done = 0;
    aft_keeper_block_signals();
    if (read_seeds(&seeds, &error) != AFT_OK) {
        (void)fprintf(stderr, "aftershock: %s\n", error.message);
        code = error.code == AFT_ERR_USAGE ? AFT_EXIT_USAGE : AFT_EXIT_FAILED;
    } else {
        while (done < n && code == AFT_EXIT_OK) {
            int stopped_by;
            code = train_seed(&stopped_by, &seeds, done);
            done += code == AFT_EXIT_OK;
            if (code == AFT_EXIT_OK && stopped_by != 0 && done < n) {
                code = exit_code_of_signal(stopped_by);
            }
        }
        tell_end(&seeds, done, code);
    }
    free(seeds.overrides);
    return code;
}
