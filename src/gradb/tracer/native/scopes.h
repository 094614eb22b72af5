/* The Python type `Scopes`: follows the calls of modules as watch/scopes.py does, where nothing about one is new.

   A call is entered here as a whole, or left to Python before anything was done; what is to be named and is not for here
   is handed back to Python, which names it. No Python code runs in between but what signal handlers may not interrupt. */

#ifndef GRADB_SCOPES_H
#define GRADB_SCOPES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Make the type, or return NULL with an error set. */
PyObject *scopes_type(void);

#endif
