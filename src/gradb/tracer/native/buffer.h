/* Bytes that grow, and records in them. */

#ifndef GRADB_BUFFER_H
#define GRADB_BUFFER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX_RECORD ((size_t)1 << 30)

typedef struct {
    char *bytes;
    size_t used, size;
} Buffer;

/* Have room for so many bytes more, at `bytes + used`. */
bool buffer_reserve(Buffer *buffer, size_t count);

/* Each that adds returns false with an error set where there is no memory; then nothing was added. These are inline since
   most of what is added is a few characters, and known when it is compiled. */
static inline bool buffer_add(Buffer *buffer, const void *bytes, size_t count)
{
    if (buffer->used + count > buffer->size && !buffer_reserve(buffer, count))
        return false;
    if (count) /* what is empty may lie nowhere */
        memcpy(buffer->bytes + buffer->used, bytes, count);
    buffer->used += count;
    return true;
}

static inline bool buffer_add_text(Buffer *buffer, const char *text)
{
    return buffer_add(buffer, text, strlen(text));
}

/* Add the text of a number, or a string as UTF-8 (with "?" for what is none). */
bool buffer_add_integer(Buffer *buffer, int64_t number);
bool buffer_add_string(Buffer *buffer, PyObject *string);

/* Add a record: its beginning, whose `length` is filled in here, and a part behind it. */
bool buffer_add_record(Buffer *buffer, void *record, size_t size, const void *part, size_t part_size);

void buffer_free(Buffer *buffer);

/* Return the length of a record of so many bytes: a multiple of what the next is aligned to. */
size_t record_length(size_t size);

#endif
