/* The Python type `Forward`: stands for `ForwardMode.__torch_function__`, and records the common call itself.

   Owns the decision what the common case is: either all of a call is recorded here, or nothing was done yet and Python
   records it. No Python code of gradb's or the script's runs in between but what signal handlers may not interrupt. */

#ifndef GRADB_FORWARD_H
#define GRADB_FORWARD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "context.h"

/* Make the type, or return NULL with an error set. */
PyObject *forward_type(void);

/* Return what such an object works with, NULL for any other. */
Context *forward_context(PyObject *object);

/* Tell whether torch.jit traces: it looks at the frames above each op, which have to be the same each time. */
bool forward_is_traced(Context *context);

#endif
