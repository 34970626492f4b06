/* aftershock status: every archive of a run, and what `train` would do next. */
#include "base/path.h"
#include "base/printable.h"
#include "cli/options.h"
#include "recovery/scan.h"
#include "report/heartbeat.h"
#include "report/text.h"
#include "runner/archive_curriculum.h"
#include "runner/expectations.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char default_curriculum[] = AFT_DEFAULT_CURRICULUM;

struct status {
    const char *curriculum_path, *models_dir, *run_name, *folder;
    const char *resume;        /* NULL: as the curriculum has it */
    struct aft_texts settings; /* --set */
    bool json;
    char folder_buffer[PATH_MAX];
    char run[AFT_MAX_NAME];            /* the folder's name */
    struct aft_curriculum *curriculum; /* NULL: none found */
    struct aft_scan scan;
    struct aft_expectations expectations;
    bool own_expectations; /* made here from the archives themselves */
    struct aft_plan_request request;
    struct aft_plan plan;
    bool planned;
    struct aft_json *heartbeat; /* NULL: none that can be read */
    enum aft_liveness liveness; /* by it */
};

/* The newest valid stage archive; NULL when there is none. */
static const struct aft_scan_entry *last_stage_archive(const struct aft_scan *scan)
{
    const struct aft_scan_entry *last = NULL;
    for (int i = 0; i < scan->n; i++) {
        const struct aft_scan_entry *entry = &scan->entries[i];
        if (entry->kind == AFT_ARCHIVE_STAGE && entry->valid && !entry->set_aside &&
            (!last || entry->stage > last->stage)) {
            last = entry;
        }
    }
    return last;
}

static enum aft_code load_from_archive(struct status *status, const char *path,
                                       struct aft_error *error)
{
    struct aft_archive *archive = NULL;
    enum aft_code code = aft_archive_open(&archive, path, error);
    if (code == AFT_OK) {
        code = aft_curriculum_of_archive(&status->curriculum, archive,
                                         (const char *const *)status->settings.items,
                                         status->settings.n, error);
        aft_archive_close(archive);
    }
    return code;
}

/* Stages.ini, if it is there and of this run. A mistake in it is not ours to report
 * where an archive can tell the stages. */
static void load_default(struct status *status)
{
    struct aft_error error;
    if (aft_curriculum_load(&status->curriculum, default_curriculum,
                            (const char *const *)status->settings.items, status->settings.n,
                            &error) != AFT_OK) {
        status->curriculum = NULL;
    } else if (strcmp(status->curriculum->run.name, status->run) != 0) {
        aft_curriculum_destroy(status->curriculum);
        status->curriculum = NULL;
    }
}

/* Finds folder and, where the command line or the default names it, the curriculum. */
static enum aft_code find_folder(struct status *status, struct aft_error *error)
{
    enum aft_code code = AFT_OK;
    bool needs_name = !status->folder && !status->run_name;
    if (status->curriculum_path || needs_name) {
        const char *path = status->curriculum_path ? status->curriculum_path : default_curriculum;
        code = aft_curriculum_load(&status->curriculum, path,
                                   (const char *const *)status->settings.items, status->settings.n,
                                   error);
        if (code != AFT_OK) {
            return code;
        }
    }
    if (!status->folder) {
        const char *name = status->run_name ? status->run_name : status->curriculum->run.name;
        code = aft_path_join(status->folder_buffer, status->models_dir, name, error);
        status->folder = status->folder_buffer;
    }
    return code;
}

static enum aft_code name_run(struct status *status, struct aft_error *error)
{
    char whole[PATH_MAX];
    struct stat about;
    const char *name = status->folder;
    if (stat(status->folder, &about) == 0) {
        if (!S_ISDIR(about.st_mode)) {
            return aft_fail(error, AFT_ERR_USAGE, "'%s' is not a folder", status->folder);
        }
        if (realpath(status->folder, whole)) { /* "." and "models/x/" have names too */
            name = whole;
        }
    } else if (status->folder != status->folder_buffer) {
        return aft_fail(error, AFT_ERR_USAGE, "'%s': no such folder", status->folder);
    }
    (void)snprintf(status->run, sizeof status->run, "%s", aft_path_name(name));
    return AFT_OK;
}

