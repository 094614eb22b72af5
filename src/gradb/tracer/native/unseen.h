/* A while in which no override of torch functions is asked: torch's `DisableTorchFunction`, a new one each time, since
   one that is entered within itself does not find out again what there was before. */

#ifndef GRADB_UNSEEN_H
#define GRADB_UNSEEN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Make the names; false with an error set. */
int unseen_prepare(void);

/* Begin; `kind` is torch's class. Returns NULL, with no error set, where that cannot be. */
PyObject *unseen_begin(PyObject *kind);

/* End what has begun, and let go of it; leaves no error. */
void unseen_end(PyObject *begun);

#endif
