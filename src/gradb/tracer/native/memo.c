#include "memo.h"

static size_t index_of(PyObject *first, PyObject *second, long number)
{
    uintptr_t mixed = ((uintptr_t)first >> 4) * 31 + ((uintptr_t)second >> 4) * 17 + (uintptr_t)number;
    return (mixed ^ (mixed >> 8)) % MEMOS;
}

PyObject *memo_find(const Memo *memo, PyObject *first, PyObject *second, long number)
{
    const MemoEntry *entry = &memo->entries[index_of(first, second, number)];
    return entry->first == first && entry->second == second && entry->number == number ? entry->found : NULL;
}

void memo_keep(Memo *memo, PyObject *first, PyObject *second, long number, PyObject *found)
{
    MemoEntry *entry = &memo->entries[index_of(first, second, number)], before = *entry;
    *entry = (MemoEntry){Py_NewRef(first), Py_NewRef(second), number, Py_NewRef(found)};
    Py_XDECREF(before.first);
    Py_XDECREF(before.second);
    Py_XDECREF(before.found);
}

void memo_clear(Memo *memo)
{
    for (size_t i = 0; i < MEMOS; i++) {
        MemoEntry before = memo->entries[i];
        memo->entries[i] = (MemoEntry){0};
        Py_XDECREF(before.first);
        Py_XDECREF(before.second);
        Py_XDECREF(before.found);
    }
}
