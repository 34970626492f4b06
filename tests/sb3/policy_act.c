/*
 * policy_act ARCHIVE ROWS OBS_DIM: reads ROWS x OBS_DIM float32 from standard input and
 * writes ROWS mean actions, then ROWS values, as float32 to standard output.
 */
#include "forward.h"

#include <stdio.h>
#include <stdlib.h>

static int answer(const char *path, int rows, int obs_dim)
{
    struct aft_archive *archive = NULL;
    struct aft_error error = {0};
    size_t n = (size_t)rows * (size_t)obs_dim;
    float *obs = calloc(n, sizeof *obs);
    float *out = calloc(2 * (size_t)rows, sizeof *out);
    enum aft_code code = AFT_ERR_IO;
    if (obs != NULL && out != NULL && fread(obs, sizeof *obs, n, stdin) == n) {
        code = aft_archive_open_any(&archive, path, &error);
    }
    if (code == AFT_OK) {
        code = forward_of_archive(out, out + rows, archive, obs, rows, &error);
        aft_archive_close(archive);
    }
    if (code == AFT_OK && fwrite(out, sizeof *out, 2 * (size_t)rows, stdout) != 2 * (size_t)rows) {
        code = AFT_ERR_IO;
    }
    if (code != AFT_OK) {
        (void)fprintf(stderr, "policy_act: %s\n", error.message);
    }
    free(obs);
    free(out);
    return code == AFT_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    int rows = argc == 4 ? atoi(argv[2]) : 0;
    int obs_dim = argc == 4 ? atoi(argv[3]) : 0;
    return rows > 0 && obs_dim > 0 ? answer(argv[1], rows, obs_dim) : 2;
}
