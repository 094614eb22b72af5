/* The Python type `Pen`: what is said becomes records in mapped memory, as gradb.log.pen.PythonPen does it. */

#ifndef GRADB_PEN_H
#define GRADB_PEN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "layouts.h"

/* Make the type, or return NULL with an error set. */
PyObject *pen_type(void);

/* Tell whether an object is such a pen: the functions below take no other. */
bool pen_check(PyObject *object);

/* An event as `Pen.event` takes it; a node that there is not is NO_NUMBER, data that there is none are NULL. */
typedef struct {
    PyObject *kind, *name, *place, *scope, *phase;
    int64_t iteration, node;
    uint16_t flags, thread;
    const char *detail, *data;
    size_t detail_size, data_size;
} PenEvent;

/* What a node is at the end of, and which of its outputs: as `next_functions` tells it. */
typedef struct {
    int64_t node, number;
} PenEdge;

/* A point of a series. */
typedef struct {
    uint32_t series;
    double value;
} PenPoint;

/* As the methods of the same names do. False, and a number below 0, with an error set. */
int64_t pen_put_event(PyObject *pen, const PenEvent *event);
bool pen_put_node(PyObject *pen, int64_t id, PyObject *name, int64_t event, PyObject *kind, bool saves, int64_t tensor,
                  const PenEdge *edges, size_t count);
bool pen_put_tensor(PyObject *pen, int64_t tensor, int64_t event, int64_t node, int64_t output_nr);
bool pen_put_grad(PyObject *pen, int64_t tensor, int64_t event, int64_t fills, int64_t since);
bool pen_put_name(PyObject *pen, int64_t tensor, int64_t event, PyObject *name);
bool pen_put_point(PyObject *pen, const PenPoint *point, int64_t event, int64_t iteration);
int64_t pen_head(PyObject *pen);

/* Tell whether an event of so many bytes can be put without a call of Python's. */
bool pen_is_ready(PyObject *pen, size_t size);

/* Take back what was said of values and gradients at an event that was never written. */
void pen_take_back(PyObject *pen);

#endif
