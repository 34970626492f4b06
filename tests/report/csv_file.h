/* A metric file in a temporary folder of its own. */
#ifndef AFT_TESTS_REPORT_CSV_FILE_H
#define AFT_TESTS_REPORT_CSV_FILE_H

struct csv_file {
    char folder[64], path[96];
    char *contents; /* as read last */
};

void csv_file_open(struct csv_file *file, const char *name);
void csv_file_close(struct csv_file *file);

/* Valid until it is read again. */
const char *csv_file_read(struct csv_file *file);
int csv_file_lines(struct csv_file *file);

#endif
