#include "buffer.h"

#include "layouts.h"

static bool has_room(Buffer *buffer, size_t count)
{
    if (buffer->used + count <= buffer->size)
        return true;
    size_t size = buffer->size ? buffer->size : 256;
    while (size < buffer->used + count)
        size *= 2;
    char *bytes = PyMem_RawRealloc(buffer->bytes, size);
    if (bytes == NULL) {
        PyErr_NoMemory();
        return false;
    }
    buffer->bytes = bytes;
    buffer->size = size;
    return true;
}

bool buffer_add(Buffer *buffer, const void *bytes, size_t count)
{
    if (!has_room(buffer, count))
        return false;
    memcpy(buffer->bytes + buffer->used, bytes, count);
    buffer->used += count;
    return true;
}

bool buffer_add_record(Buffer *buffer, void *record, size_t size, const void *part, size_t part_size)
{
    size_t length = record_length(size + part_size);
    if (length > MAX_RECORD) {
        PyErr_SetString(PyExc_ValueError, "a record is longer than any may be");
        return false;
    }
    if (!has_room(buffer, length))
        return false;
    uint32_t written = (uint32_t)length;
    memcpy(record, &written, sizeof written);
    char *target = buffer->bytes + buffer->used;
    memset(target, 0, length);
    memcpy(target, record, size);
    if (part_size)
        memcpy(target + size, part, part_size);
    buffer->used += length;
    return true;
}

void buffer_free(Buffer *buffer)
{
    PyMem_RawFree(buffer->bytes);
    *buffer = (Buffer){0};
}

size_t record_length(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}
