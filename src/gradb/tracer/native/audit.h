/* Python's audit events, most of which are none of ours: see `audit` in _accelerator.pyi. */

#ifndef GRADB_AUDIT_H
#define GRADB_AUDIT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *audit_begin(PyObject *module, PyObject *const *given, Py_ssize_t count);

#endif
