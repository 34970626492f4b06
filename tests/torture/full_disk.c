/* (d) A disk that is full: a tmpfs whose size, or number of inodes, is swept around what the
 * archives need. It is looked at while it is full, and then given space. */
#include "tests/torture/examine.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

enum ending { MORE_SPACE, KILL_THEN_SPACE, STOP_THEN_SPACE, ENDINGS };
static const double FULL_LIMIT_S = 20.0, WAIT_LIMIT_S = 30.0, PATIENCE_LIMIT_S = 150.0;

struct disk {
    struct torture *torture;
    struct row *row;
    struct place place;
    char options[64];
    char done[96];
    long full; /* tries in which a save failed */
};

static bool has_ended(const struct program *program)
{
    char state = 'Z';
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)program->pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return true;
    }
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) {
        state = 'Z';
    }
    (void)fclose(file);
    return state == 'Z';
}

/* True once a save has failed for want of space; false where the program ended before. */
static bool await_full(const struct disk *disk, const struct program *program)
{
    double limit = torture_now_s() + FULL_LIMIT_S;
    while (!has_ended(program) && torture_now_s() < limit) {
        struct timespec moment = {.tv_nsec = 3000000};
        if (place_said(&disk->place, "trying again")) {
            return true;
        }
        (void)nanosleep(&moment, NULL);
    }
    return false;
}

static void give_space(struct disk *disk)
{
    if (mount("tmpfs", disk->place.models, "tmpfs", MS_REMOUNT, "size=8m,nr_inodes=1000") != 0) {
        examine_wrong(disk->row, &disk->place, disk->done, "remount failed");
    }
}

/* 130 only with a durable archive, which examine then finds acknowledged. 0: the last stage
 * was still published, which comes before a stop. */
static void expect_status(struct disk *disk, int status, int expected)
{
    if (status != expected && status != 0 && status != 1 && status != 3) {
        examine_wrong(disk->row, &disk->place, disk->done, "it ended with %d", status);
    }
}

static void try_disk(struct disk *disk, enum ending ending)
{
    struct program program;
    disk->row->tried++;
    if (mount("tmpfs", disk->place.models, "tmpfs", 0, disk->options) != 0) {
        examine_wrong(disk->row, &disk->place, disk->done, "mount failed");
        return;
    }
    place_start(&program, &disk->place, disk->torture, NULL, NULL);
    if (await_full(disk, &program)) {
        disk->full++;
        examine(disk->row, &disk->place, disk->done);
        if (ending == KILL_THEN_SPACE) {
            (void)kill(-program.pid, SIGKILL);
        } else if (ending == STOP_THEN_SPACE) {
            (void)kill(-program.pid, SIGINT);
        }
        if (ending != KILL_THEN_SPACE) {
            give_space(disk);
        }
        expect_status(disk, place_wait(&program, WAIT_LIMIT_S),
                      ending == KILL_THEN_SPACE   ? PLACE_SIGNALLED + SIGKILL
                      : ending == STOP_THEN_SPACE ? 128 + SIGINT
                                                  : 0);
    } else {
        expect_status(disk, place_wait(&program, WAIT_LIMIT_S), 0);
    }
    examine(disk->row, &disk->place, disk->done);
    give_space(disk);
    examine_finish(disk->row, &disk->place, disk->torture, NULL, disk->done);
    (void)umount2(disk->place.models, MNT_DETACH);
}

static void sweep_sizes(struct disk *disk, int step_kb, int last_kb)
{
    for (int kb = 4; kb <= last_kb; kb += step_kb) {
        enum ending ending = (enum ending)torture_chance(disk->torture, ENDINGS);
        (void)snprintf(disk->options, sizeof disk->options, "size=%dk", kb);
        (void)snprintf(disk->done, sizeof disk->done, "disk of %d kB, ending %d", kb, ending);
        try_disk(disk, ending);
    }
}

static void sweep_inodes(struct disk *disk, int last)
{
    for (int n = 2; n <= last; n++) {
        enum ending ending = (enum ending)torture_chance(disk->torture, ENDINGS);
        (void)snprintf(disk->options, sizeof disk->options, "size=8m,nr_inodes=%d", n);
        (void)snprintf(disk->done, sizeof disk->done, "disk of %d inodes, ending %d", n, ending);
        try_disk(disk, ending);
    }
}

/* Two minutes without space: exit 1, and what was saved before is whole. */
/* The disk gets as small as what is on it: nothing more fits. */
static bool shrink_to_fit(const struct disk *disk)
{
    for (int kb = 8; kb < 1024; kb += 4) {
        char options[32];
        (void)snprintf(options, sizeof options, "size=%dk", kb);
        if (mount("tmpfs", disk->place.models, "tmpfs", MS_REMOUNT, options) == 0) {
            return true;
        }
    }
    return false;
}

static void run_out_of_patience(struct disk *disk)
{
    const char *const first[] = {"--stop-after-stage", "1", NULL};
    struct program program;
    disk->row->tried++;
    (void)snprintf(disk->done, sizeof disk->done, "two minutes of a full disk");
    if (mount("tmpfs", disk->place.models, "tmpfs", 0, "size=8m") != 0 ||
        place_train(&disk->place, disk->torture, first) != 0 || !shrink_to_fit(disk)) {
        examine_wrong(disk->row, &disk->place, disk->done, "cannot be prepared");
        (void)umount2(disk->place.models, MNT_DETACH);
        return;
    }
    place_start(&program, &disk->place, disk->torture, NULL, NULL);
    int status = place_wait(&program, PATIENCE_LIMIT_S);
    if (status != 1) {
        examine_wrong(disk->row, &disk->place, disk->done, "it ended with %d", status);
    }
    examine(disk->row, &disk->place, disk->done);
    give_space(disk);
    examine_finish(disk->row, &disk->place, disk->torture, NULL, disk->done);
    (void)umount2(disk->place.models, MNT_DETACH);
}

void attack_with_full_disk(struct torture *torture)
{
    struct disk disk = {.torture = torture};
    int last_kb = torture->makes_checkpoints ? 260 : 100;
    disk.row = torture_row(torture, "disk full: tmpfs swept in 4 kB steps");
    if (torture->no_mount[0] != '\0') {
        (void)snprintf(disk.row->why, sizeof disk.row->why, "%s", torture->no_mount);
        return;
    }
    place_open(&disk.place, torture, PLACE_TINY);
    sweep_sizes(&disk, torture->long_form ? 4 : last_kb / 100 * 16, last_kb);
    if (!torture->long_form) {
        (void)snprintf(disk.row->why, sizeof disk.row->why, "every 4 kB: in the long form");
    }
    (void)snprintf(disk.row->figures, sizeof disk.row->figures,
                   "sizes from 4 to %d kB; in %ld tries a save failed", last_kb, disk.full);
    disk.full = 0;
    disk.row = torture_row(torture, "no inodes left: tmpfs swept one by one");
    sweep_inodes(&disk, torture->long_form ? 14 : 7);
    (void)snprintf(disk.row->figures, sizeof disk.row->figures, "in %ld tries a save failed",
                   disk.full);
    if (torture->long_form) {
        disk.row = torture_row(torture, "disk full for longer than the program's patience");
        run_out_of_patience(&disk);
    }
    place_close(&disk.place);
}
