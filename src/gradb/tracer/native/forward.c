#include "forward.h"

#include <structmember.h>

#include "op.h"

enum { PASS, OP, ENGINE }; /* as in watch/torch_functions.py */

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    Context context;
} Forward;

enum { FUNC, TYPES, ARGS, KWARGS };

/* What is to be done with a call. */
typedef enum { LEAVE_TO_PYTHON, PASS_ON, NAME, RECORD } Plan;

static bool is_plain_op(PyObject *call, PyObject *kwargs)
{
    return number_in(call, call_slots.kind) == OP && SLOT(call, call_slots.is_inplace) == Py_False &&
           SLOT(call, call_slots.clears) == Py_False && SLOT(call, call_slots.is_blank) == Py_False &&
           (kwargs == NULL || PyDict_GetItemWithError(kwargs, words.out) == NULL);
}

bool forward_is_traced(Context *context)
{
    PyObject *state = PyObject_CallNoArgs(context->tracing_state);
    Py_XDECREF(state);
    return state != Py_None;
}

/* Decide before the call is made; never fails. `call` is what is known of the function: borrowed from a dict. */
static Plan plan(Context *context, PyObject *func, PyObject *kwargs, PyObject **call)
{
    Plan found = LEAVE_TO_PYTHON;
    *call = NULL;
    if (PyDict_GetItemWithError(context->compiler, words._is_compiling_flag) == Py_False)
        *call = PyDict_GetItemWithError(context->calls, func);
    if (*call != NULL && Py_IS_TYPE(*call, call_class) && SLOT(*call, call_slots.genuine) != NULL &&
        SLOT(*call, call_slots.genuine) != Py_None) {
        if (number_in(*call, call_slots.kind) == PASS)
            found = PASS_ON;
        else if ((number_in(*call, call_slots.kind) == ENGINE || is_plain_op(*call, kwargs)) && RECORDER(&context->state, IS_ACTIVE) == Py_True &&
                 RECORDER(&context->state, IS_FULL) == Py_True && GATE(&context->state, LOOKS_IN) == Py_False &&
                 !forward_is_traced(context))
            found = number_in(*call, call_slots.kind) == ENGINE ? NAME : RECORD;
    }
    forget_error(); /* of what cannot be hashed */
    return found;
}

/* Call a function of Python's that takes what there is of the call, and what came of it. */
static bool tell(PyObject *function, PyObject *call, PyObject *args, PyObject *kwargs, PyObject *what)
{
    PyObject *given = kwargs == NULL ? PyDict_New() : Py_NewRef(kwargs);
    PyObject *done = given == NULL ? NULL : PyObject_CallFunctionObjArgs(function, call, args, given, what, NULL);
    Py_XDECREF(given);
    Py_XDECREF(done);
    return done != NULL;
}

/* Return the error that is set, which is no more; a new reference. */
static PyObject *take_error(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL)
        PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

/* Raise an error again as it was; takes it over. */
static void raise_again(PyObject *error)
{
    PyObject *type = Py_NewRef((PyObject *)Py_TYPE(error));
    PyErr_Restore(type, error, PyException_GetTraceback(error));
}

/* Have an error of torch's recorded, and leave it set. */
static void record_error(Context *context, PyObject *call, PyObject *args, PyObject *kwargs)
{
    PyObject *error = take_error();
    if (tell(context->raised, call, args, kwargs, error))
        raise_again(error);
    else
        Py_DECREF(error); /* what was raised now is what a handler of the script's has raised */
}

/* Have a failure of our own told, which is not the script's. */
static bool tell_failure(Context *context)
{
    PyObject *error = take_error(), *done = PyObject_CallOneArg(context->lost, error);
    Py_DECREF(error);
    Py_XDECREF(done);
    return done != NULL;
}

