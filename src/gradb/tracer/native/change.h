/* How much a tensor changes: what it held before is kept as bytes, and compared with what it holds after. */

#ifndef GRADB_CHANGE_H
#define GRADB_CHANGE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Functions of the module: see _accelerator.pyi. */
PyObject *change_begin(PyObject *module, PyObject *tensor);
PyObject *change_end(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
