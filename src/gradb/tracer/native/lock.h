/* The Python type `Lock`: what threading.RLock is, and C takes it without a call of Python's. */

#ifndef GRADB_LOCK_H
#define GRADB_LOCK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

PyObject *lock_type(void);
bool lock_check(PyObject *object);

/* Take a lock unless another thread has it; only then must it be let go of. Neither touches an error that is set. */
bool lock_take(PyObject *lock);
void lock_let_go(PyObject *lock);

#endif
