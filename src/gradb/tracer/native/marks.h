/* Which ends of names may stand in a text of JSON: one look at it tells of most names that they do not. */

#ifndef GRADB_MARKS_H
#define GRADB_MARKS_H

#include "buffer.h"

#define MARK_BITS 1024

/* The ends of all texts within one, as bits. */
typedef struct {
    uint64_t bits[MARK_BITS / 64];
} Marks;

void marks_find(Marks *marks, const char *text, size_t size);

/* Add the numbers of the bits of which one is there wherever a mark is: the end of a name, as `event_names.mark_of` returns
   it. False with an error set. */
bool marks_add(Buffer *numbers, PyObject *mark);

/* Tell whether there is a bit of some. */
bool marks_have(const Marks *marks, const Buffer *numbers);

#endif