/* Without a readable curriculum: the archives are taken for what they say. */
static enum aft_code expect_what_is_there(struct status *status, struct aft_error *error)
{
    const struct aft_scan_entry *last = last_stage_archive(&status->scan);
    int n = last ? last->stage : 0;
    status->own_expectations = true;
    status->expectations.stages = calloc((size_t)n + 1, sizeof *status->expectations.stages);
    if (!status->expectations.stages) {
        return aft_fail(error, AFT_ERR_MEMORY, "make the plan: out of memory");
    }
    status->expectations.n = n;
    for (int i = 0; i < status->scan.n; i++) {
        const struct aft_scan_entry *entry = &status->scan.entries[i];
        if (entry->kind != AFT_ARCHIVE_STAGE || entry->stage < 1 || entry->stage > n) {
            continue;
        }
        struct aft_stage_expectation *stage = &status->expectations.stages[entry->stage - 1];
        stage->settings = entry->settings;
        (void)snprintf(stage->fingerprint, sizeof stage->fingerprint, "%s", entry->fingerprint);
        (void)snprintf(stage->archive_name, sizeof stage->archive_name, "%s",
                       aft_path_name(entry->path));
    }
    return AFT_OK;
}

static enum aft_code make_plan(struct status *status, struct aft_error *error)
{
    const struct aft_scan_entry *last = last_stage_archive(&status->scan);
    struct aft_error cause = {.message = "no curriculum"};
    enum aft_code code = AFT_ERR_MISSING;
    if (!status->curriculum) {
        load_default(status);
    }
    if (!status->curriculum && last) {
        (void)load_from_archive(status, last->path, &cause);
    }
    if (!status->curriculum && last && status->settings.n > 0) {
        return aft_fail(error, AFT_ERR_USAGE, "%s", cause.message); /* of --set, most likely */
    }
    if (status->curriculum) {
        code = aft_expectations_make(&status->expectations, status->curriculum, &cause);
    }
    if (code != AFT_OK && (status->curriculum_path || !last)) {
        return status->curriculum ? aft_fail(error, code, "%s", cause.message) : AFT_OK;
    }
    if (code != AFT_OK) {
        (void)fprintf(stderr, "aftershock status: settings are not compared: %s\n", cause.message);
        code = expect_what_is_there(status, error);
    }
    if (code == AFT_OK) {
        status->request.latest = status->resume != NULL
                                     ? strcmp(status->resume, "latest") == 0
                                     : status->curriculum != NULL &&
                                           status->curriculum->recovery.resume == AFT_RESUME_LATEST;
        code = aft_plan_make(&status->plan, &status->scan, status->expectations.stages,
                             status->expectations.n, &status->request, error);
    }
    status->planned = code == AFT_OK;
    return code;
}

static struct aft_json *entry_json(const struct aft_scan_entry *entry)
{
    struct aft_json *item = aft_json_object();
    aft_json_set_string(item, "path", entry->path);
    aft_json_set_string(item, "kind", aft_archive_kind_name(entry->kind));
    aft_json_set_integer(item, "stage", entry->stage);
    aft_json_set_boolean(item, "valid", entry->valid);
    aft_json_set_string(item, "reason", entry->reason);
    aft_json_set_integer(item, "attempt", entry->attempt);
    aft_json_set_integer(item, "steps", entry->steps);
    aft_json_set_integer(item, "total_steps", entry->total_steps);
    aft_json_set_real(item, "score", entry->score);
    aft_json_set_boolean(item, "set_aside", entry->set_aside);
    return item;
}

static int stages_total(const struct status *status)
{
    return status->curriculum ? status->curriculum->n_stages : status->expectations.n;
}

static enum aft_code print_json(const struct status *status, struct aft_error *error)
{
    struct aft_json *document = aft_json_object(), *archives = aft_json_array();
    bool goes_on = status->planned && (status->plan.outcome == AFT_PLAN_FRESH ||
                                       status->plan.outcome == AFT_PLAN_RESUME);
    aft_json_set_string(document, "run", status->run);
    aft_json_set_integer(document, "stages_total", stages_total(status));
    aft_json_set_integer(document, "last_completed_stage",
                         status->planned ? status->plan.last_completed : 0);
    aft_json_set(document, "next_stage",
                 goes_on ? aft_json_integer(status->plan.next_stage) : aft_json_null());
    aft_json_set(document, "next_step",
                 goes_on ? aft_json_integer(status->plan.next_step) : aft_json_null());
    aft_json_set_string(document, "plan", status->planned ? status->plan.sentence : NULL);
    aft_json_set_boolean(document, "refused",
                         status->planned && status->plan.outcome == AFT_PLAN_REFUSE);
    aft_json_set_string(document, "report", status->planned ? status->plan.report : NULL);
    for (int i = 0; i < status->scan.n; i++) {
        aft_json_append(archives, entry_json(&status->scan.entries[i]));
    }
    aft_json_set(document, "archives", archives);
    aft_json_set_string(document, "liveness",
                        status->heartbeat ? aft_liveness_name(status->liveness) : NULL);
    aft_json_set(document, "heartbeat",
                 status->heartbeat ? aft_json_copy(status->heartbeat) : aft_json_null());
    enum aft_code code = aft_json_print(stdout, document, error);
    aft_json_destroy(document);
    return code;
}