/* Run the handlers of signals that have waited; false where one has raised. */
static bool deliver(Context *context)
{
    if (!PyList_Check(context->held) || !PyList_GET_SIZE(context->held))
        return true;
    PyObject *done = PyObject_CallNoArgs(context->deliver);
    Py_XDECREF(done);
    return done != NULL;
}

static PyObject *run(Context *context, PyObject *call, PyObject *args, PyObject *kwargs, Plan what)
{
    if (what == NAME && !deliver(context))
        return NULL;
    PyObject *result = PyObject_Call(SLOT(call, call_slots.genuine), args, kwargs);
    bool is_done = true;
    if (what == PASS_ON)
        return result;
    if (result == NULL) {
        record_error(context, call, args, kwargs);
        return NULL;
    }
    if (what == NAME) /* what a backward does is told by who watches the engine */
        return result;
    switch (op_record(context, call, args, kwargs, result)) {
    case OP_RECORDED:
        is_done = deliver(context);
        break;
    case OP_FOR_PYTHON:
        is_done = tell(context->returned, call, args, kwargs, result);
        break;
    case OP_FAILED:
        is_done = tell_failure(context) && deliver(context);
    }
    if (!is_done)
        Py_CLEAR(result);
    return result;
}

static PyObject *forward_call(PyObject *self, PyObject *const *given, size_t flags, PyObject *names)
{
    Context *context = &((Forward *)self)->context;
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    PyObject *kwargs = count > KWARGS ? given[KWARGS] : NULL, *call = NULL;
    if (kwargs == Py_None || (kwargs != NULL && PyDict_CheckExact(kwargs) && !PyDict_GET_SIZE(kwargs)))
        kwargs = NULL;
    if (names != NULL || count <= ARGS || count > KWARGS + 1 || !PyTuple_CheckExact(given[ARGS]) ||
        (kwargs != NULL && !PyDict_CheckExact(kwargs)))
        return PyObject_Vectorcall(context->slow, given, flags, names);
    Plan what = plan(context, given[FUNC], kwargs, &call);
    if (what == LEAVE_TO_PYTHON)
        return PyObject_Vectorcall(context->slow, given, flags, names);
    Py_INCREF(call);
    bool is_left = what == NAME && op_name(context, call, given[ARGS]) != OP_RECORDED;
    PyObject *result = is_left ? PyObject_Vectorcall(context->slow, given, flags, names)
                               : run(context, call, given[ARGS], kwargs, what);
    Py_DECREF(call);
    return result;
}

/* --- the type ------------------------------------------------------------------------------------------------------ */

static int forward_init(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    Forward *forward = (Forward *)self;
    PyObject *parts;
    if (!PyArg_ParseTuple(arguments, "O", &parts) || !context_fill(&forward->context, parts))
        return -1;
    forward->vectorcall = forward_call;
    return 0;
}

static int forward_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return context_traverse(&((Forward *)self)->context, visit, arg);
}

static int forward_clear(PyObject *self)
{
    context_clear(&((Forward *)self)->context);
    return 0;
}

static void forward_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    forward_clear(self);
    draft_free(&((Forward *)self)->context.draft);
    buffer_free(&((Forward *)self)->context.ids);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef members[] = {
    {"__self__", T_OBJECT_EX, offsetof(Forward, context.mode), READONLY, NULL}, /* torch asks whose method it is */
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Forward, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_init, forward_init},       {Py_tp_traverse, forward_traverse}, {Py_tp_clear, forward_clear},
    {Py_tp_dealloc, forward_dealloc}, {Py_tp_call, PyVectorcall_Call},    {Py_tp_members, members},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "gradb.tracer.native._accelerator.Forward",
    .basicsize = sizeof(Forward),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = slots,
};

Context *forward_context(PyObject *object)
{
    return Py_TYPE(object)->tp_init == forward_init ? &((Forward *)object)->context : NULL;
}

PyObject *forward_type(void)
{
    return PyType_FromSpec(&spec);
}
