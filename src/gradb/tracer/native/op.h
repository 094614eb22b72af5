/* One op on its way to the log: what watch/call.ForwardCall is, for the common case. */

#ifndef GRADB_OP_H
#define GRADB_OP_H

#include "arguments.h"

typedef enum { OP_RECORDED, OP_FOR_PYTHON, OP_FAILED } OpOutcome;

/* Record a call that has returned a tensor. Where it is for Python nothing was done; a failure has set an error. */
OpOutcome op_record(Context *context, PyObject *call, PyObject *args, PyObject *kwargs, PyObject *result);

/* Name what a call is given that is told by others, a single tensor: OP_FOR_PYTHON where that has not been done. */
OpOutcome op_name(Context *context, PyObject *call, PyObject *args);

/* --- parts of it ---------------------------------------------------------------------------------------------------- */

/* What an input or a result is told to be the output of. */
typedef struct {
    bool requires_grad;
    int64_t node, output_nr;
} Origin;

/* Find out what a tensor is the output of: 1; 0 where Python has to find out, for a leaf that was never seen, or a node;
   -1 with an error set. */
int op_find_origin(Context *context, PyObject *tensor, Origin *origin);

/* Add `T` of an input (its role is the word `arrives`), or of a result (`made`). Return its record (borrowed), or NULL with an
   error set. */
PyObject *op_add_tensor(Context *context, PyObject *tensor, const Origin *origin, PyObject *role, Draft *draft);

/* Look up which names a call's arguments or results have there; 0 where Python has not found that out yet. */
int op_has_row(Context *context, PyObject *names, PyObject *callee, Py_ssize_t count, bool is_it,
               bool is_of_arguments, PyObject **row);

#endif
