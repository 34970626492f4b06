#include "record_check.h"

#include "environment/record_reader.h"
#include "fuzz.h"

#include <math.h>

void record_check(const uint8_t *data, size_t size, const char *path)
{
    struct aft_record record;
    struct aft_error error = {0};
    enum aft_code code = aft_record_parse(&record, (const char *)data, size, path, &error);
    if (code != AFT_OK) {
        FUZZ_CHECK(record.acceleration_m_s2 == NULL && record.n == 0);
        fuzz_check_failure(code, &error, AFT_ERR_USAGE, AFT_ERR_USAGE);
        return;
    }
    FUZZ_CHECK(record.n >= 2 && record.n <= AFT_RECORD_MAX_SAMPLES);
    FUZZ_CHECK(record.dt_s > 0.0 && record.dt_s <= 10.0);
    for (size_t i = 0; i < record.n; i++) {
        FUZZ_CHECK(isfinite(record.acceleration_m_s2[i]));
    }
    aft_record_clear(&record);
}
