/* What the recorder and its gate say now, read from their slots. */

#ifndef GRADB_STATE_H
#define GRADB_STATE_H

#include "slots.h"

/* Of the recorder, and of the gate. */
enum { IS_ACTIVE, IS_FULL, PENDING, BEFORE_EVENT, HAS_ERRANDS, IS_DUE, ITERATION, PHASE, RECORDER_SLOTS };
enum { IS_STEPPING, LOOKS_IN, SIEVE, GATE_SLOTS };

typedef struct {
    PyObject *recorder, *gate; /* borrowed: of whoever has this */
    Py_ssize_t recorder_slots[RECORDER_SLOTS], gate_slots[GATE_SLOTS];
} State;

#define RECORDER(state, which) SLOT((state)->recorder, (state)->recorder_slots[which])
#define GATE(state, which) SLOT((state)->gate, (state)->gate_slots[which])

/* Find where their slots lie; false with an error set. */
bool state_find(State *state, PyObject *recorder, PyObject *gate);

/* Tell whether nothing is to be written before the next event. */
bool state_is_settled(const State *state);

/* Say in which phase the script is. */
void state_set_phase(const State *state, PyObject *phase);

#endif
