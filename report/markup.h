/* What everything that is drawn or written as SVG and HTML shares. */
#ifndef AFT_REPORT_MARKUP_H
#define AFT_REPORT_MARKUP_H

#include <stdio.h>

/* Text between tags or within a quoted attribute: what has a meaning there is escaped,
 * control characters are left out. */
void aft_markup_text(FILE *out, const char *text);

/* 1, 2 or 5 times a power of ten: about `wanted` steps over the range. */
double aft_tick_step(double range, int wanted);

#endif
