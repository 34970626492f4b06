/*
 * The torture test: attacks on build/aftershock, each a row of the table that
 * is printed at the end. What each attack does is told in README.md.
 */
#ifndef AFT_TESTS_TORTURE_TORTURE_H
#define AFT_TESTS_TORTURE_TORTURE_H

#include "base/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct row {
    char attack[96];
    long tried;
    long lost;         /* acknowledged saves that are gone */
    long partial;      /* archives under a published name that are not whole, or damage believed */
    long wrong;        /* other bits than the undisturbed run's, other exit codes than documented */
    char why[160];     /* not tried, or not all of it; empty otherwise */
    char figures[400]; /* more to tell; printed below the table */
};

struct reference { /* what the undisturbed run ends with; hashes from the members' contents */
    char hash[2][AFT_SHA256_HEX_SIZE];
    double seconds;
};

enum { MAX_ROWS = 32 };

struct torture {
    bool long_form;
    uint64_t seed;
    uint64_t chance;        /* state of the generator; set anew for each piece */
    bool resumes_latest;    /* the program knows --resume latest … */
    bool makes_checkpoints; /* … and periodic checkpoints */
    char no_strace[160];    /* why system calls cannot be tampered with; empty: they can */
    char no_mount[160];     /* why nothing can be mounted */
    char no_ext4[160];
    struct reference tiny, small;
    int n_rows;
    struct row rows[MAX_ROWS];
};

struct row *torture_row(struct torture *torture, const char *attack);
/* A number in 0…n-1. */
uint64_t torture_chance(struct torture *torture, uint64_t n);
/* Waits up to that long, by chance. */
void torture_nap(struct torture *torture, double limit_s);
double torture_now_s(void);

/* The pieces. Each adds its rows. */
void attack_system_calls_by_kill(struct torture *torture);
void attack_system_calls_by_error(struct torture *torture);
void attack_with_power_loss(struct torture *torture);
void attack_with_full_disk(struct torture *torture);
void attack_with_random_kills(struct torture *torture);
void attack_with_signals(struct torture *torture);
void attack_with_damage(struct torture *torture);

#endif
