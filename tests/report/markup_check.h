/* Looks at SVG and HTML as text. */
#ifndef AFT_TESTS_REPORT_MARKUP_CHECK_H
#define AFT_TESTS_REPORT_MARKUP_CHECK_H

int markup_count(const char *text, const char *what);

/* Every element that is opened is closed, in order; every '<' begins a tag and every
 * '&' an entity. */
void markup_assert_well_formed(const char *text);

/* No link, picture, script or font from elsewhere. */
void markup_assert_stands_alone(const char *text);

#endif
