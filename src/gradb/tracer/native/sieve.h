/* Which events the script may be held at: the facts of gradb.tape.sieve.Sieve, read once of each and kept as numbers. */

#ifndef GRADB_SIEVE_H
#define GRADB_SIEVE_H

#include "buffer.h"
#include "pen.h"

typedef struct {
    PyObject *read;  /* whose facts these are; NULL: nobody's */
    PyObject *known;  /* its dict: whether events of a name pass */
    PyObject *scopes; /* and another: whether events in a scope do */
    uint32_t kinds, named, scoped;
    uint16_t flags;
    bool is_open;
    int64_t other_than; /* NO_NUMBER: it does not matter */
    Buffer lines, iterations, positions;
} Sieve;

/* Tell whether an event that was just put passes what the gate has: a Sieve, or None, which nothing passes. Where that
   cannot be found out it does; no error is set. `kind` is the number of its kind. */
bool sieve_passes(Sieve *sieve, PyObject *given, int kind, const PenEvent *event, int64_t seq);

void sieve_clear(Sieve *sieve);

/* Return an event as `Recorder.arrived` takes it; NULL with an error set. */
PyObject *sieve_told(const PenEvent *event, int64_t seq);

#endif
