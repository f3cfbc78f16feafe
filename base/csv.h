// Tables of text (RFC 4180), read whole and taken apart in place.
#ifndef FOIL_BASE_CSV_H
#define FOIL_BASE_CSV_H

#include <stdbool.h>

#include "base/status.h"

enum { CSV_FIELDS = 64 };

typedef struct csv_reader {
    const char *path;
    char *bytes; // the file; fields of all records point into it until csv_close
    char *at;    // the next record
    int line;    // where that begins
    int record;  // line where the record in `field` begins
    int fields;
    char *field[CSV_FIELDS];
} csv_reader;

foil_status csv_open(const char *path, csv_reader *out); // a byte order mark is passed over; zero bytes are an error
void csv_close(csv_reader *c);
// The next record's fields, in place; *more = false at the end. Empty lines are passed over.
foil_status csv_next(csv_reader *c, bool *more);
// column[i] = the place of names[i] (NULL ends) in the current record, a header, or -1.
void csv_columns(const csv_reader *c, const char *const *names, int *column);
const char *csv_value(const csv_reader *c, int column); // "" if there is none
// "path:line: what" about the current record.
foil_status csv_wrong(const csv_reader *c, const char *what);

#endif
