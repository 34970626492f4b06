/* The curricula whose settings are measured, as they stood when this module was built. */
#include "runner/bench/bench.h"

static const char stages[] = {
#include "stages.ini.inc"
};
static const char v9_advanced[] = {
#include "v9_advanced.ini.inc"
};

const char *aft_bench_curriculum_name(enum aft_bench_curriculum which)
{
    return which == AFT_BENCH_STAGES ? "stages.ini" : "v9_advanced.ini";
}

const char *aft_bench_curriculum_text(enum aft_bench_curriculum which, size_t *size)
{
    *size = which == AFT_BENCH_STAGES ? sizeof stages : sizeof v9_advanced;
    return which == AFT_BENCH_STAGES ? stages : v9_advanced;
}

enum aft_code aft_bench_curriculum_parse(struct aft_curriculum **curriculum,
                                         enum aft_bench_curriculum which, const char *override,
                                         struct aft_error *error)
{
    size_t size = 0;
    const char *text = aft_bench_curriculum_text(which, &size);
    return aft_curriculum_parse(curriculum, text, size, aft_bench_curriculum_name(which), &override,
                                override != NULL ? 1 : 0, error);
}
