/*
 * torture: attacks build/aftershock in every way that README.md lists, and prints
 * a table of what was tried and what was lost. Exit 0 only if nothing was.
 */
#include "tests/torture/torture.h"

#include "tests/torture/examine.h"
#include "tests/torture/place.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static const uint64_t DEFAULT_SEED = 20261;

static const struct piece {
    const char *name;
    const char *what;
    void (*attack)(struct torture *torture);
} pieces[] = {
    {"kill", "SIGKILL at every system call of a save", attack_system_calls_by_kill},
    {"error", "EIO and ENOSPC at every system call of a save", attack_system_calls_by_error},
    {"power", "power loss on ext4", attack_with_power_loss},
    {"disk", "a full disk", attack_with_full_disk},
    {"random", "random kills until the curriculum completes", attack_with_random_kills},
    {"signals", "SIGINT, SIGTERM, SIGHUP, once and in bursts", attack_with_signals},
    {"damage", "truncations and bit flips of an archive", attack_with_damage},
};
enum { PIECES = sizeof pieces / sizeof *pieces };

struct row *torture_row(struct torture *torture, const char *attack)
{
    if (torture->n_rows == MAX_ROWS) {
        (void)fprintf(stderr, "torture: too many rows\n");
        exit(1);
    }
    struct row *row = &torture->rows[torture->n_rows++];
    (void)snprintf(row->attack, sizeof row->attack, "%s", attack);
    (void)printf("-- %s\n", attack);
    return row;
}

/* splitmix64 */
uint64_t torture_chance(struct torture *torture, uint64_t n)
{
    uint64_t z = torture->chance += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (z ^ (z >> 31)) % n;
}

void torture_nap(struct torture *torture, double limit_s)
{
    double nap_s = limit_s * (double)torture_chance(torture, 1 << 20) / (1 << 20);
    struct timespec moment = {.tv_sec = (time_t)nap_s};
    moment.tv_nsec = (long)((nap_s - (double)moment.tv_sec) * 1e9);
    (void)nanosleep(&moment, NULL);
}

double torture_now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* What this machine allows. Mounts are made in a name space that ends with this process. */
static void learn_of_machine(struct torture *torture)
{
    static const char *const strace[] = {"strace", "-D", "-o", "/dev/null", "true", NULL};
    static const char *const mkfs[] = {"mkfs.ext4", "-V", NULL};
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    int status = place_command(strace);
    if (status != 0) {
        (void)snprintf(torture->no_strace, sizeof torture->no_strace, "%s",
                       status == 127 ? "strace is not installed" : "strace may not trace here");
    }
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        (void)snprintf(torture->no_mount, sizeof torture->no_mount, "mounting: %s",
                       strerror(errno));
    }
    memcpy(torture->no_ext4, torture->no_mount, sizeof torture->no_ext4);
    if (torture->no_ext4[0] == '\0' && place_command(mkfs) == 127) {
        (void)snprintf(torture->no_ext4, sizeof torture->no_ext4, "mkfs.ext4 is not installed");
    }
}

static bool knows(const struct place *place, const struct torture *torture,
                  const char *const *option)
{
    const char *const list[] = {"--dry-run", option[0], option[1], NULL};
    return place_train(place, torture, list) == 0;
}

static void train_reference(struct torture *torture, struct reference *reference,
                            enum place_size size)
{
    static const char *const names[] = {"stage1_50kN.zip", "stage2_100kN.zip"};
    static const char *const latest[] = {"--resume", "latest"};
    static const char *const checkpoints[] = {"--set", "recovery.checkpoint_every_steps=128"};
    struct place place;
    place_open(&place, torture, size);
    if (size == PLACE_TINY) {
        torture->resumes_latest = knows(&place, torture, latest);
        torture->makes_checkpoints = knows(&place, torture, checkpoints);
    }
    double began = torture_now_s();
    int status = place_train(&place, torture, NULL);
    reference->seconds = torture_now_s() - began;
    for (int i = 0; i < 2; i++) {
        char path[PATH_MAX];
        int64_t stage;
        int64_t steps;
        if (snprintf(path, sizeof path, "%s/%s", place.run, names[i]) >= PATH_MAX || status != 0 ||
            !examine_hash(reference->hash[i], path, &stage, &steps)) {
            (void)fprintf(stderr, "torture: the undisturbed run ended with %d\n", status);
            program_show_output(place.folder);
            exit(1);
        }
    }
    place_close(&place);
}

