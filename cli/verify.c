/* aftershock verify: are these archives sound? */
#include "cli/options.h"
#include "recovery/scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* They fill one bool. */
static const struct aft_option options[] = {
    {.name = "json",
     .help = "one JSON document on standard output: [{path, valid, reason}]",
     .kind = AFT_FLAG},
    {0},
};

struct findings {
    struct aft_json *list; /* NULL: text for people */
    int sound, bad;
};

static void add(struct findings *findings, const char *path, bool valid, const char *reason)
{
    if (valid) {
        findings->sound++;
    } else {
        findings->bad++;
    }
    if (!findings->list) {
        (void)printf("%-7s %s%s%s\n", valid ? "sound" : "BAD", path, valid ? "" : ": ",
                     valid ? "" : reason);
        return;
    }
    struct aft_json *item = aft_json_object();
    aft_json_set_string(item, "path", path);
    aft_json_set_boolean(item, "valid", valid);
    aft_json_set_string(item, "reason", valid ? "" : reason);
    aft_json_append(findings->list, item);
}

static enum aft_code verify_folder(struct findings *findings, const char *path,
                                   struct aft_error *error)
{
    struct aft_scan scan;
    enum aft_code code = aft_scan_folder(&scan, path, error);
    if (code != AFT_OK) {
        return code;
    }
    for (int i = 0; i < scan.n; i++) {
        add(findings, scan.entries[i].path, scan.entries[i].valid, scan.entries[i].reason);
    }
    if (scan.n == 0) {
        (void)fprintf(stderr, "aftershock verify: no archives in '%s'\n", path);
    }
    aft_scan_clear(&scan);
    return AFT_OK;
}

static void verify_file(struct findings *findings, const char *path)
{
    struct aft_archive *archive = NULL;
    struct aft_error reason;
    if (aft_archive_open(&archive, path, &reason) == AFT_OK) {
        add(findings, path, true, "");
        aft_archive_close(archive);
    } else {
        add(findings, path, false, reason.message);
    }
}

static int verify(struct findings *findings, char **paths, int n)
{
    struct aft_error error;
    struct stat status;
    for (int i = 0; i < n; i++) { /* all of them first: nothing is half done */
        if (stat(paths[i], &status) != 0) {
            return aft_usage_error(&aft_command_verify, "'%s': %s", paths[i], strerror(errno));
        }
    }
    for (int i = 0; i < n; i++) {
        enum aft_code code = AFT_OK;
        if (stat(paths[i], &status) == 0 && S_ISDIR(status.st_mode)) {
            code = verify_folder(findings, paths[i], &error);
        } else {
            verify_file(findings, paths[i]);
        }
        if (code != AFT_OK) {
            return aft_report_failure(&aft_command_verify, &error);
        }
    }
    if (findings->list && aft_json_print(stdout, findings->list, &error) != AFT_OK) {
        return aft_report_failure(&aft_command_verify, &error);
    }
    if (!findings->list && findings->sound + findings->bad > 1) {
        (void)printf("%d sound, %d bad\n", findings->sound, findings->bad);
    }
    return findings->bad ? AFT_EXIT_REFUSED : AFT_EXIT_OK;
}

static int run(int argc, char **argv)
{
    bool json = false;
    int code;
    if (!aft_options_parse(&code, &json, &aft_command_verify, argc, argv)) {
        return code;
    }
    if (optind >= argc) {
        return aft_usage_error(&aft_command_verify, "expected archives or folders");
    }
    struct findings findings = {.list = json ? aft_json_array() : NULL};
    code = verify(&findings, argv + optind, argc - optind);
    aft_json_destroy(findings.list);
    return code;
}

static const struct aft_section description[] = {
    {.title = "DESCRIPTION",
     .prose = "Reads every archive named, and every archive in each folder named (and in its "
              "checkpoints/), and checks the digest over the whole file, the manifest, the SHA-256 "
              "and CRC of every member, and that all weights are finite. Nothing is changed."},
    {0},
};
static const struct aft_entry exit_codes[] = {{"0", "all are sound"},
                                              {"1", "a folder cannot be read"},
                                              {"2", "bad usage, or a path that does not exist"},
                                              {"3", "at least one archive is not sound"},
                                              {0}};
static const struct aft_entry examples[] = {
    {"aftershock verify models/default", ""},
    {"aftershock verify backup/stage*.zip", ""},
    {0},
};

const struct aft_command aft_command_verify = {
    .name = "verify",
    .summary = "checks archives or run folders in full",
    .synopsis = "[--json] PATH...",
    .description = description,
    .options = options,
    .exit_codes = exit_codes,
    .examples = examples,
    .run = run,
};
