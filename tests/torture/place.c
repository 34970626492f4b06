#include "tests/torture/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ARGUMENTS = 48 };
static const double ORPHAN_LIMIT_S = 10.0;
static const double TRAIN_LIMIT_S = 180.0;

static const char PROGRAM[] = AFT_BUILD_DIR "/aftershock";
static const char TINY_CURRICULUM[] =
    "[run]\nname = small\nseed = 7\n"
    "[environment]\nn_envs = 8\nepisode_s = 2\n"
    "[ground_motion]\ndistance_km = 5\n"
    "[ppo]\nnetwork = 4,4\nn_steps = 16\nbatch_size = 128\nn_epochs = 1\n"
    "[evaluation]\nmotions = 1\ntail_s = 1\n"
    "[stage M4.5@50kN]\ntimesteps = 256\n"
    "[stage M5.7@100kN]\ntimesteps = 256\n";

static void give_up(const char *what)
{
    (void)fprintf(stderr, "torture: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void join(char path[PATH_MAX], const char *folder, const char *name)
{
    if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        give_up(folder);
    }
}

void place_open(struct place *place, struct torture *torture, enum place_size size)
{
    memset(place, 0, sizeof *place);
    program_make_folder(place->folder);
    place->reference = size == PLACE_TINY ? &torture->tiny : &torture->small;
    if (size == PLACE_SMALL) {
        program_write_curriculum(place->curriculum, place->folder, "small.ini");
    } else {
        join(place->curriculum, place->folder, "tiny.ini");
        FILE *file = fopen(place->curriculum, "w");
        if (file == NULL || fputs(TINY_CURRICULUM, file) < 0 || fclose(file) != 0) {
            give_up(place->curriculum);
        }
    }
    join(place->models, place->folder, "models");
    join(place->run, place->models, "small");
    join(place->output, place->folder, "output.txt");
    if (mkdir(place->models, 0777) != 0) {
        give_up(place->models);
    }
}

void place_close(const struct place *place)
{
    program_remove_folder(place->folder);
}

void place_clear(const struct place *place)
{
    program_remove_folder(place->run);
}

static void become(const char *output, char *const *arguments)
{
    int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || setpgid(0, 0) != 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) {
        _exit(126);
    }
    (void)execvp(arguments[0], arguments);
    _exit(127);
}

static void append(const char **list, int *n, const char *const *more)
{
    for (int i = 0; more != NULL && more[i] != NULL; i++) {
        if (*n >= MAX_ARGUMENTS) {
            errno = E2BIG;
            give_up("arguments");
        }
        list[(*n)++] = more[i];
    }
    list[*n] = NULL;
}

void place_start(struct program *program, const struct place *place, const struct torture *torture,
                 const char *const *prefix, const char *const *arguments)
{
    const char *list[MAX_ARGUMENTS + 1];
    const char *const first[] = {
        PROGRAM, "train", place->curriculum, "--models", place->models, "--progress", "none", NULL};
    const char *const checkpoints[] = {"--set", "recovery.checkpoint_every_steps=128", NULL};
    int n = 0;
    append(list, &n, prefix);
    append(list, &n, first);
    append(list, &n, torture->makes_checkpoints ? checkpoints : NULL);
    append(list, &n, arguments);
    memcpy(program->output, place->output, sizeof program->output);
    (void)unlink(place->output); /* the child may end before it makes its own */
    (void)fflush(stdout);
    program->pid = fork();
    if (program->pid < 0) {
        give_up("fork");
    }
    if (program->pid == 0) {
        become(place->output, (char *const *)(uintptr_t)list);
    }
    (void)setpgid(program->pid, program->pid);
}

static void nap_ms(long ms)
{
    struct timespec moment = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&moment, NULL);
}

/* Orphans come to this process (a subreaper), so the group ends where it can be seen. */
static bool drain_group(pid_t group, double limit_s)
{
    double limit = torture_now_s() + limit_s;
    pid_t got = 0;
    while ((got = waitpid(-group, NULL, WNOHANG)) >= 0) {
        if (got == 0 && torture_now_s() > limit) {
            (void)kill(-group, SIGKILL);
            while (waitpid(-group, NULL, 0) > 0) {
            }
            return false;
        }
        if (got == 0) {
            nap_ms(1);
        }
    }
    return true;
}

int place_wait(const struct program *program, double limit_s)
{
    int status = 0;
    double limit = torture_now_s() + limit_s;
    bool in_time = true;
    while (waitpid(program->pid, &status, WNOHANG) == 0) {
        if (torture_now_s() > limit) {
            (void)kill(-program->pid, SIGKILL);
            (void)waitpid(program->pid, &status, 0);
            in_time = false;
            break;
        }
        nap_ms(1);
    }
    in_time = drain_group(program->pid, ORPHAN_LIMIT_S) && in_time;
    if (!in_time) {
        return PLACE_TIMED_OUT;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : PLACE_SIGNALLED + WTERMSIG(status);
}

int place_train(const struct place *place, const struct torture *torture,
                const char *const *arguments)
{
    struct program program;
    place_start(&program, place, torture, NULL, arguments);
    return place_wait(&program, TRAIN_LIMIT_S);
}

/* A descriptor of the keeper's memfd, or -1. */
static int open_region(const struct program *program)
{
    char folder[64];
    char path[PATH_MAX];
    char target[PATH_MAX];
    int fd = -1;
    (void)snprintf(folder, sizeof folder, "/proc/%d/fd", (int)program->pid);
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return -1;
    }
    for (struct dirent *entry = readdir(stream); entry != NULL && fd < 0; entry = readdir(stream)) {
        join(path, folder, entry->d_name);
        ssize_t n = readlink(path, target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
        if (strncmp(target, "/memfd:aftershock-snapshot", 26) == 0) {
            fd = open(path, O_RDWR | O_CLOEXEC);
        }
    }
    (void)closedir(stream);
    return fd;
}

bool place_peek(const struct program *program, struct aft_snapshot_info *info,
                enum aft_worker_phase *phase)
{
    struct aft_snapshot_region *region = NULL;
    int fd = open_region(program);
    if (fd < 0 || aft_snapshot_attach(&region, fd, -1, -1, NULL) != AFT_OK) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return false;
    }
    bool sealed = aft_snapshot_peek(region, info);
    *phase = aft_worker_phase(region);
    aft_snapshot_destroy(region);
    return sealed;
}

void place_read(char *text, size_t size, const char *path)
{
    FILE *file = fopen(path, "r");
    size_t n = file != NULL ? fread(text, 1, size - 1, file) : 0;
    text[n] = '\0';
    if (file != NULL) {
        (void)fclose(file);
    }
}

bool place_said(const struct place *place, const char *text)
{
    static char said[1 << 18];
    place_read(said, sizeof said, place->output);
    return strstr(said, text) != NULL;
}

int place_command(const char *const *arguments)
{
    int status = 0;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child < 0) {
        give_up("fork");
    }
    if (child == 0) {
        int fd = open("/dev/null", O_RDWR);
        if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) {
            _exit(126);
        }
        (void)execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : PLACE_SIGNALLED;
}