static int print_table(const struct torture *torture)
{
    long faults = 0;
    (void)printf(
        "\n| attack | tried | acknowledged saves lost | partial archives believed | "
        "wrong bits or exit codes | not tried (why) |\n|---|---|---|---|---|---|\n");
    for (int i = 0; i < torture->n_rows; i++) {
        const struct row *row = &torture->rows[i];
        (void)printf("| %s | %ld | %ld | %ld | %ld | %s |\n", row->attack, row->tried, row->lost,
                     row->partial, row->wrong, row->why);
        faults += row->lost + row->partial + row->wrong;
    }
    (void)printf("\n");
    for (int i = 0; i < torture->n_rows; i++) {
        if (torture->rows[i].figures[0] != '\0') {
            (void)printf("- %s: %s\n", torture->rows[i].attack, torture->rows[i].figures);
        }
    }
    return faults == 0 ? 0 : 1;
}

static void print_help(void)
{
    (void)printf(
        "torture - attacks aftershock and tells what was lost\n\n"
        "  torture [--long] [--only PIECE]… [--seed N]\n\n"
        "  --long        every point and every count (without: a sample, 3 minutes)\n"
        "  --only PIECE  this piece; may be given again\n"
        "  --seed N      other random moments (default %llu)\n"
        "  -h, --help    this text\n\nPIECES\n",
        (unsigned long long)DEFAULT_SEED);
    for (int i = 0; i < PIECES; i++) {
        (void)printf("  %-8s %s\n", pieces[i].name, pieces[i].what);
    }
    (void)printf("\nEXIT CODES\n  0 nothing was lost, 1 something was, 2 bad usage\n");
}

static int find_piece(const char *name)
{
    for (int i = 0; i < PIECES; i++) {
        if (strcmp(name, pieces[i].name) == 0) {
            return i;
        }
    }
    return -1;
}

/* 0, or -1 for bad usage, or 1 where help was asked for */
static int read_options(struct torture *torture, unsigned *chosen, int argc, char **argv)
{
    static const struct option table[] = {{"long", no_argument, NULL, 'l'},
                                          {"only", required_argument, NULL, 'o'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    for (int c; (c = getopt_long(argc, argv, "h", table, NULL)) != -1;) {
        char *end = optarg;
        int piece = c == 'o' ? find_piece(optarg) : -1;
        switch (c) {
        case 'l':
            torture->long_form = true;
            break;
        case 's':
            torture->seed = strtoull(optarg, &end, 10);
            break;
        case 'h':
            print_help();
            return 1;
        default:
            break;
        }
        if ((c == 's' && (end == optarg || *end != '\0')) || (c == 'o' && piece < 0) || c == '?') {
            (void)fprintf(stderr, "torture: see torture -h\n");
            return -1;
        }
        *chosen |= piece >= 0 ? 1U << piece : 0U;
    }
    return optind < argc ? -1 : 0;
}

int main(int argc, char **argv)
{
    static struct torture torture;
    unsigned chosen = 0;
    torture.seed = DEFAULT_SEED;
    int usage = read_options(&torture, &chosen, argc, argv);
    if (usage != 0) {
        return usage > 0 ? 0 : 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    double began = torture_now_s();
    learn_of_machine(&torture);
    train_reference(&torture, &torture.tiny, PLACE_TINY);
    train_reference(&torture, &torture.small, PLACE_SMALL);
    (void)printf("torture, %s form, seed %llu; undisturbed runs take %.2f s and %.2f s%s%s\n",
                 torture.long_form ? "long" : "short", (unsigned long long)torture.seed,
                 torture.tiny.seconds, torture.small.seconds,
                 torture.resumes_latest ? ", --resume latest" : "",
                 torture.makes_checkpoints ? ", checkpoints" : "");
    for (int i = 0; i < PIECES; i++) {
        if (chosen == 0 || (chosen & 1U << i) != 0) {
            double piece_began = torture_now_s();
            torture.chance = torture.seed * PIECES + (uint64_t)i;
            pieces[i].attack(&torture);
            (void)printf("   %s took %.0f s\n", pieces[i].name, torture_now_s() - piece_began);
        }
    }
    (void)printf("\n%s form, seed %llu, %.0f s\n", torture.long_form ? "Long" : "Short",
                 (unsigned long long)torture.seed, torture_now_s() - began);
    return print_table(&torture);
}
