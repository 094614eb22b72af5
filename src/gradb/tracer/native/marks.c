#include "marks.h"

/* Return the number of the bit for the last two characters of a text. */
static uint16_t number_of(char before, char last)
{
    return (uint16_t)(((unsigned char)before * 33u ^ (unsigned char)last * 5u) % MARK_BITS);
}

static void note(Marks *marks, const char *quote)
{
    uint16_t number = number_of(quote[-2], quote[-1]);
    marks->bits[number / 64] |= UINT64_C(1) << number % 64;
}

/* Return eight characters with the highest bit of each byte set that is a quote, and perhaps of a `#` behind one. */
static uint64_t quotes_in(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    word ^= UINT64_C(0x2222222222222222);
    return (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

void marks_find(Marks *marks, const char *text, size_t size)
{
    size_t i = 2;
    *marks = (Marks){{0}};
    for (; __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && i + 8 <= size; i += 8)
        for (uint64_t quotes = quotes_in(text + i); quotes; quotes &= quotes - 1)
            note(marks, text + i + __builtin_ctzll(quotes) / 8);
    for (; i < size; i++)
        if (text[i] == '"')
            note(marks, text + i);
}

bool marks_add(Buffer *numbers, PyObject *mark)
{
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(mark, &size);
    if (text == NULL)
        return false;
    if (size < 2) {
        PyErr_SetString(PyExc_ValueError, "the end of a name is at least a character and a quote");
        return false;
    }
    if (size > 2) {
        uint16_t number = number_of(text[size - 3], text[size - 2]);
        return buffer_add(numbers, &number, sizeof number);
    }
    const uint16_t whole[] = {number_of('"', *text), number_of('.', *text)}; /* what stands before a name */
    return buffer_add(numbers, whole, sizeof whole);
}

bool marks_have(const Marks *marks, const Buffer *numbers)
{
    const uint16_t *all = (const uint16_t *)(const void *)numbers->bytes;
    for (size_t i = 0; i < numbers->used / sizeof *all; i++)
        if (marks->bits[all[i] / 64] >> all[i] % 64 & 1)
            return true;
    return false;
}
