/* One op on its way to the log: what watch/call.ForwardCall is, for the common case. */

#ifndef GRADB_OP_H
#define GRADB_OP_H

#include "arguments.h"

typedef enum { OP_RECORDED, OP_FOR_PYTHON, OP_FAILED } OpOutcome;

/* Record a call that has returned a tensor. Where it is for Python nothing was done; a failure has set an error. */
OpOutcome op_record(Context *context, PyObject *call, PyObject *args, PyObject *kwargs, PyObject *result);

/* --- parts of it ---------------------------------------------------------------------------------------------------- */

/* Tell whether nothing is to be written before the next event; -1 with an error set. */
int op_is_settled(Context *context);

/* Look up which names a call's arguments or results have there; 0 where Python has not found that out yet. */
int op_has_row(Context *context, PyObject *names, PyObject *callee, Py_ssize_t count, bool is_it,
               bool is_of_arguments, PyObject **row);

/* Take the recorder's lock without waiting: 0 where another thread has it, -1 with an error set. */
int op_take_lock(Context *context);

/* Give it back; an error that is set stays. */
void op_give_back(Context *context);

#endif
