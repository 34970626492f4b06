/* How the report's page looks, beside its plots (svg_plot.h). */
#ifndef AFT_REPORT_HTML_STYLE_H
#define AFT_REPORT_HTML_STYLE_H

extern const char aft_html_style[]; /* a <style> element */

#endif
