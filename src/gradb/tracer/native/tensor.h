/* What a Python tensor is made of, read from torch's own object without a call into torch's Python.

   Owns: where torch keeps what, as `learn` was told it. Nothing of it is assumed: the caller has compared every place
   with what torch itself says of it. A tensor that is not exactly of a kind that was learnt is not looked into. */

#ifndef GRADB_TENSOR_H
#define GRADB_TENSOR_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "dtype.h"

#define MAX_DIM 64

typedef struct {
    const Dtype *dtype;
    int64_t dim;
    int64_t count;
    const int64_t *sizes;
    const int64_t *strides; /* in elements */
    const char *data;       /* NULL only where there are no elements */
    bool is_dense;          /* the elements lie side by side, row by row */
} View;

/* Take over where things lie: see `learn` in _accelerator.pyi. Returns None, or NULL with an error set. */
PyObject *tensor_learn(PyObject *module, PyObject *arguments);

/* Look into a tensor; false where it is not of a kind that was learnt, or its memory does not hold all elements. */
bool tensor_view(PyObject *tensor, View *view);

/* Return the address of the memory that a tensor lies in, as its storage tells it, or NULL where it is not looked into. */
const void *tensor_storage(PyObject *tensor);

#endif
