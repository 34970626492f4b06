/*
 * (c) Power loss: training on an ext4 on a loop device, which is shut down with
 * the ioctl that file system developers use for this. From then on nothing
 * reaches the disk; what the kernel still held is dropped at unmounting, or
 * with LOGFLUSH all but the journal. Then the disk is mounted again, as after
 * a restart. A control with fsync disabled shows that the attack has teeth.
 */
#include "tests/torture/examine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#define SHUTDOWN _IOR('X', 125, uint32_t) /* EXT4_IOC_SHUTDOWN of the kernel's fs/ext4/ext4.h */
enum { LOG_FLUSH = 1, NO_LOG_FLUSH = 2, IMAGE_MB = 24 };
static const double WAIT_LIMIT_S = 30.0;

struct power {
    struct torture *torture;
    struct row *row;
    struct place place;
    char image[PATH_MAX];
    long acknowledged; /* saves that had been acknowledged at the cut */
};

static bool make_disk(struct power *power)
{
    const char *const format[] = {"mkfs.ext4", "-q", "-F", power->image, NULL};
    int fd = open(power->image, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool made = fd >= 0 && ftruncate(fd, (off_t)IMAGE_MB << 20) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return made && place_command(format) == 0;
}

static bool mount_disk(const struct power *power, const char *options)
{
    const char *const list[] = {
        "mount", "-t", "ext4", "-o", options, power->image, power->place.models, NULL};
    return place_command(list) == 0;
}

static bool unmount_disk(const struct power *power)
{
    const char *const list[] = {"umount", power->place.models, NULL};
    return place_command(list) == 0;
}

static bool cut_power(const struct power *power, uint32_t mode)
{
    int fd = open(power->place.models, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool cut = fd >= 0 && ioctl(fd, SHUTDOWN, &mode) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return cut;
}

static long count_acknowledged(const struct place *place)
{
    static char said[1 << 18];
    long n = 0;
    place_read(said, sizeof said, place->output);
    for (const char *at = said; (at = strstr(at, "saved ")) != NULL; at++) {
        n += at == said || at[-1] == '\n';
    }
    return n;
}

/* Trains until the cut, at a moment drawn by lot; half of them while a stage is being saved. */
static bool train_until_cut(struct power *power, uint32_t mode, const char *const *prefix)
{
    struct program program;
    struct torture *torture = power->torture;
    place_start(&program, &power->place, torture, prefix, NULL);
    if (torture_chance(torture, 2) == 0) {
        int stage = 1 + (int)torture_chance(torture, 2);
        (void)program_await_phase(&program, stage, AFT_PHASE_WAIT);
        torture_nap(torture, 0.02);
    } else {
        torture_nap(torture, 1.3 * torture->tiny.seconds);
    }
    bool cut = cut_power(power, mode);
    torture_nap(torture, 0.01); /* the program goes on for a moment, and must not be fooled */
    (void)kill(-program.pid, SIGKILL);
    (void)place_wait(&program, WAIT_LIMIT_S);
    power->acknowledged += count_acknowledged(&power->place);
    return unmount_disk(power) && cut;
}

static void try_cut(struct power *power, uint32_t mode, const char *options)
{
    char done[96];
    power->row->tried++;
    (void)snprintf(done, sizeof done, "power loss %ld, %s, %s", power->row->tried,
                   mode == LOG_FLUSH ? "journal flushed" : "journal not flushed", options);
    if (!make_disk(power) || !mount_disk(power, options) || !train_until_cut(power, mode, NULL) ||
        !mount_disk(power, options)) {
        examine_wrong(power->row, &power->place, done, "the disk did not play its part");
        (void)umount2(power->place.models, MNT_DETACH);
        return;
    }
    examine(power->row, &power->place, done);
    examine_finish(power->row, &power->place, power->torture, NULL, done);
    (void)unmount_disk(power);
}

static void cut_again_and_again(struct power *power, uint32_t mode)
{
    static const char *const options[] = {"defaults", "data=writeback", "nodelalloc",
                                          "data=writeback,noauto_da_alloc"};
    for (long i = power->torture->long_form ? 200 : 14; i > 0; i--) {
        try_cut(power, mode, options[i % 4]);
    }
    (void)snprintf(power->row->figures, sizeof power->row->figures,
                   "%ld saves had been acknowledged", power->acknowledged);
    power->acknowledged = 0;
}

/* With fsync doing nothing, acknowledged saves must be seen to be lost. */
static void cut_without_fsync(struct power *power)
{
    static const char *const lying[] = {"strace", "-D",          "-o", "/dev/null",
                                        "-e",     "trace=fsync", "-e", "inject=fsync:retval=0",
                                        NULL};
    struct row lost = {0};
    int tries = power->torture->long_form ? 20 : 4;
    struct row *row = power->row;
    power->acknowledged = 0;
    (void)printf("   control, fsync disabled: losses are expected\n");
    for (int i = 0; i < tries; i++) {
        if (make_disk(power) && mount_disk(power, "defaults") &&
            train_until_cut(power, NO_LOG_FLUSH, lying) && mount_disk(power, "defaults")) {
            examine(&lost, &power->place, "a disabled fsync, as expected");
        }
        (void)umount2(power->place.models, MNT_DETACH);
    }
    size_t used = strlen(row->figures);
    (void)snprintf(row->figures + used, sizeof row->figures - used,
                   "; control with fsync disabled: %ld of %ld acknowledged saves lost, %ld partial",
                   lost.lost, power->acknowledged, lost.partial);
    if (power->acknowledged > 0 && lost.lost + lost.partial == 0) {
        examine_wrong(row, &power->place, "a disabled fsync", "nothing was lost: no teeth");
    }
}

void attack_with_power_loss(struct torture *torture)
{
    struct power power = {.torture = torture};
    static const uint32_t modes[] = {NO_LOG_FLUSH, LOG_FLUSH};
    static const char *const names[] = {"power loss on ext4, journal not flushed",
                                        "power loss on ext4, journal flushed"};
    place_open(&power.place, torture, PLACE_TINY);
    bool fits = snprintf(power.image, PATH_MAX, "%s/disk.img", power.place.folder) < PATH_MAX;
    if (torture->no_ext4[0] == '\0' &&
        (!fits || !make_disk(&power) || !mount_disk(&power, "defaults"))) {
        (void)snprintf(torture->no_ext4, sizeof torture->no_ext4, "no loop device to mount");
    } else if (torture->no_ext4[0] == '\0') {
        (void)unmount_disk(&power);
    }
    for (int i = 0; i < 2; i++) {
        power.row = torture_row(torture, names[i]);
        if (torture->no_ext4[0] != '\0') {
            (void)snprintf(power.row->why, sizeof power.row->why, "%s", torture->no_ext4);
            continue;
        }
        cut_again_and_again(&power, modes[i]);
        if (modes[i] == NO_LOG_FLUSH && torture->no_strace[0] == '\0') {
            cut_without_fsync(&power);
        }
    }
    place_close(&power.place);
}
