#include "telling.h"

#include "layouts.h"
#include "pen.h"

/* Tell whether a question of torch's is answered with yes; -1 with an error set. */
static int is_so(PyObject *question)
{
    PyObject *answer = PyObject_CallNoArgs(question);
    int is_it = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    return is_it;
}

/* Return the grad mode in force, as a flag; -1 with an error set. */
static int mode_now(const Context *context)
{
    int is_inference = is_so(context->is_inference);
    if (is_inference)
        return is_inference < 0 ? -1 : INFERENCE;
    int is_on = is_so(context->is_grad_enabled);
    return is_on < 0 ? -1 : is_on ? 0 : GRAD_OFF;
}

int telling_find(Context *context, Telling *telling)
{
    PyObject *ident = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
    PyObject *thread = ident == NULL ? NULL : PyDict_GetItemWithError(context->threads, ident);
    Py_XDECREF(ident);
    if (thread == NULL)
        return PyErr_Occurred() ? -1 : 0;
    int mode = mode_now(context);
    telling->thread = (uint16_t)PyLong_AsLong(thread);
    telling->iteration = number_in(context->recorder, context->state.recorder_slots[ITERATION]);
    telling->flags = mode < 0 ? 0 : (uint16_t)mode;
    telling->told = NULL;
    return PyErr_Occurred() ? -1 : 1;
}

int telling_begin(Context *context, Telling *telling)
{
    if (!state_is_settled(&context->state) || RECORDER(&context->state, IS_ACTIVE) != Py_True)
        return 0;
    return telling_find(context, telling);
}

int64_t telling_put(Context *context, Telling *telling)
{
    const Draft *draft = &context->draft;
    PenEvent event = {.kind = telling->kind_name, .name = telling->name, .place = telling->place, .scope = words.empty,
                      .phase = telling->phase, .iteration = telling->iteration, .node = NO_NUMBER,
                      .thread = telling->thread,
                      .flags = telling->flags, .detail = draft->text.bytes, .detail_size = draft->text.used,
                      .data = draft->data.used ? draft->data.bytes : NULL, .data_size = draft->data.used};
    state_set_phase(&context->state, telling->phase);
    int64_t seq = pen_put_event(context->pen, &event);
    if (seq >= 0 && sieve_passes(&context->passing, GATE(&context->state, SIEVE), telling->kind, &event, seq, NULL)) {
        telling->told = sieve_told(&event, seq);
        if (telling->told == NULL)
            return -1;
    }
    return seq;
}

bool telling_end(Context *context, Telling *telling)
{
    if (telling->told == NULL)
        return true;
    PyObject *done = PyObject_CallOneArg(context->arrived, telling->told);
    Py_CLEAR(telling->told);
    Py_XDECREF(done);
    return done != NULL;
}