static void print_entry(const struct status *status, const struct aft_scan_entry *entry)
{
    const char *name = aft_path_within(status->scan.folder, entry->path);
    char score[32] = "-";
    if (isfinite(entry->score)) {
        (void)snprintf(score, sizeof score, "%.3f", entry->score);
    }
    char attempt[48] = "";
    if (entry->attempt > 1) {
        (void)snprintf(attempt, sizeof attempt, ", attempt %" PRId64, entry->attempt);
    }
    (void)printf("  %-40s %-11s %5d %11" PRId64 " %9s  %s%s%s%s\n", name,
                 aft_archive_kind_name(entry->kind), entry->stage, entry->steps, score,
                 entry->valid ? "valid" : "BAD: ", entry->valid ? "" : entry->reason, attempt,
                 entry->set_aside ? " (set aside)" : "");
}

enum { HEARTBEAT_TEXT = 128 };

/* Another process wrote it. */
static const char *heartbeat_text(char out[HEARTBEAT_TEXT], const struct aft_json *object,
                                  const char *key)
{
    (void)snprintf(out, HEARTBEAT_TEXT, "%s", aft_json_get_string(object, key, "?"));
    aft_make_printable(out);
    return out;
}

/* That it is being trained, or that its process died without a word. */
static void print_heartbeat(const struct status *status)
{
    const struct aft_json *beat = status->heartbeat;
    const struct aft_json *process = aft_json_get(beat, "process");
    char step[AFT_TEXT_NUMBER], of[AFT_TEXT_NUMBER], rate[AFT_TEXT_NUMBER];
    char host[HEARTBEAT_TEXT], state[HEARTBEAT_TEXT], when[HEARTBEAT_TEXT];
    if (!beat || status->liveness == AFT_LIVENESS_ENDED) {
        return;
    }
    if (status->liveness == AFT_LIVENESS_DEAD) {
        (void)printf("Process %" PRId64
                     " on %s is gone, and did not say so; its last word was at "
                     "%s\n\n",
                     aft_json_get_integer(process, "pid", 0), heartbeat_text(host, process, "host"),
                     heartbeat_text(when, beat, "time"));
        return;
    }
    (void)printf("%s: process %" PRId64 " on %s, %s",
                 status->liveness == AFT_LIVENESS_RUNNING ? "Training now" : "No sign of life",
                 aft_json_get_integer(process, "pid", 0), heartbeat_text(host, process, "host"),
                 heartbeat_text(state, beat, "state"));
    if (aft_json_get_integer(beat, "stage", 0) > 0) {
        (void)printf(", stage %" PRId64 ", step %s of %s, %s steps/s",
                     aft_json_get_integer(beat, "stage", 0),
                     aft_text_count(step, aft_json_get_integer(beat, "step", 0)),
                     aft_text_count(of, aft_json_get_integer(beat, "stage_timesteps", 0)),
                     aft_text_rate(rate, aft_json_get_real(beat, "steps_per_s", NAN)));
    }
    if (status->liveness == AFT_LIVENESS_SILENT) {
        (void)printf("; last word at %s", heartbeat_text(when, beat, "time"));
    }
    (void)printf("\n\n");
}

static void print_text(const struct status *status)
{
    (void)printf("Run %s (%s)", status->run, status->folder);
    if (status->planned) {
        int total = stages_total(status);
        (void)printf(": %d of %d stage%s complete", status->plan.last_completed, total,
                     total == 1 ? "" : "s");
    }
    (void)printf("\n\n");
    print_heartbeat(status);
    if (status->scan.n > 0) {
        (void)printf("  %-40s %-11s %5s %11s %9s  %s\n", "archive", "kind", "stage", "steps",
                     "score", "state");
    } else {
        (void)printf("  no archives\n");
    }
    for (int i = 0; i < status->scan.n; i++) {
        print_entry(status, &status->scan.entries[i]);
    }
    if (!status->planned) {
        (void)printf(
            "\nWhat train would do is not known: there is no curriculum for this run "
            "here; name it with --curriculum\n");
        return;
    }
    (void)printf("\nWhat train would do:\n%s\n", status->plan.sentence);
    size_t length = strlen(status->plan.report);
    (void)printf("%s%s", status->plan.report,
                 length > 0 && status->plan.report[length - 1] != '\n' ? "\n" : "");
}

