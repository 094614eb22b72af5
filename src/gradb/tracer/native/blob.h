/* Python's `Blob` (see tape/wire.py), which collects the bytes of the values of one event and what is odd about them. */

#ifndef GRADB_BLOB_H
#define GRADB_BLOB_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

/* Make the names; false with an error set. */
bool blob_prepare(void);

/* Return how many bytes there are, below 0 with an error set. */
int64_t blob_size(PyObject *blob);

/* Say how many there are without any being put; false with an error set. */
bool blob_set_size(PyObject *blob, PyObject *size);

/* Append bytes to a blob that ends at `offset`; false with an error set. */
bool blob_add(PyObject *blob, int64_t offset, PyObject *bytes);

/* Return the list of the parts (a new reference), NULL with an error set. */
PyObject *blob_parts(PyObject *blob);

/* Return what is odd about the values; 0 with an error set. */
uint16_t blob_odd(PyObject *blob);

/* Note more that is odd; false with an error set. */
bool blob_note(PyObject *blob, uint16_t odd);

#endif
