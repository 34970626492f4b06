#include "tests/runner/program.h"

#include "recovery/archive.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_ARGUMENTS = 32, WAIT_LIMIT_S = 120 };

static const char SMALL_CURRICULUM[] =
    "[run]\nname = small\nseed = 7\n"
    "[environment]\nn_envs = 16\nepisode_s = 4\n"
    "[ground_motion]\ndistance_km = 5\n"
    "[ppo]\nnetwork = 16,16\nn_steps = 50\nbatch_size = 200\nn_epochs = 4\n"
    "[evaluation]\nmotions = 4\ntail_s = 2\n"
    "[recovery]\ncheckpoint_every_s = 0\n"
    "[stage M4.5@50kN]\ntimesteps = 24000\n"
    "[stage M5.7@100kN]\ntimesteps = 24000\n";

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void nap(void)
{
    struct timespec moment = {.tv_nsec = 200 * 1000};
    (void)nanosleep(&moment, NULL);
}

static void join(char path[PATH_MAX], const char *folder, const char *name)
{
    assert_true(snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX);
}

void program_make_folder(char folder[PATH_MAX])
{
    const char *base = getenv("TMPDIR");
    assert_true(snprintf(folder, PATH_MAX, "%s/aftershock-test-XXXXXX",
                         base != NULL ? base : "/tmp") < PATH_MAX);
    assert_non_null(mkdtemp(folder));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void program_remove_folder(const char *folder)
{
    (void)nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void program_write_curriculum(char path[PATH_MAX], const char *folder, const char *name)
{
    join(path, folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(SMALL_CURRICULUM, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void become_train(const char *output, char *const *arguments)
{
    int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || setpgid(0, 0) != 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) {
        _exit(126);
    }
    (void)execv(AFT_BUILD_DIR "/aftershock", arguments);
    _exit(127);
}

void program_start_train(struct program *program, const char *folder, const char *curriculum,
                         const char *const *arguments)
{
    char models[PATH_MAX];
    char own[MAX_ARGUMENTS][PATH_MAX];
    char *list[MAX_ARGUMENTS + 1] = {NULL};
    const char *const first[] = {"aftershock", "train", curriculum, "--models", models};
    int n = 0;
    join(models, folder, "models");
    join(program->output, folder, "output.txt");
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        (void)snprintf(own[n], PATH_MAX, "%s", first[i]);
        n++;
    }
    for (int i = 0; arguments != NULL && arguments[i] != NULL; i++) {
        assert_true(n < MAX_ARGUMENTS);
        (void)snprintf(own[n], PATH_MAX, "%s", arguments[i]);
        n++;
    }
    for (int i = 0; i < n; i++) {
        list[i] = own[i];
    }
    program->pid = fork();
    assert_true(program->pid >= 0);
    if (program->pid == 0) {
        become_train(program->output, list);
    }
    (void)setpgid(program->pid, program->pid);
}

int program_wait(struct program *program)
{
    int status = 0;
    double limit = now_s() + WAIT_LIMIT_S;
    while (waitpid(program->pid, &status, WNOHANG) == 0) {
        if (now_s() > limit) {
            (void)kill(-program->pid, SIGKILL);
            (void)waitpid(program->pid, &status, 0);
            fail_msg("the program did not end within %d s", WAIT_LIMIT_S);
        }
        nap();
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int program_train(const char *folder, const char *curriculum, const char *const *arguments)
{
    struct program program;
    program_start_train(&program, folder, curriculum, arguments);
    return program_wait(&program);
}

static char *read_output(const char *folder)
{
    char path[PATH_MAX];
    static char text[1 << 16];
    join(path, folder, "output.txt");
    FILE *file = fopen(path, "r");
    size_t n = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    text[n] = '\0';
    if (file != NULL) {
        (void)fclose(file);
    }
    return text;
}

bool program_said(const char *folder, const char *text)
{
    return strstr(read_output(folder), text) != NULL;
}

int program_times_said(const char *folder, const char *text)
{
    int n = 0;
    for (const char *at = read_output(folder); (at = strstr(at, text)) != NULL; at++) {
        n++;
    }
    return n;
}

void program_show_output(const char *folder)
{
    (void)fputs(read_output(folder), stderr);
}

pid_t program_worker(const struct program *program)
{
    char path[64];
    int child = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)program->pid,
                   (int)program->pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "%d", &child) != 1) {
        child = 0;
    }
    (void)fclose(file);
    return child;
}

bool program_signal_worker(const struct program *program, int number)
{
    pid_t worker = program_worker(program);
    return worker > 0 && kill(worker, number) == 0;
}

static bool has_ended(const struct program *program)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)program->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid != 0;
}

