/* An event of a call of the script's that is told as a whole in C: put as `Recorder.emit` does. */

#ifndef GRADB_TELLING_H
#define GRADB_TELLING_H

#include "context.h"

typedef struct {
    int kind;
    PyObject *kind_name, *name, *place, *phase; /* borrowed */
    int64_t iteration;
    uint16_t thread, flags;
    PyObject *told; /* the event, owned, once it is put where the script may be held at it; else NULL */
} Telling;

/* Find out thread, iteration and grad mode: 1; 0 where Python has to put the event, since something else has to be written
   before, or the thread has no number; -1 with an error set. */
int telling_begin(Context *context, Telling *telling);

/* The same, whatever has to be written before. */
int telling_find(Context *context, Telling *telling);

/* Put the event with the text and data of the draft; return its number, below 0 with an error set. */
int64_t telling_put(Context *context, Telling *telling);

/* Have Python ask the gate about it, where the script may be held; nothing of it may be left to be done. False with an
   error set. */
bool telling_end(Context *context, Telling *telling);

#endif
