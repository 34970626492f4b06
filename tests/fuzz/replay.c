/*
 * Runs a harness without libFuzzer, with any compiler:
 *   replay_TARGET FOLDER [MUTATIONS [SEED]]   every file, then mutations of them
 *   replay_TARGET FILE …                      these files alone
 * Mutations follow from the seed and the files alone. The input that ends the
 * process, or takes longer than LIMIT_S, is left in crash-replay.
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILES = 4096, MAX_SIZE = 1 << 18, LIMIT_S = 20 };

struct file {
    char *bytes;
    size_t size;
};

static struct file files[MAX_FILES];
static size_t n_files;

static const char *volatile current;
static volatile size_t current_size;

/* Of the sanitizers' runtime, where there is one. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void leave_input(void)
{
    int fd = open("crash-replay", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd >= 0) {
        (void)!write(fd, current, current_size);
        (void)close(fd);
    }
}

static void on_signal(int number)
{
    leave_input();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void watch(void)
{
    static const int signals[] = {SIGABRT, SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    bool sanitized = __sanitizer_set_death_callback != NULL;
    for (size_t i = 0; i < (sanitized ? 2 : sizeof signals / sizeof *signals); i++) {
        (void)signal(signals[i], on_signal);
    }
    if (sanitized) {
        __sanitizer_set_death_callback(leave_input);
    }
}

static uint64_t random_state;

static size_t below(size_t bound) /* xorshift64* (Vigna 2016) */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return bound == 0 ? 0 : (size_t)((random_state * 2685821657736338717ULL) >> 11) % bound;
}

static void run(const char *bytes, size_t size)
{
    char *copy = fuzz_copy(bytes, size);
    current = copy;
    current_size = size;
    (void)alarm(LIMIT_S);
    (void)LLVMFuzzerTestOneInput((const uint8_t *)copy, size);
    (void)alarm(0);
    free(copy);
}

/* Puts n bytes of source in place of `gone` bytes at a place. */
static void put_in_place(struct file *file, size_t at, size_t gone, const char *source, size_t n)
{
    if (file->size - gone + n > MAX_SIZE) {
        return;
    }
    memmove(file->bytes + at + n, file->bytes + at + gone, file->size - at - gone);
    memcpy(file->bytes + at, source, n);
    file->size += n - gone;
}

static void change_byte(struct file *file, size_t at)
{
    static const char odd[] = "\0\1\x7f\x80\xff \n.,-+=e0919[];@\"";
    uint8_t *byte = (uint8_t *)file->bytes + at;
    *byte = (uint8_t)(*byte ^ 1U << below(8));
    if (below(2) == 0) {
        file->bytes[at] = odd[below(sizeof odd - 1)];
    }
}

static void mutate(struct file *file)
{
    if (file->size == 0) {
        return;
    }
    size_t at = below(file->size);
    size_t room = file->size - at;
    size_t length = 1 + below(room < 64 ? room : 64);
    switch (below(6)) {
    case 0: /* delete */
        put_in_place(file, at, length, "", 0);
        break;
    case 1: { /* a piece of another file, in place or inserted */
        const struct file *other = &files[below(n_files)];
        size_t from = below(other->size);
        size_t n = other->size - from < length ? other->size - from : length;
        put_in_place(file, at, below(2) == 0 ? 0 : length, other->bytes + from, n);
        break;
    }
    case 2: { /* repeat a piece */
        char piece[64];
        memcpy(piece, file->bytes + at, length);
        put_in_place(file, at, 0, piece, length);
        break;
    }
    case 3: /* cut */
        file->size = below(16) == 0 ? at : file->size;
        break;
    default:
        change_byte(file, at);
        break;
    }
}

static void read_file(const char *path)
{
    struct stat status;
    FILE *stream = fopen(path, "rb");
    if (stream == NULL || fstat(fileno(stream), &status) != 0 || n_files == MAX_FILES) {
        perror(path);
        exit(2);
    }
    if (S_ISREG(status.st_mode) && status.st_size <= MAX_SIZE) {
        struct file *file = &files[n_files++];
        file->size = (size_t)status.st_size;
        file->bytes = malloc(file->size + 1);
        FUZZ_CHECK(file->bytes != NULL);
        FUZZ_CHECK(fread(file->bytes, 1, file->size, stream) == file->size);
    }
    (void)fclose(stream);
}

static void read_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            read_file(path);
        }
        free(entries[i]);
    }
    free(entries);
}

static void run_mutations(long n)
{
    struct file work = {.bytes = malloc(MAX_SIZE)};
    FUZZ_CHECK(work.bytes != NULL);
    for (long i = 0; i < n; i++) {
        const struct file *from = &files[below(n_files)];
        work.size = from->size;
        memcpy(work.bytes, from->bytes, from->size);
        for (size_t changes = 1 + below(4); changes > 0; changes--) {
            mutate(&work);
        }
        run(work.bytes, work.size);
    }
    free(work.bytes);
}

int main(int argc, char **argv)
{
    struct stat status;
    bool folder = argc > 1 && stat(argv[1], &status) == 0 && S_ISDIR(status.st_mode);
    long mutations = folder && argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    random_state = folder && argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    random_state += random_state == 0;
    if (folder) {
        read_folder(argv[1]);
    }
    for (int i = 1; i < argc && !folder; i++) {
        read_file(argv[i]);
    }
    if (n_files == 0) {
        (void)fprintf(stderr, "usage: %s FOLDER [MUTATIONS [SEED]] | FILE...\n", argv[0]);
        return 2;
    }
    watch();
    for (size_t i = 0; i < n_files; i++) {
        run(files[i].bytes, files[i].size);
    }
    run_mutations(mutations);
    (void)printf("%zu files, %ld mutations\n", n_files, mutations);
    for (size_t i = 0; i < n_files; i++) {
        free(files[i].bytes);
    }
    return 0;
}