bool program_await_said(const struct program *program, const char *folder, const char *text)
{
    while (!program_said(folder, text) && !has_ended(program)) {
        nap();
    }
    return program_said(folder, text);
}

bool program_replace_worker(const struct program *program)
{
    pid_t before = program_worker(program);
    if (before <= 0 || kill(before, SIGKILL) != 0) {
        return false;
    }
    pid_t now = before;
    while ((now == before || now == 0) && !has_ended(program)) {
        nap();
        now = program_worker(program);
    }
    return true;
}

/* The keeper's snapshot region, as the keeper has it mapped. */
static struct aft_snapshot_region *look_into(const struct program *program)
{
    char folder[64];
    char path[PATH_MAX];
    char target[PATH_MAX];
    struct aft_snapshot_region *region = NULL;
    (void)snprintf(folder, sizeof folder, "/proc/%d/fd", (int)program->pid);
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return NULL;
    }
    for (struct dirent *entry = readdir(stream); entry != NULL && region == NULL;
         entry = readdir(stream)) {
        join(path, folder, entry->d_name);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n > 0 && strncmp(target, "/memfd:aftershock-snapshot",
                             strlen("/memfd:aftershock-snapshot")) == 0) {
            int fd = open(path, O_RDWR | O_CLOEXEC);
            if (fd >= 0 && aft_snapshot_attach(&region, fd, -1, -1, NULL) != AFT_OK) {
                (void)close(fd);
                region = NULL;
            }
        }
    }
    (void)closedir(stream);
    return region;
}

static struct aft_snapshot_region *await_region(const struct program *program)
{
    struct aft_snapshot_region *region = look_into(program);
    while (region == NULL && !has_ended(program)) {
        nap();
        region = look_into(program);
    }
    return region;
}

static bool in_stage(const struct aft_snapshot_region *region, int stage)
{
    struct aft_snapshot_info info;
    return aft_snapshot_peek(region, &info) && info.stage == stage;
}

bool program_await_phase(const struct program *program, int stage, enum aft_worker_phase phase)
{
    struct aft_snapshot_region *region = await_region(program);
    bool seen = false;
    while (region != NULL && !seen && !has_ended(program)) {
        seen = in_stage(region, stage) && aft_worker_phase(region) == phase;
        if (!seen && phase != AFT_PHASE_SEAL && phase != AFT_PHASE_WAIT) {
            nap(); /* short phases are watched for without a pause */
        }
    }
    aft_snapshot_destroy(region);
    return seen;
}

static bool is_beyond(const struct aft_snapshot_info *info, int stage, int attempt, long long step)
{
    return info->stage == stage &&
           (info->attempt > attempt || (info->attempt == attempt && info->step >= step));
}

bool program_await_attempt(const struct program *program, int stage, int attempt, long long step)
{
    struct aft_snapshot_region *region = await_region(program);
    bool seen = false;
    while (region != NULL && !seen && !has_ended(program)) {
        struct aft_snapshot_info info;
        seen = aft_snapshot_peek(region, &info) && is_beyond(&info, stage, attempt, step);
        if (!seen) {
            nap();
        }
    }
    aft_snapshot_destroy(region);
    return seen;
}

bool program_await_step(const struct program *program, int stage, long long step)
{
    return program_await_attempt(program, stage, 1, step);
}

void program_hash_of(char hex[AFT_SHA256_HEX_SIZE], const char *folder, const char *archive)
{
    char path[PATH_MAX];
    struct aft_archive *opened = NULL;
    const struct aft_archive_tensor *tensors = NULL;
    struct aft_error error = {0};
    join(path, folder, archive);
    if (aft_archive_open(&opened, path, &error) != AFT_OK) {
        fail_msg("%s", error.message);
    }
    int n = aft_archive_tensors(opened, &tensors);
    aft_archive_state_sha256(hex, tensors, n, aft_archive_counters(opened));
    aft_archive_close(opened);
}

void program_state_hash(char hex[AFT_SHA256_HEX_SIZE], const char *folder, const char *archive)
{
    char path[PATH_MAX];
    join(path, "models/small", archive);
    program_hash_of(hex, folder, path);
}

bool program_has_file(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat status;
    join(path, folder, name);
    return stat(path, &status) == 0;
}
