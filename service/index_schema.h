/* The tables of the index, and a database that has them. */
#ifndef AFT_SERVICE_INDEX_SCHEMA_H
#define AFT_SERVICE_INDEX_SCHEMA_H

#include "service/database.h"

/* Opens the database at path for the runs of that models folder, with empty tables where it is
 * new, of another format, of another folder, or damaged. REFUSED where another program's file
 * is there. */
enum aft_code aft_index_database_open(struct aft_database **database, const char *path,
                                      const char *models, struct aft_error *error);

/* Makes the tables anew in a database that turned out to be damaged. */
enum aft_code aft_index_database_renew(struct aft_database *database, const char *models,
                                       struct aft_error *error);

#endif
