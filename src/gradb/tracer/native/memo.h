/* What was found out before of a few objects, by their identity: a table in which a new entry takes an old one's place. */

#ifndef GRADB_MEMO_H
#define GRADB_MEMO_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define MEMOS 256

typedef struct {
    PyObject *first, *second; /* owned, so that no other object can have their identity */
    long number;
    PyObject *found;
} MemoEntry;

typedef struct {
    MemoEntry entries[MEMOS];
} Memo;

/* Return what was kept (borrowed), or NULL. */
PyObject *memo_find(const Memo *memo, PyObject *first, PyObject *second, long number);

void memo_keep(Memo *memo, PyObject *first, PyObject *second, long number, PyObject *found);
void memo_clear(Memo *memo);

#endif
