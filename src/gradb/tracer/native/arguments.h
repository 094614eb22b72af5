/* The arguments of a call: the tensors among them, and their texts, as source/arguments.py has them. */

#ifndef GRADB_ARGUMENTS_H
#define GRADB_ARGUMENTS_H

#include "buffer.h"
#include "context.h"

#define MAX_INPUTS 64

/* The tensors among the arguments, in order; held, since a list of the script's can be another before the op is told. */
typedef struct {
    PyObject *tensors[MAX_INPUTS];
    int count;
} Inputs;

/* Collect them; false where an argument is not of a kind that is known here. Runs no Python code. Those that were
   collected are to be let go of either way. */
bool arguments_collect(const Context *context, PyObject *args, PyObject *kwargs, Inputs *inputs);

void arguments_release(Inputs *inputs);

/* Add the texts `[keyword, text]` with commas between; false with an error set. */
bool arguments_add(Context *context, PyObject *args, PyObject *kwargs, const Inputs *inputs, Buffer *text);

#endif
