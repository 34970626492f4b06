/* What a mistyped word may have been meant to be. */
#ifndef AFT_CLI_SUGGESTION_H
#define AFT_CLI_SUGGESTION_H

/* The candidate nearest to the word; NULL where none is near. */
const char *aft_suggest(const char *word, const char *const *candidates, int n);

#endif
