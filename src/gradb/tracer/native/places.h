/* Where the script is: the walk up the stack of source/places.py, as far as all on it has been met before. */

#ifndef GRADB_PLACES_H
#define GRADB_PLACES_H

#include "context.h"

/* Return what `Places.find` finds above the running frame (a new reference). NULL, mostly without an error set, where
   that is for Python to find out; so is everything within torch.optim. `within` is the innermost call of a module that
   the walk is sure to reach, or NULL. */
PyObject *places_find(Context *context, PyObject *within);

/* Return the `id` of the frame of the nearest call of a module above, 0 where there is none; NULL with an error set. */
PyObject *places_call(Context *context);

/* Return what a walk from a frame on has found before: see `known_place` in _accelerator.pyi. */
PyObject *places_known(PyObject *module, PyObject *const *given, Py_ssize_t count);

#endif
