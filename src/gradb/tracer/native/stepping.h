/* An optimizer's step: what it finds, and what it has left. Methods of `Leaves`: see _accelerator.pyi. */

#ifndef GRADB_STEPPING_H
#define GRADB_STEPPING_H

#include "leaves.h"

PyObject *stepping_found(PyObject *leaves, PyObject *list);
PyObject *stepping_norms(PyObject *leaves, PyObject *const *given, Py_ssize_t count);
PyObject *stepping_made(PyObject *leaves, PyObject *const *given, Py_ssize_t count);

/* Make the names; false with an error set. */
bool stepping_prepare(void);

#endif
