/* Forks a process that is no child of this one: see `fork_apart` in _accelerator.pyi. */

#ifndef GRADB_APART_H
#define GRADB_APART_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *apart_fork(PyObject *module, PyObject *fork);

#endif
