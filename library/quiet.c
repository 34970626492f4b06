#include "library/quiet.h"

#include <pthread.h>

enum aft_code aft_quiet_begin(struct aft_quiet *quiet, struct aft_error *error)
{
    sigset_t all;
    quiet->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (quiet->plain == (locale_t)0) {
        return aft_fail_errno(error, "choose the locale 'C'");
    }
    quiet->kept = uselocale(quiet->plain);
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &quiet->signals);
    return AFT_OK;
}

void aft_quiet_end(struct aft_quiet *quiet)
{
    (void)pthread_sigmask(SIG_SETMASK, &quiet->signals, NULL);
    (void)uselocale(quiet->kept);
    freelocale(quiet->plain);
}
