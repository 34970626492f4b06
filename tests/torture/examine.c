#include "tests/torture/examine.h"

#include "base/file.h"
#include "recovery/archive.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char SAVED[] = "saved ";

bool examine_hash(char hex[AFT_SHA256_HEX_SIZE], const char *path, int64_t *stage, int64_t *steps)
{
    struct aft_archive *archive = NULL;
    const struct aft_archive_tensor *tensors = NULL;
    struct aft_error error = {0};
    if (aft_archive_open(&archive, path, &error) != AFT_OK) {
        (void)printf("    %s\n", error.message);
        return false;
    }
    const struct aft_archive_counters *counters = aft_archive_counters(archive);
    int n = aft_archive_tensors(archive, &tensors);
    aft_archive_state_sha256(hex, tensors, n, counters);
    *stage = counters->stage;
    *steps = counters->steps;
    aft_archive_close(archive);
    return true;
}

void examine_wrong(struct row *row, const struct place *place, const char *done, const char *format,
                   ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    row->wrong++;
    (void)printf("  WRONG after %s: %s\n", done, text);
    place_read(text, sizeof text, place->output);
    (void)printf("    it said: %.1200s\n", text);
}

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name);
    size_t n = strlen(end);
    return length >= n && strcmp(name + length - n, end) == 0;
}

/* stage2_100kN.zip, but not stage2_INTERRUPTED_100kN.zip and its like */
static int stage_of_name(const char *name)
{
    int stage = 0;
    char force[2] = "";
    bool plain = sscanf(name, "stage%d_%1[0-9]", &stage, force) == 2;
    return plain && strstr(name, "superseded") == NULL ? stage : 0;
}

static void examine_archive(struct row *row, const struct place *place, const char *path,
                            const char *name, const char *done)
{
    char hex[AFT_SHA256_HEX_SIZE];
    int64_t stage;
    int64_t steps;
    int named = stage_of_name(name);
    if (!examine_hash(hex, path, &stage, &steps)) {
        row->partial++;
        (void)printf("  PARTIAL after %s: %s\n", done, path);
    } else if (named > 0 && (stage != named || named > 2 ||
                             strcmp(hex, place->reference->hash[named - 1]) != 0)) {
        examine_wrong(row, place, done, "%s has other bits than the undisturbed run's", path);
    }
}

typedef void (*visitor)(void *context, const char *path, const char *name);

static void visit_folder(const char *folder, visitor visit, void *context)
{
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        char path[PATH_MAX];
        if (entry->d_name[0] != '.' &&
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < PATH_MAX) {
            visit(context, path, entry->d_name);
        }
    }
    (void)closedir(stream);
}

static void visit_run(const struct place *place, visitor visit, void *context)
{
    char checkpoints[PATH_MAX];
    visit_folder(place->run, visit, context);
    if (snprintf(checkpoints, sizeof checkpoints, "%s/checkpoints", place->run) < PATH_MAX) {
        visit_folder(checkpoints, visit, context);
    }
}

struct examination {
    struct row *row;
    const struct place *place;
    const char *done;
    bool finished;
};

static void examine_entry(void *context, const char *path, const char *name)
{
    const struct examination *now = context;
    if (ends_in(name, ".zip")) {
        examine_archive(now->row, now->place, path, name, now->done);
    } else if (strstr(name, ".corrupt") != NULL) {
        now->row->partial++;
        (void)printf("  PARTIAL after %s: %s was set aside\n", now->done, path);
    } else if (now->finished && aft_file_is_temporary(name)) {
        examine_wrong(now->row, now->place, now->done, "%s was left", path);
    }
}

struct state_wanted {
    int64_t stage, steps;
    bool found;
};

static void look_for_state(void *context, const char *path, const char *name)
{
    struct state_wanted *wanted = context;
    char hex[AFT_SHA256_HEX_SIZE];
    int64_t stage;
    int64_t steps;
    if (!wanted->found && ends_in(name, ".zip") && examine_hash(hex, path, &stage, &steps)) {
        wanted->found = stage > wanted->stage || (stage == wanted->stage && steps >= wanted->steps);
    }
}

bool examine_has_state(const struct place *place, int64_t stage, int64_t steps)
{
    struct state_wanted wanted = {.stage = stage, .steps = steps};
    visit_run(place, look_for_state, &wanted);
    return wanted.found;
}

/* A checkpoint may have been rotated away; then a later one, or its stage's archive, is there. */
static bool acknowledged_is_there(const struct place *place, const char *path)
{
    char hex[AFT_SHA256_HEX_SIZE];
    int64_t stage;
    int64_t steps;
    int named = 0;
    if (access(path, F_OK) == 0) {
        return examine_hash(hex, path, &stage, &steps);
    }
    const char *checkpoint = strstr(path, "/checkpoints/stage");
    return checkpoint != NULL &&
           sscanf(checkpoint, "/checkpoints/stage%d_step%" SCNd64, &named, &steps) == 2 &&
           examine_has_state(place, named, steps);
}

/* Lines "saved stage archive PATH (25 kB, verified, 10 ms)" of the last start. */
static void examine_acknowledged(struct row *row, const struct place *place, const char *done)
{
    static char said[1 << 18];
    place_read(said, sizeof said, place->output);
    for (char *line = said; line != NULL && *line != '\0';) {
        char *next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        char *path = strncmp(line, SAVED, strlen(SAVED)) == 0 ? strchr(line, '/') : NULL;
        char *end = path != NULL ? strstr(path, " (") : NULL;
        if (end != NULL) {
            *end = '\0';
            if (!acknowledged_is_there(place, path)) {
                row->lost++;
                (void)printf("  LOST after %s: %s\n", done, path);
            }
        }
        line = next;
    }
}

void examine(struct row *row, const struct place *place, const char *done)
{
    struct examination now = {.row = row, .place = place, .done = done};
    visit_run(place, examine_entry, &now);
    examine_acknowledged(row, place, done);
}

static void examine_results(struct row *row, const struct place *place, const char *done)
{
    static const char *const names[] = {"stage1_50kN.zip", "stage2_100kN.zip"};
    for (int i = 0; i < 2; i++) {
        char path[PATH_MAX];
        char hex[AFT_SHA256_HEX_SIZE] = "";
        int64_t stage;
        int64_t steps;
        if (snprintf(path, sizeof path, "%s/%s", place->run, names[i]) >= PATH_MAX ||
            !examine_hash(hex, path, &stage, &steps)) {
            examine_wrong(row, place, done, "%s is not there", names[i]);
        } else if (strcmp(hex, place->reference->hash[i]) != 0) {
            examine_wrong(row, place, done, "%s has other bits", names[i]);
        }
    }
}

void examine_finish(struct row *row, const struct place *place, const struct torture *torture,
                    const char *const *arguments, const char *done)
{
    struct examination now = {.row = row, .place = place, .done = done, .finished = true};
    int status = place_train(place, torture, arguments);
    if (status != 0) {
        examine_wrong(row, place, done, "the next run ended with %d", status);
        return;
    }
    examine_acknowledged(row, place, done);
    visit_run(place, examine_entry, &now);
    examine_results(row, place, done);
}
