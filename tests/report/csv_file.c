#include "csv_file.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

void csv_file_open(struct csv_file *file, const char *name)
{
    *file = (struct csv_file){.folder = "/tmp/aft_csv_XXXXXX"};
    assert_non_null(mkdtemp(file->folder));
    (void)snprintf(file->path, sizeof file->path, "%s/%s", file->folder, name);
}

void csv_file_close(struct csv_file *file)
{
    (void)unlink(file->path);
    assert_int_equal(rmdir(file->folder), 0); /* nothing else was left there */
    free(file->contents);
    file->contents = NULL;
}

const char *csv_file_read(struct csv_file *file)
{
    size_t size;
    free(file->contents);
    file->contents = NULL;
    assert_int_equal(aft_file_read(&file->contents, &size, file->path, 1 << 20, NULL), AFT_OK);
    return file->contents;
}

int csv_file_lines(struct csv_file *file)
{
    int n = 0;
    for (const char *at = csv_file_read(file); *at != '\0'; at++) {
        n += *at == '\n';
    }
    return n;
}
