/* What is remembered of tensors and what they are called, as tensors/ids.py and tensors/naming.py keep it. */

#ifndef GRADB_RECORDS_H
#define GRADB_RECORDS_H

#include "context.h"

/* Make the type of what forgets a tensor that is gone; false with an error set. */
bool records_prepare(void);

/* Return the record of a tensor, beginning one when it was never seen; NULL with an error set. It is held by the dict of
   records as long as the tensor lives. */
PyObject *record_of(Context *context, PyObject *tensor);

/* Return the record of a tensor that was seen before; NULL, mostly without an error set, of any other. */
PyObject *record_known(Context *context, PyObject *tensor);

/* Name the tensors among some values by a row of names, as `Namer.arguments` and `results` do; false with an error set. */
bool name_each(Context *context, PyObject *const *values, Py_ssize_t count, PyObject *names, int64_t event,
               PyObject *scope);

/* Tell whether something is exactly a tensor or a parameter. */
static inline bool is_tensor(const Context *context, PyObject *object)
{
    return Py_IS_TYPE(object, (PyTypeObject *)context->tensor) ||
           Py_IS_TYPE(object, (PyTypeObject *)context->parameter);
}

#endif
