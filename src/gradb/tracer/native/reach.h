/* Which nodes the engine will run, as tensors/reach.py finds them where nothing is asked for by name. */

#ifndef GRADB_REACH_H
#define GRADB_REACH_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* A function of the module: see _accelerator.pyi. */
PyObject *reach_all(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
