/* One op on its way to the log: what watch/call.ForwardCall is, for the common case. */

#ifndef GRADB_OP_H
#define GRADB_OP_H

#include "arguments.h"

typedef enum { OP_RECORDED, OP_FOR_PYTHON, OP_FAILED } OpOutcome;

/* Record a call that has returned a tensor. Where it is for Python nothing was done; a failure has set an error. */
OpOutcome op_record(Context *context, PyObject *call, PyObject *args, PyObject *kwargs, PyObject *result);

#endif
