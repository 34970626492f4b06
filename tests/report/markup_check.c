#include "markup_check.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_DEPTH = 32, MAX_NAME = 32 };

int markup_count(const char *text, const char *what)
{
    size_t length = strlen(what);
    int n = 0;
    for (; *text != '\0'; text++) {
        n += strncmp(text, what, length) == 0;
    }
    return n;
}

/* After an attribute's value there is a blank or the end; quotes are in pairs. */
static const char *end_of_tag(const char *at)
{
    char quote = '\0';
    for (; *at != '\0' && (quote != '\0' || *at != '>'); at++) {
        if (*at == '"') {
            quote = quote == '\0' ? '"' : '\0';
        }
        assert_true(quote == '\0' || *at != '<');
    }
    assert_int_equal(*at, '>');
    return at;
}

static void assert_entities(const char *text)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;"};
    for (const char *at = strchr(text, '&'); at != NULL; at = strchr(at + 1, '&')) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            found = found || strncmp(at, known[i], strlen(known[i])) == 0;
        }
        assert_true(found);
    }
}

void markup_assert_well_formed(const char *text)
{
    char open[MAX_DEPTH][MAX_NAME];
    int depth = 0;
    assert_entities(text);
    for (const char *at = strchr(text, '<'); at != NULL;) {
        const char *end = end_of_tag(at);
        const char *name = at + 1 + (at[1] == '/');
        size_t n = strcspn(name, " >/\n");
        assert_true(isalpha((unsigned char)*name) || *name == '!');
        if (at[1] == '/') {
            if (depth == 0 || strlen(open[depth - 1]) != n ||
                strncmp(open[depth - 1], name, n) != 0) {
                fail_msg("</%.*s> closes <%s>", (int)n, name, depth > 0 ? open[depth - 1] : "");
            }
            depth--;
        } else if (end[-1] != '/' && *name != '!') {
            assert_true(depth < MAX_DEPTH && n < MAX_NAME);
            (void)snprintf(open[depth++], MAX_NAME, "%.*s", (int)n, name);
        }
        at = strchr(end, '<');
    }
    assert_int_equal(depth, 0);
}

void markup_assert_stands_alone(const char *text)
{
    static const char *const foreign[] = {"<script", "<link",   "<img",       "<iframe",    "src=",
                                          "url(",    "@import", "@font-face", "javascript:"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        assert_null(strstr(text, foreign[i]));
    }
    for (const char *at = strstr(text, "href="); at != NULL; at = strstr(at + 1, "href=")) {
        assert_memory_equal(at, "href=\"#", 7); /* a place within the page */
    }
    /* The one address is the name of SVG. */
    assert_int_equal(markup_count(text, "://"),
                     markup_count(text, "xmlns=\"http://www.w3.org/2000/svg\""));
}
