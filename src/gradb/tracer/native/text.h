/* The text of the wire form `V` of a value, as gradb.tape.wire writes it in Python. */

#ifndef GRADB_TEXT_H
#define GRADB_TEXT_H

#include "buffer.h"
#include "statistics.h"

/* Each returns a new string, or NULL with an error set; `offset` is where the bytes lie in the event's data. */
PyObject *text_of_whole(const View *view, int64_t offset);
PyObject *text_of_summary(const View *view, Statistics *found, int64_t offset);

/* The same, added to a buffer; false with an error set. */
bool text_add_whole(Buffer *buffer, const View *view, int64_t offset);
bool text_add_summary(Buffer *buffer, const View *view, Statistics *found, int64_t offset);

/* The statistics alone, up to where the corner lies. These keep their text: the digits of a double take long to find. */
PyObject *text_of_numbers(Statistics *found);

#endif
