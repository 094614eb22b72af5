/* Which events the script may be held at: the facts of gradb.tape.sieve.Sieve, read once of each and kept as numbers, and
   the conditions of its parts. */

#ifndef GRADB_SIEVE_H
#define GRADB_SIEVE_H

#include "buffer.h"
#include "condition.h"
#include "marks.h"
#include "pen.h"

/* What the header of an event is asked for. */
typedef struct {
    PyObject *read;  /* whose facts these are; NULL: nobody's */
    PyObject *known;  /* its dict: whether events of a name pass */
    PyObject *scopes; /* and another: whether events in a scope do */
    PyObject *places; /* and another: whether events at a place do */
    uint32_t kinds, named, scoped, telling, series;
    uint16_t flags;
    bool is_open;
    int64_t other_than; /* NO_NUMBER: it does not matter */
    Buffer lines, iterations, positions, marks;
} Facts;

/* Of one stop that has a condition, or of all that have none. */
typedef struct {
    Facts facts;
    Condition condition;  /* no steps: there is none */
} Part;

typedef struct {
    Facts facts;
    PyObject *parts;      /* the tuple that they were read from */
    PyObject *levels, *begun; /* lists: see `Newest` */
    Part *all;            /* none: the facts alone decide */
    Py_ssize_t count;
} Sieve;

/* Tell whether an event that was just put passes what the gate has: a Sieve, or None, which nothing passes. Where that
   cannot be found out it does; no error is set. `kind` is the number of its kind, `began` what its node began with, or
   NULL where that is not known. */
bool sieve_passes(Sieve *sieve, PyObject *given, int kind, const PenEvent *event, int64_t seq, const Detail *began);

void sieve_clear(Sieve *sieve);

/* Return the wire form and the data of what a node began with, or None; NULL with an error set. */
PyObject *sieve_began(const Detail *began);

/* Return an event as `Recorder.arrived` takes it; NULL with an error set. */
PyObject *sieve_told(const PenEvent *event, int64_t seq);

#endif
