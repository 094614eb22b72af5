/* The Python type `Sifter`: a sieve, asked about an event that Python has put. */

#ifndef GRADB_SIFTER_H
#define GRADB_SIFTER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *sifter_type(void);

#endif