static int report(struct status *status)
{
    struct aft_error error = {.code = AFT_OK};
    enum aft_code code = find_folder(status, &error);
    if (code == AFT_OK) {
        code = name_run(status, &error);
    }
    if (code == AFT_OK) {
        code = aft_scan_folder(&status->scan, status->folder, &error);
    }
    if (code == AFT_OK) {
        code = make_plan(status, &error);
    }
    /* One that cannot be read is as good as none. */
    if (code == AFT_OK && aft_heartbeat_read(&status->heartbeat, status->folder, NULL) == AFT_OK) {
        status->liveness = aft_heartbeat_liveness(status->heartbeat, (double)time(NULL));
    }
    if (code == AFT_OK && status->json) {
        code = print_json(status, &error);
    } else if (code == AFT_OK) {
        print_text(status);
    }
    return code == AFT_OK ? AFT_EXIT_OK : aft_report_failure(&aft_command_status, &error);
}

static void clear(struct status *status)
{
    if (status->planned) {
        aft_plan_clear(&status->plan);
    }
    if (status->own_expectations) {
        free(status->expectations.stages); /* their settings are the scan's */
    } else {
        aft_expectations_clear(&status->expectations);
    }
    aft_json_destroy(status->heartbeat);
    aft_scan_clear(&status->scan);
    aft_curriculum_destroy(status->curriculum);
    aft_texts_clear(&status->settings);
}

static const struct aft_option options[] = {
    {.name = "curriculum",
     .value = "FILE",
     .help = "the curriculum to compare with",
     .kind = AFT_FILE,
     .offset = offsetof(struct status, curriculum_path)},
    {.name = "models",
     .value = "DIR",
     .help = "where runs are kept (default: models)",
     .kind = AFT_FOLDER,
     .offset = offsetof(struct status, models_dir),
     .environment = "AFTERSHOCK_MODELS"},
    {.name = "run-name",
     .value = "NAME",
     .help = "the run in that folder",
     .kind = AFT_TEXT,
     .accepts = aft_is_run_name,
     .expected = "the name of a folder",
     .offset = offsetof(struct status, run_name)},
    {.name = "resume",
     .value = "RULE",
     .help = "stage or latest, as for train",
     .kind = AFT_TEXT,
     .words = "stage latest",
     .offset = offsetof(struct status, resume),
     .environment = "AFTERSHOCK_RESUME"},
    {.name = "set",
     .value = "SECTION.KEY=VALUE",
     .help = "as for train; give what you would give to it",
     .kind = AFT_SETTING,
     .offset = offsetof(struct status, settings)},
    {.name = "json",
     .help = "one JSON document on standard output: run, stages_total, last_completed_stage, "
             "next_stage, next_step, plan, archives, liveness, heartbeat",
     .kind = AFT_FLAG,
     .offset = offsetof(struct status, json)},
    {0},
};

static int run(int argc, char **argv)
{
    struct status status = {.models_dir = "models"};
    int code;
    bool goes_on = aft_options_parse(&code, &status, &aft_command_status, argc, argv);
    if (goes_on && status.run_name != NULL &&
        aft_texts_add(&status.settings, "run.name", status.run_name) != AFT_OK) {
        (void)fprintf(stderr, "aftershock status: out of memory\n");
        code = AFT_EXIT_FAILED;
    } else if (goes_on && argc - optind > 1) {
        code =
            aft_usage_error(&aft_command_status, "expected one run folder, not %d", argc - optind);
    } else if (goes_on) {
        status.folder = optind < argc ? argv[optind] : NULL;
        if (status.folder == NULL && status.run_name == NULL) {
            code = aft_check_curriculum(&aft_command_status, status.curriculum_path);
        }
        code = code == AFT_EXIT_OK ? report(&status) : code;
    }
    clear(&status);
    return code;
}

static const struct aft_section description[] = {
    {.title = "DESCRIPTION",
     .prose = "Lists every archive in the run's folder, valid or not and why, and says what "
              "'train' would do next. Nothing is changed. Without RUN_DIR it is the run of the "
              "curriculum (stages.ini): models/NAME. The stages are those of --curriculum where "
              "it is given; else of stages.ini, if its run has the name of the folder; else those "
              "that the newest stage archive was trained with. A plan that train would refuse is "
              "reported, and is no failure of status. A run that is being trained is said to be, "
              "by its heartbeat.json, and so is one whose process died without a word."},
    {0},
};
static const struct aft_entry exit_codes[] = {AFT_COMMON_EXIT_CODES, {0}};
static const struct aft_entry examples[] = {
    {"aftershock status", ""},
    {"aftershock status models/default --json | jq .next_stage", ""},
    {0},
};

const struct aft_command aft_command_status = {
    .name = "status",
    .summary = "every archive of a run, valid or not, and what train would do next",
    .synopsis = "[RUN_DIR] [options]",
    .description = description,
    .options = options,
    .exit_codes = exit_codes,
    .examples = examples,
    .run = run,
};
