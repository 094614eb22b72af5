/* The Python type `Pen`: what is said becomes records in mapped memory, as gradb.log.pen.PythonPen does it. */

#ifndef GRADB_PEN_H
#define GRADB_PEN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Make the type, or return NULL with an error set. */
PyObject *pen_type(void);

#endif
