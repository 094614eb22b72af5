/* Nodes of the grad_fn graph: their marks, and those that are seen for the first time, as tensors/nodes.py keeps them. */

#ifndef GRADB_GRAPH_H
#define GRADB_GRAPH_H

#include "buffer.h"
#include "context.h"

/* Learn how torch tells `requires_grad`, `grad_fn` and `output_nr` of a tensor: the descriptors of its base class, past
   what asks whether somebody overrides them. */
PyObject *graph_learn(PyObject *module, PyObject *descriptors);

extern PyGetSetDescrObject *output_nr_getter;

static inline PyObject *ask(const PyGetSetDescrObject *descriptor, PyObject *tensor)
{
    return descriptor->d_getset->get(tensor, descriptor->d_getset->closure);
}

/* Tell whether a tensor requires grad; -1 with an error set. */
int is_requiring_grad(PyObject *tensor);

/* Return the `grad_fn` of a tensor, None where it has none or torch does not tell; NULL with an error set. */
PyObject *maker_of(PyObject *tensor);

/* Return the mark of a node, NULL where it has none, or with an error set; the node holds it. */
PyObject *mark_of(PyObject *node);

/* Where new nodes were made: what `NodeIds.register` is told. */
typedef struct {
    int64_t event;
    PyObject *place, *scope;
    PyObject *inputs, *results; /* tuples of tensors */
} Making;

/* Ids of new nodes; to be freed. */
typedef struct {
    Buffer ids;
} NewNodes;

static inline size_t count_new(const NewNodes *new_nodes)
{
    return new_nodes->ids.used / sizeof(int64_t);
}

/* Write every node below a root that was never seen, inputs first; false with an error set. */
bool graph_register(Context *context, PyObject *root, const Making *making, NewNodes *new_nodes);

#endif
