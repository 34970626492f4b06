/* The dashboard's files: all of them are embedded as they are, and they need nothing from outside.
 */
#include "service/web_assets.h"

#include "base/digest.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int files_seen;

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = '\0';
    (void)fclose(file);
    return bytes;
}

static int compare_file(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    const char *name = path + walk->base;
    if (type != FTW_F || strcmp(name, "README.md") == 0) {
        return 0;
    }
    const struct aft_web_asset *asset = aft_web_asset(name);
    if (asset == NULL) {
        fail_msg("'%s' is not embedded", path);
    }
    size_t size;
    char *bytes = read_file(path, &size);
    assert_int_equal(asset->size, size);
    assert_memory_equal(asset->bytes, bytes, size);
    free(bytes);
    files_seen++;
    return 0;
}

static void web_assets__are_the_files_as_they_are(void **state)
{
    (void)state;
    assert_int_equal(nftw(AFT_SOURCE_DIR "/service/web", compare_file, 8, FTW_PHYS), 0);
    assert_true(files_seen >= 10);
    assert_null(aft_web_asset("README.md"));
    assert_null(aft_web_asset(""));
}

static void web_assets__have_one_name_and_their_digest(void **state)
{
    (void)state;
    for (const struct aft_web_asset *asset = aft_web_assets(); asset->name != NULL; asset++) {
        char hex[AFT_SHA256_HEX_SIZE];
        aft_sha256_hex(asset->bytes, asset->size, hex);
        assert_string_equal(asset->etag, hex);
        assert_ptr_equal(aft_web_asset(asset->name), asset); /* the first of that name */
    }
    assert_string_equal(aft_web_asset("index.html")->content_type, "text/html; charset=utf-8");
    assert_string_equal(aft_web_asset("app.js")->content_type, "text/javascript; charset=utf-8");
}

static bool is_ours(const struct aft_web_asset *asset)
{
    return strncmp(asset->name, "uPlot", 5) != 0 && strcmp(asset->name, "LICENSE") != 0 &&
           strcmp(asset->name, "openapi.json") != 0;
}

static char *text_of(const struct aft_web_asset *asset)
{
    char *text = malloc(asset->size + 1);
    assert_non_null(text);
    memcpy(text, asset->bytes, asset->size);
    text[asset->size] = '\0';
    return text;
}

/* An address of another host is "//" behind a colon or a quote; SVG's name is no address. */
static void check_addresses(const char *name, const char *text)
{
    static const char svg[] = "http://www.w3.org/2000/svg";
    for (const char *found = strstr(text, "//"); found != NULL; found = strstr(found + 2, "//")) {
        char before = found > text ? found[-1] : ' ';
        bool address = before == ':' || before == '"' || before == '\'' || before == '(';
        bool space = found - text >= 5 && strncmp(found - 5, svg, sizeof svg - 1) == 0;
        if (address && !space) {
            fail_msg("%s names another host: %.60s", name, found - 1);
        }
    }
}

static void web_assets__name_no_other_host_and_keep_the_policy(void **state)
{
    (void)state;
    static const char *const never[] = {"innerHTML",   "outerHTML", "insertAdjacentHTML",
                                        "eval(",       "Function(", "document.write",
                                        "javascript:", "@import",   "url("};
    for (const struct aft_web_asset *asset = aft_web_assets(); asset->name != NULL; asset++) {
        if (!is_ours(asset)) {
            continue;
        }
        char *text = text_of(asset);
        check_addresses(asset->name, text);
        for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
            if (strstr(text, never[i]) != NULL) {
                fail_msg("%s has %s", asset->name, never[i]);
            }
        }
        free(text);
    }
    char *page = text_of(aft_web_asset("index.html"));
    assert_null(strstr(page, "style="));
    assert_null(strstr(page, "<style"));
    assert_null(strstr(page, " on"));
    assert_null(strstr(page, "<script>"));
    free(page);
}

/* Every name between that text and a double quote is an asset; returns how many there are. */
static int check_references(const char *text, const char *before)
{
    int n = 0;
    for (const char *found = strstr(text, before); found != NULL; found = strstr(found, before)) {
        char name[64];
        found += strlen(before);
        size_t length = strcspn(found, "\"");
        assert_true(length < sizeof name);
        memcpy(name, found, length);
        name[length] = '\0';
        if (aft_web_asset(name) == NULL) {
            fail_msg("there is no asset '%s'", name);
        }
        n++;
    }
    return n;
}

static void web_assets__refer_to_each_other(void **state)
{
    (void)state;
    int imports = 0;
    for (const struct aft_web_asset *asset = aft_web_assets(); asset->name != NULL; asset++) {
        if (!is_ours(asset)) {
            continue;
        }
        char *text = text_of(asset);
        imports += check_references(text, "from \"./");
        (void)check_references(text, "\"assets/");
        free(text);
    }
    char *page = text_of(aft_web_asset("index.html"));
    assert_true(check_references(page, "\"assets/") >= 4);
    assert_true(imports >= 10);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(web_assets__are_the_files_as_they_are),
        cmocka_unit_test(web_assets__have_one_name_and_their_digest),
        cmocka_unit_test(web_assets__name_no_other_host_and_keep_the_policy),
        cmocka_unit_test(web_assets__refer_to_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
