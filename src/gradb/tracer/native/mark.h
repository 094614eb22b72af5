/* The Python type `Mark`: what a node of the grad_fn graph remembers for us, and by its end tells that the node is gone.

   No object of the garbage collector's: a graph has as many of these as nodes, and what one holds (texts, numbers, a
   place, the writer of the log) never leads back to it. */

#ifndef GRADB_MARK_H
#define GRADB_MARK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Make the type, or return NULL with an error set. */
PyObject *mark_type(void);

#endif
