#include "text.h"

#include <math.h>

#define DIGITS 20                         /* of the longest integer, with its sign */
#define LONGEST_FLOAT 32                  /* of what `repr` writes */
#define ROOM ((DIGITS + 1) * MAX_DIM + 4 * LONGEST_FLOAT + 6 * (DIGITS + 1) + 64)

_Static_assert(NUMBERS >= 4 * LONGEST_FLOAT + 3 * DIGITS + 6, "what is written of statistics has room");

typedef struct {
    char *end;
    char start[ROOM];
} Text;

static void add(Text *text, const char *part)
{
    size_t length = strlen(part);
    memcpy(text->end, part, length);
    text->end += length;
}

static void add_integer(Text *text, int64_t number)
{
    char digits[DIGITS], *first = digits + sizeof digits;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do
        *--first = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0)
        *text->end++ = '-';
    memcpy(text->end, first, (size_t)(digits + sizeof digits - first));
    text->end += digits + sizeof digits - first;
}

/* Write a number as `json` does, which also reads it back; false without memory. */
static bool add_number(Text *text, double number)
{
    if (isnan(number))
        add(text, "NaN");
    else if (isinf(number))
        add(text, number > 0 ? "Infinity" : "-Infinity");
    else {
        char *written = PyOS_double_to_string(number, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
        if (written == NULL)
            return false;
        add(text, written);
        PyMem_Free(written);
    }
    return true;
}

static void begin(Text *text, const View *view)
{
    text->end = text->start;
    add(text, "[[");
    for (int64_t dim = 0; dim < view->dim; dim++) {
        if (dim)
            *text->end++ = ',';
        add_integer(text, view->sizes[dim]);
    }
    add(text, "],\"");
    add(text, view->dtype->name);
    add(text, "\",");
}

static PyObject *finish(const Text *text)
{
    Py_ssize_t length = text->end - text->start;
    PyObject *string = PyUnicode_New(length, 127);
    if (string != NULL)
        memcpy(PyUnicode_1BYTE_DATA(string), text->start, (size_t)length);
    return string;
}

static bool add_bound(Text *text, const Statistics *found, double bound)
{
    if (found->has_finite)
        return add_number(text, bound);
    add(text, "null");
    return true;
}

static bool write_numbers(Text *text, const Statistics *found)
{
    const int64_t counts[] = {found->nan, found->posinf, found->neginf};
    if (!add_bound(text, found, found->low))
        return false;
    add(text, ",");
    if (!add_bound(text, found, found->high))
        return false;
    add(text, ",");
    if (!add_number(text, found->mean))
        return false;
    add(text, ",");
    if (!add_number(text, found->norm))
        return false;
    for (int i = 0; i < 3; i++) {
        add(text, ",");
        add_integer(text, counts[i]);
    }
    return true;
}

static bool add_numbers(Text *text, Statistics *found)
{
    char *start = text->end;
    if (found->numbers_size) {
        memcpy(start, found->numbers, (size_t)found->numbers_size);
        text->end += found->numbers_size;
        return true;
    }
    if (!write_numbers(text, found))
        return false;
    found->numbers_size = (int)(text->end - start);
    memcpy(found->numbers, start, (size_t)found->numbers_size);
    return true;
}

PyObject *text_of_numbers(Statistics *found)
{
    Text text;
    text.end = text.start;
    return add_numbers(&text, found) ? finish(&text) : PyErr_NoMemory();
}

static void write_whole(Text *text, const View *view, int64_t offset)
{
    begin(text, view);
    add_integer(text, offset);
    add(text, ",null,\"\"]");
}

/* False without memory. */
static bool write_summary(Text *text, const View *view, Statistics *found, int64_t offset)
{
    begin(text, view);
    add(text, "null,[");
    if (!add_numbers(text, found))
        return false;
    add(text, ",");
    add_integer(text, offset);
    add(text, ",");
    add_integer(text, found->corner_count);
    add(text, ",");
    if (found->first >= 0)
        add_integer(text, found->first);
    else
        add(text, "null");
    add(text, "],\"\"]");
    return true;
}

PyObject *text_of_whole(const View *view, int64_t offset)
{
    Text text;
    write_whole(&text, view, offset);
    return finish(&text);
}

PyObject *text_of_summary(const View *view, Statistics *found, int64_t offset)
{
    Text text;
    return write_summary(&text, view, found, offset) ? finish(&text) : PyErr_NoMemory();
}

bool text_add_whole(Buffer *buffer, const View *view, int64_t offset)
{
    Text text;
    write_whole(&text, view, offset);
    return buffer_add(buffer, text.start, (size_t)(text.end - text.start));
}

bool text_add_summary(Buffer *buffer, const View *view, Statistics *found, int64_t offset)
{
    Text text;
    if (!write_summary(&text, view, found, offset)) {
        PyErr_NoMemory();
        return false;
    }
    return buffer_add(buffer, text.start, (size_t)(text.end - text.start));
}
