#include "buffer.h"

#include "layouts.h"

bool buffer_reserve(Buffer *buffer, size_t count)
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

bool buffer_add_integer(Buffer *buffer, int64_t number)
{
    char digits[20], *first = digits + sizeof digits;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    if (left < 10 && number >= 0) {
        *digits = (char)('0' + left);
        return buffer_add(buffer, digits, 1);
    }
    do
        *--first = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0)
        *--first = '-';
    return buffer_add(buffer, first, (size_t)(digits + sizeof digits - first));
}

bool buffer_add_string(Buffer *buffer, PyObject *string)
{
    Py_ssize_t length;
    const char *bytes = PyUnicode_AsUTF8AndSize(string, &length);
    if (bytes != NULL)
        return buffer_add(buffer, bytes, (size_t)length);
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return false;
    PyErr_Clear();
    PyObject *encoded = PyUnicode_AsEncodedString(string, "utf-8", "replace");
    bool is_done =
        encoded != NULL && buffer_add(buffer, PyBytes_AS_STRING(encoded), (size_t)PyBytes_GET_SIZE(encoded));
    Py_XDECREF(encoded);
    return is_done;
}

bool buffer_add_record(Buffer *buffer, void *record, size_t size, const void *part, size_t part_size)
{
    size_t length = record_length(size + part_size);
    if (length > MAX_RECORD) {
        PyErr_SetString(PyExc_ValueError, "a record is longer than any may be");
        return false;
    }
    if (!buffer_reserve(buffer, length))
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
