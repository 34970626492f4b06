/* The secret that lets a client change things: from the environment, from a file, or made. */
#ifndef AFT_SERVICE_TOKEN_H
#define AFT_SERVICE_TOKEN_H

#include "base/error.h"

#include <limits.h>

enum { AFT_TOKEN_LEAST = 16, AFT_TOKEN_MOST = 256 }; /* printable characters without spaces */

struct aft_token {
    char text[AFT_TOKEN_MOST + 1];
    char path[PATH_MAX]; /* the file it is in; "" where it is of the environment */
};

/* path: a file that holds it; NULL: the variable AFTERSHOCK_TOKEN, else the user's own file,
 * which is made with 256 random bits, readable by the user alone, where it is missing. USAGE for
 * a token too short, too long or of other characters; REFUSED where others may read the file. */
enum aft_code aft_token_find(struct aft_token *token, const char *path, struct aft_error *error);

#endif
