/*
 * TensorBoard's event files: records of `u64 length | masked CRC-32C of it |
 * payload | masked CRC-32C of it`, each payload an Event in protocol-buffer
 * encoding (tensorboard/compat/proto/event.proto, summary.proto), the first one
 * file_version "brain.Event:2". Scalars are simple_value, texts a string tensor
 * for the text plugin.
 *
 * A run has several files, one of each process that trained. TensorBoard reads
 * them in the order of their names. Within one, steps never decrease; so when
 * training returns to a step, the end of a file goes, by truncation.
 */
#ifndef AFT_REPORT_EVENT_FILE_H
#define AFT_REPORT_EVENT_FILE_H

#include "report/append_file.h"

#include <stdbool.h>
#include <stdint.h>

#define AFT_EVENT_FILE_PREFIX "events.out.tfevents."
#define AFT_EVENT_FILE_WRITER "aftershock" /* in the first event: the file is ours */

enum { AFT_EVENT_FILE_RECORD = 1 << 16 };

struct aft_event_file {
    struct aft_append_file file;
    size_t used;    /* of the record that is being made; beyond its room: it is not written */
    size_t summary; /* where its summary begins */
    unsigned char record[AFT_EVENT_FILE_RECORD];
};

/* The masked CRC-32C. */
uint32_t aft_event_file_crc(const void *bytes, size_t size);

/* What is known of the files that are there. */
struct aft_event_files {
    int64_t newest; /* the largest number of seconds in a name; 0: there are none */
    bool has_tag;   /* one of the events that stay has the tag at keep_step */
};

/* Removes the events beyond keep_step, and what a kill left of a record, from the files in the
 * folder that this program wrote (their first event says so); files without events go. One that
 * cannot be read or shortened is mentioned on standard error, and left as it is. */
enum aft_code aft_event_files_trim(struct aft_event_files *found, const char *folder,
                                   int64_t keep_step, const char *tag, struct aft_error *error);

/* Creates a file whose name sorts behind that of the newest, and tells readers that had seen
 * events of this step or later to forget them. */
enum aft_code aft_event_file_create(struct aft_event_file *file, const char *folder, int64_t newest,
                                    int64_t step, struct aft_error *error);

/* A summary at a step: begun, filled, and written as one record by one write(). Numbers that are
 * not finite are left out. Text is Markdown. */
void aft_event_file_begin(struct aft_event_file *file, double unix_time, int64_t step);
void aft_event_file_scalar(struct aft_event_file *file, const char *tag, double value);
void aft_event_file_text(struct aft_event_file *file, const char *tag, const char *text);
void aft_event_file_write(struct aft_event_file *file);

void aft_event_file_close(struct aft_event_file *file);

#endif
