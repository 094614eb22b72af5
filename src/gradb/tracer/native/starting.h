/* A call of torch's engine as it begins and ends, where it is plain: from one tensor to all leaves, with no graph of the
   gradients, and inside of no other. Functions of the module: see _accelerator.pyi. */

#ifndef GRADB_STARTING_H
#define GRADB_STARTING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

PyObject *starting_may(PyObject *module, PyObject *const *given, Py_ssize_t count);
PyObject *starting_begin(PyObject *module, PyObject *const *given, Py_ssize_t count);
PyObject *starting_end(PyObject *module, PyObject *const *given, Py_ssize_t count);

/* Make the names; false with an error set. */
bool starting_prepare(void);

#endif
