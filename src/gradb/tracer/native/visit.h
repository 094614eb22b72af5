/* The Python types `Visits`, one call of torch's engine, and `Visit`, a node that it runs: a visit is the prehook and
   the hook of its node in one. What is plain it records itself, all else it has a visit of Python's record. */

#ifndef GRADB_VISIT_H
#define GRADB_VISIT_H

#include "engine.h"

#define MAX_KEY_DIM 8

typedef struct Visit Visit;


typedef struct {
    PyObject_HEAD
    Engine *engine;
    PyObject *run;    /* the call, in Python */
    PyObject *local;  /* what its thread is in the middle of, as a dict */
    unsigned long thread;
    int64_t number;   /* of the thread on the tape */
    int64_t start;    /* seq of the call's event; 0 before it is there */
    int64_t task;     /* torch's number of it, or -1 */
    PyObject *sent;   /* what is odd about what was sent to a node, by its id; NULL before the call's event is there */
    uint16_t flags;   /* of every event of the call */
    bool is_over;
    Py_ssize_t count, size;
    Visit **all;
} Visits;

/* Where and how the elements of a gradient lie, and in which version. */
typedef struct {
    const char *data;
    const Dtype *dtype;
    int64_t dim, version, sizes[MAX_KEY_DIM], strides[MAX_KEY_DIM];
} Key;

/* A `.grad` about to be filled: what it holds and what comes. */
typedef struct {
    PyObject *leaf, *record;
    Draft draft;         /* of what it holds up to `text` and `data`, of what comes from there on */
    size_t text, data;
    uint16_t before;     /* what is odd about what it holds */
    bool has_before, has_key;
    Key key;
} Filling;

struct Visit {
    PyObject_HEAD
    vectorcallfunc call;
    Visits *visits;   /* NULL once the call is over */
    PyObject *node, *mark;
    PyObject *outer;  /* the call that its thread was in */
    PyObject *python; /* the visit in Python, if it was needed */
    PyObject *hooks[2], *keys[2];
    int hooked;
    int64_t start;    /* seq of the event that it begins with, or 0 */
    int odd;          /* what is odd about its upstream gradients */
    Draft *began;     /* the event that it begins with, where a condition may ask for that at its end; else NULL */
    Filling *filling; /* of a leaf */
};

PyObject *visit_type(void);
PyObject *visits_type(void);
PyObject *registrar_type(void);
bool visit_check(PyObject *object);

/* Make the visit of a node; NULL with an error set, or without one where it has to be one of Python's. */
Visit *visit_new(Visits *visits, PyObject *node, PyObject *mark);

/* Have Python ask the gate about the event that was put last, where it has to be asked: the script may be held here. The
   lock is ours, nothing of the event is left to be done. `start` and the gradients that flow in are the node's. */
void visit_arrive(Visit *visit, int64_t start, PyObject *upstream);

/* Let go of all that a visit holds: its call is over. */
void visit_end(Visit *visit);

/* Tell whether it is this call that runs a node on this thread, and nothing unusual is on. */
bool visits_are_plain(Visits *visits);

/* --- leaves -------------------------------------------------------------------------------------------------------- */

/* Begin what is known of a leaf's gradient; NULL where it is left to Python, with no error set. */
Filling *filling_new(const Engine *engine, PyObject *node, PyObject *mark);
void filling_free(Filling *filling);

/* Keep what `.grad` holds and what comes; false where it is left to Python. */
bool filling_begin(Visits *visits, Filling *filling, PyObject *added);

/* Record what `.grad` has become; false where it is left to Python. */
bool filling_end(Visit *visit);

/* Return what is kept, for Python to go on with: see gradb.tracer.watch.quick. NULL with an error set. */
PyObject *filling_kept(const Filling *filling);

/* Take over how torch tells of a tensor: see `learn_leaves` in _accelerator.pyi. */
PyObject *filling_learn(PyObject *module, PyObject *arguments);

/* Return the `.grad` of a leaf, None where it has none; NULL, with or without an error set, where it is no leaf. No
   override of torch functions may be on. */
PyObject *filling_grad(PyObject *leaf);

/* Return how often a tensor was changed in place, -1 where torch does not tell. No override of torch functions may be on. */
int64_t filling_version(PyObject *tensor);

/* Return what to call a leaf of a name, or of none; NULL, with or without an error set, where that is for Python. */
PyObject *filling_label(PyObject *name, PyObject *id);

/* Add the label of a leaf as JSON: its name stands in how an appearance of the tensor begins, `[id,"name",`. False with an
   error set. */
bool filling_add_label(Buffer *text, PyObject *head, PyObject *name, PyObject *label);

bool filling_names(void);

#endif
