/* What is said of the leaves of an optimizer or a module all at once: what their gradients are, and what they are. */

#ifndef GRADB_LEAVES_H
#define GRADB_LEAVES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "context.h"

typedef struct {
    Py_ssize_t fills, since, grad_key, is_moved; /* slots of a record, beside those of the context */
} MoreSlots;

typedef struct {
    PyObject_HEAD
    PyObject *forward, *by_memory, *by_object; /* where gradients lie, and whose they are: see tensors/buffers.py */
    PyObject *hypot;                           /* Python's, which rounds as no other */
    MoreSlots slots;
} Leaves;

/* Make the type, or return NULL with an error set. */
PyObject *leaves_type(void);

/* Tell whether all tensors of a list are plain, and it is known what they are the outputs of; may set an error. */
bool leaves_are_known(Context *context, PyObject *list);

/* Add the texts of `T` of all of them to the draft, defined at an event; false with an error set. `norms`, where it is
   not NULL, gets of each what the draft says of its norm. */
bool leaves_define_each(Context *context, PyObject *list, int64_t event, double *norms);

#endif
