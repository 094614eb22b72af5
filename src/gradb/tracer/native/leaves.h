/* What is said of the leaves of an optimizer or a module all at once: what their gradients are, and what they are. */

#ifndef GRADB_LEAVES_H
#define GRADB_LEAVES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Make the type, or return NULL with an error set. */
PyObject *leaves_type(void);

#endif
