/* What the recording of ops in C works with: objects of the tracer's Python, and where their slots lie.

   Everything that is known of tensors, nodes, names and places stays in these objects. C looks it up there and adds to
   it what Python would; for whatever is not the common case it calls them, or leaves the whole call to Python. Each
   function of Python's that is called from here is one that no signal handler of the script's may interrupt. */

#ifndef GRADB_CONTEXT_H
#define GRADB_CONTEXT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "memo.h"
#include "reader.h"
#include "sieve.h"
#include "state.h"

/* Keys of the dict that Python hands over: see watch/common_ops.py for what each is. */
#define PARTS(X)                                                                                                      \
    X(lock) X(arrived) X(mode) X(slow) X(returned) X(raised) X(lost) X(deliver) X(held) X(rare) X(calls) X(recorder) X(gate) X(iterations)       \
    X(blanks) X(local) X(writer) X(pen) X(reader) X(records) X(record_numbers) X(record) X(forget) X(nodes) X(node_numbers)     \
    X(node_kinds) X(mark) X(saved) X(is_stepping) X(owners) X(place_kinds) X(place_walks) X(place_end)                \
    X(threads) X(tensor) X(parameter) X(literals) X(tracing_state) X(transform) X(count_modes) X(is_profiling)        \
    X(count_function_modes) X(saved_hooks) X(compiler) X(is_grad_enabled) X(is_inference)

/* Names of attributes and keys. */
#define NAMES(X)                                                                                                      \
    X(__dict__) X(recomputing) X(inside) X(calls) X(scopes) X(metadata) X(next_functions) X(name)                                                  \
    X(variable) X(gradb) X(newest) X(name_tensor) X(argument) X(arrives) X(made) X(_is_compiling_flag) X(_fields) X(out)

#define MEMBER(name) PyObject *name;
typedef struct {
    PARTS(MEMBER)
    State state;
    Py_ssize_t is_updated; /* a slot of `iterations` */
    Draft draft; /* of the op that is being recorded; whoever holds the lock has it */
    Buffer ids;  /* of the nodes that it has made: memory for them */
    bool is_busy;
    Memo rows;   /* of names: by names, callee, and how many values there are of which kind */
    Memo read;   /* the name of nodes whose saved values were read often enough here: by place, scope; by class */
    Memo texts;  /* of arguments, as bytes: by keyword and value */
    Sieve passing; /* the gate's, as it was read last */
} Context;

typedef struct {
    NAMES(MEMBER)
    PyObject *op, *forward, *builtin, *empty, *self_dot, *register_;
} Words;

extern Words words;

/* Where the slots of our classes lie. */
typedef struct {
    Py_ssize_t id, ref, name, head, is_leaf, is_settled, scope, mark, grad_id, memory_key, odd;
} RecordSlots;
typedef struct {
    Py_ssize_t id, name, is_leaf, place, scope, edges, is_hooked, writer, has_run;
} MarkSlots;
typedef struct {
    Py_ssize_t row, names;
} PlaceSlots;
typedef struct {
    Py_ssize_t place, is_direct, is_optimizer;
} FoundSlots;
typedef struct {
    Py_ssize_t operands, targets, scope, known;
} NamesSlots;
typedef struct {
    Py_ssize_t kind, callee, is_inplace, clears, is_blank, genuine, quoted, display;
} CallSlots;

extern RecordSlots record_slots;
extern MarkSlots mark_slots;
extern PlaceSlots place_slots;
extern FoundSlots found_slots;
extern NamesSlots names_slots;
extern CallSlots call_slots;
extern PyTypeObject *record_class, *mark_class, *place_class, *found_class, *names_class, *call_class;

extern Layout record_layout, mark_layout;

/* Make the words; false with an error set. */
bool context_prepare(void);

/* Learn where slots lie: see `learn_classes` in _accelerator.pyi. */
PyObject *context_learn(PyObject *module, PyObject *classes);

/* Take the parts out of a dict; false with an error set. */
bool context_fill(Context *context, PyObject *parts);
int context_traverse(Context *context, visitproc visit, void *arg);
void context_clear(Context *context);

/* Ask an attribute whether it is true; -1 with an error set. */
int is_true(PyObject *object, PyObject *name);

/* Read a whole number from a slot, which is known to hold one. */
static inline int64_t number_in(PyObject *object, Py_ssize_t offset)
{
    PyObject *number = SLOT(object, offset);
    return number != NULL && PyLong_Check(number) ? PyLong_AsLongLong(number) : 0;
}

#endif
