/* How long commands that answer at once take, from exec to exit, beside a program that does
 * nothing. */
#include "base/path.h"
#include "runner/bench/bench.h"
#include "runner/output_file.h"
#include "runner/worker_run.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct command {
    const char *folder; /* a curriculum and nothing else */
    char *argv[3];
};

/* In the folder, with nothing to read and nobody to listen. */
static enum aft_code prepare_spawn(posix_spawn_file_actions_t *actions, const char *folder,
                                   struct aft_error *error)
{
    errno = posix_spawn_file_actions_init(actions);
    if (errno == 0) {
        errno = posix_spawn_file_actions_addchdir_np(actions, folder);
    }
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && errno == 0; fd++) {
        errno = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
    }
    return errno == 0 ? AFT_OK : aft_fail_errno(error, "start a program in '%s'", folder);
}

/* Milliseconds from exec to exit; negative when it could not be started or failed. */
static double run_once(const char *program, char *const *argv,
                       const posix_spawn_file_actions_t *actions)
{
    pid_t pid = 0;
    int status = 0;
    double begin = aft_monotonic_s();
    if (posix_spawnp(&pid, program, actions, NULL, argv, environ) != 0) {
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return status == 0 ? 1e3 * (aft_monotonic_s() - begin) : -1;
}

static enum aft_code burst(void *self, const struct aft_bench_round *round,
                           struct aft_bench_figure *figures, struct aft_error *error)
{
    const struct command *command = self;
    char name[] = "true";
    char *const nothing[] = {name, NULL};
    posix_spawn_file_actions_t actions;
    double sum = 0, bound = 0, elapsed = 0;
    int n = 0;
    enum aft_code code = prepare_spawn(&actions, command->folder, error);
    while (code == AFT_OK && (n == 0 || elapsed < round->seconds) && !aft_bench_stopped()) {
        double own = run_once("/proc/self/exe", command->argv, &actions);
        double other = run_once("true", nothing, &actions);
        if (own < 0 && !aft_bench_stopped()) {
            code = aft_fail(error, AFT_ERR_MISSING, "start 'aftershock %s': it failed",
                            command->argv[1]);
        }
        sum += own;
        bound += other < 0 ? (double)NAN : other;
        elapsed += 1e-3 * (own + fabs(other));
        n++;
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    figures[0] = (struct aft_bench_figure){sum / n, bound / n};
    return code;
}

enum aft_code aft_bench_measure_startup(struct aft_bench *bench, const char *folder,
                                        struct aft_error *error)
{
    static char program[] = "aftershock";
    static char words[][16] = {"--version", "-h", "status"};
    char path[PATH_MAX];
    size_t size = 0;
    const char *ini = aft_bench_curriculum_text(AFT_BENCH_STAGES, &size);
    enum aft_code code = aft_path_join(path, folder, "stages.ini", error);
    if (code == AFT_OK) {
        code = aft_output_file_write(path, ini, size, error);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words && code == AFT_OK; i++) {
        struct command command = {folder, {program, words[i], NULL}};
        const struct aft_bench_result label = {
            .name = "startup", .variant = words[i], .threads = 1, .unit = "ms"};
        const struct aft_bench_subject subject = {&command, 1, false, burst};
        code = aft_bench_measure(bench, &subject, &label, error);
    }
    return code;
}
