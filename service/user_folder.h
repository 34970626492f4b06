/* Folders of the user, by the XDG base directory specification. */
#ifndef AFT_SERVICE_USER_FOLDER_H
#define AFT_SERVICE_USER_FOLDER_H

#include "base/error.h"

#include <limits.h>

/* out = "$variable/aftershock", or "$HOME/fallback/aftershock" where the variable is not set or
 * not a whole path; made where it is missing. MISSING where there is no HOME either. */
enum aft_code aft_user_folder(char out[PATH_MAX], const char *variable, const char *fallback,
                              struct aft_error *error);

#endif
