/* The Python type `Reader`: values of tensors become text on the tape and bytes beside it, in one call. */

#ifndef GRADB_READER_H
#define GRADB_READER_H

#include "buffer.h"
#include "tensor.h"

/* Make the type, or return NULL with an error set. */
PyObject *reader_type(void);

/* What is collected of one event: its text, the bytes beside it, and what is odd about its values, as flags. */
typedef struct {
    Buffer text, data;
    uint16_t odd; /* NANS, INFINITIES, or UNREAD */
    double norm;  /* 2-norm of the value that was added last, where that was found on the way; else negative */
} Draft;

enum { UNREAD = 1 }; /* of a value that could not be read: as in tape/oddity.py */

void draft_free(Draft *draft);

/* Add the text of a value (None is null) and its bytes, as `take` and `take_passing` of a reader do; false with an error
   set. What is not known here is read by the reader's Python functions. */
bool reader_add(PyObject *reader, PyObject *tensor, bool is_passing, Draft *draft);

bool reader_check(PyObject *object);

/* Add the same where no Python code is needed for it: 1; 0 where it is, and nothing was added; -1 with an error set. */
int reader_add_known(PyObject *reader, PyObject *tensor, bool is_passing, Draft *draft);

/* Append the elements of a tensor of floats that lie side by side, if they are no more than so many; false, with or
   without an error set, where that is not done. */
bool reader_add_floats(PyObject *floats, PyObject *tensor, int64_t most);

/* Find the 2-norm of all elements of a tensor; false, and no error is set, where it is not found here. */
bool reader_find_norm(PyObject *tensor, double *norm);

/* Tell whether one of these two is certain to find what it is asked for: the first of no more elements than so many. */
bool reader_is_certain(PyObject *tensor, int64_t most);

/* Functions of the module: see _accelerator.pyi. */
PyObject *reader_look(PyObject *module, PyObject *tensor);
PyObject *reader_knows(PyObject *module, PyObject *tensor);
PyObject *reader_extend(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *reader_floats(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *reader_norm(PyObject *module, PyObject *tensor);
PyObject *reader_content(PyObject *module, PyObject *tensor);
PyObject *reader_summarise(PyObject *module, PyObject *tensor);

#endif
