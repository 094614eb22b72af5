/* The Python type `Reader`: values of tensors become text on the tape and bytes beside it, in one call. */

#ifndef GRADB_READER_H
#define GRADB_READER_H

#include "tensor.h"

/* Make the type, or return NULL with an error set. */
PyObject *reader_type(void);

/* Functions of the module: see _accelerator.pyi. */
PyObject *reader_look(PyObject *module, PyObject *tensor);
PyObject *reader_knows(PyObject *module, PyObject *tensor);
PyObject *reader_extend(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *reader_content(PyObject *module, PyObject *tensor);
PyObject *reader_summarise(PyObject *module, PyObject *tensor);

#endif
