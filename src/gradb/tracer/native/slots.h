/* Slots of Python classes (`__slots__`), read and written where they lie.

   The classes stay the one source of what there is: where a slot lies is asked of the class, once. An object may be
   looked into only if its type is exactly the class that was asked. */

#ifndef GRADB_SLOTS_H
#define GRADB_SLOTS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

/* Forget an error, which there mostly is not: to look costs less than to clear. */
static inline void forget_error(void)
{
    if (PyErr_Occurred())
        PyErr_Clear();
}

/* Find where the slots lie that are named, up to NULL; false with an error set. */
bool slots_find(PyObject *type, const char *const *names, Py_ssize_t *offsets);

/* The slot itself: NULL where nothing was assigned; the reference is the object's. */
#define SLOT(object, offset) (*(PyObject **)(void *)((char *)(object) + (offset)))

/* Assign to a slot; takes the reference over. */
void slot_set(PyObject *object, Py_ssize_t offset, PyObject *value);

/* All slots of a class. */
#define MAX_SLOTS 32
typedef struct {
    Py_ssize_t offsets[MAX_SLOTS];
    Py_ssize_t count;
} Layout;

bool slots_all(PyObject *type, Layout *layout);

/* Return a new object whose slots hold what those of a pattern do, which is of the same class; its `__init__` is not
   run. NULL with an error set. */
PyObject *slots_copy(PyObject *pattern, const Layout *layout);

#endif
