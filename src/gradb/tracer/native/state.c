#include "state.h"

bool state_find(State *state, PyObject *recorder, PyObject *gate)
{
    static const char *const recorder_names[] = {"is_active", "is_full", "pending", "before_event", "has_errands",
                                                 "_is_due", "iteration", "phase", NULL};
    static const char *const gate_names[] = {"_is_stepping", "looks_in", "sieve", NULL};
    state->recorder = recorder;
    state->gate = gate;
    return slots_find((PyObject *)Py_TYPE(recorder), recorder_names, state->recorder_slots) &&
           slots_find((PyObject *)Py_TYPE(gate), gate_names, state->gate_slots);
}

bool state_is_settled(const State *state)
{
    return RECORDER(state, PENDING) == Py_None && RECORDER(state, BEFORE_EVENT) == Py_None &&
           RECORDER(state, HAS_ERRANDS) == Py_False && RECORDER(state, IS_DUE) == Py_False;
}

void state_set_phase(const State *state, PyObject *phase)
{
    if (RECORDER(state, PHASE) != phase)
        slot_set(state->recorder, state->recorder_slots[PHASE], Py_NewRef(phase));
}
