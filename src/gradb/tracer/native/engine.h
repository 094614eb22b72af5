/* What the visits of one recording share: the parts of the tracer that they look at, and whether all is plain.

   A visit is recorded here as a whole or not at all: where anything is unusual, nothing has been done yet and Python
   does it. No Python code runs between the first look and the last byte, so nothing can come in between. */

#ifndef GRADB_ENGINE_H
#define GRADB_ENGINE_H

#include "reader.h"
#include "sieve.h"
#include "state.h"

#define REMEMBERED 256

typedef struct {
    PyObject *place, *scope, *name; /* NULL: nothing is remembered here */
} Refused;

typedef struct {
    PyObject_HEAD
    PyObject *recorder, *gate, *pen, *reader, *snapshots, *nodes;
    PyObject *lock;                     /* the recorder's */
    State state;
    PyObject *lent, *records;           /* what was lent, what is known of each tensor */
    PyObject *by_memory, *by_object;    /* where gradients lie, and whose they are */
    PyObject *kinds;                    /* of nodes, by class */
    PyObject *counts;                   /* how often each place was visited; None: no node is measured */
    long long repeats;
    PyObject *refusal;                  /* why a node is not measured any more, as JSON */
    PyObject *task;                     /* torch's: which backward runs on this thread */
    PyObject *unseen;                   /* torch's class, in which no override of torch functions is asked */
    PyObject *resume;                   /* makes a visit of Python's: see gradb.tracer.watch.quick */
    PyObject *arrived;                  /* asks the gate: see there too */
    Py_ssize_t mark_slots[10], record_slots[12], nodes_slots[3];
    PyTypeObject *mark_class, *record_class;
    bool is_busy;
    Draft draft;
    Buffer odds;                        /* a byte of flags for each gradient of the draft */
    Refused refused[REMEMBERED];
    Sieve passing;                      /* the gate's, as it was read last */
    Draft *spare;                       /* for what a node begins with; NULL: none is at hand */
    PyObject *told;                     /* the event that was put last, where the script may be held at it; else NULL */
} Engine;

/* Of a mark of a node, and of what is known of a tensor. */
enum { MARK_ID, MARK_NAME, MARK_IS_LEAF, MARK_PLACE, MARK_SCOPE, MARK_EDGES, MARK_IS_HOOKED, MARK_HAS_RUN, MARK_HOOKS };
enum { RECORD_ID, RECORD_REF, RECORD_NAME, RECORD_HEAD, RECORD_FILLS, RECORD_SINCE, RECORD_GRAD_ID, RECORD_GRAD_KEY,
       RECORD_IS_MOVED };

#define MARK(engine, mark, which) SLOT(mark, (engine)->mark_slots[which])
#define RECORD(engine, record, which) SLOT(record, (engine)->record_slots[which])

PyObject *engine_type(void);
bool engine_check(PyObject *object);

/* Tell whether nothing unusual is on in the recording. */
bool engine_is_plain(Engine *engine);

/* Tell whether an attribute of an object is this very object. */
bool is_attribute(PyObject *object, PyObject *name, PyObject *wanted);

/* Read a whole number from an attribute, or from a slot; false where it is none, with no error set. */
bool take_attribute(PyObject *object, PyObject *name, int64_t *number);
bool take_number(PyObject *number, int64_t *taken);

/* Take the lock if nobody has it; only then must it be let go. */
bool engine_lock(Engine *engine);
void engine_unlock(Engine *engine);

/* Tell whether a node was visited so often at its place that it is not measured any more. */
bool engine_refuses(Engine *engine, PyObject *mark);

/* Tell whether what a node saved has to be read again where it runs now. */
bool engine_reads_again(Engine *engine, PyObject *node, PyObject *mark);

/* Take note that an event was lost by the error that is set, which ends here: where not even Python could be called. */
void engine_lost(Engine *engine);

/* Tell whether something odd is born: see gradb.tape.oddity. */
bool is_born(unsigned made, unsigned given);

/* Put an event of a node; its text and data are those of the draft, and what is odd about it is added to the flags.
   `began` is what the node began with; NULL: that was not kept. Return its number, or 0 where that cannot be done without
   Python, with no error set. */
int64_t engine_put(Engine *engine, int kind, PyObject *name, PyObject *mark, uint16_t thread, uint16_t flags,
                   bool has_data, const Draft *began);

/* Add the text of a value and its bytes, as `reader_add_known` does; false where it is not known, with no error set. */
bool engine_add(Engine *engine, PyObject *tensor, bool is_passing, Draft *draft);

#endif
