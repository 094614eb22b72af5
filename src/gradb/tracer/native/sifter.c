#include "sifter.h"

#include "sieve.h"

typedef struct {
    PyObject_HEAD
    Sieve passing; /* the one that was asked last */
} Sifter;

enum { GIVEN, SEQ, CODE, KIND, NAME, PLACE, SCOPE, ITERATION, PHASE, NODE, FLAGS, DETAIL, DATA, ARGUMENTS };

static bool take_number(PyObject *given, int64_t *number)
{
    *number = given == Py_None ? NO_NUMBER : PyLong_AsLongLong(given);
    return !PyErr_Occurred();
}

static bool fill(PyObject *const *given, PenEvent *event, int64_t *seq, int64_t *code)
{
    int64_t flags;
    Py_ssize_t size;
    const char *detail = PyUnicode_Check(given[DETAIL]) ? PyUnicode_AsUTF8AndSize(given[DETAIL], &size) : NULL;
    bool has_data = PyBytes_Check(given[DATA]);
    PyObject *const texts[] = {given[KIND], given[NAME], given[SCOPE], given[PHASE]};
    for (int i = 0; i < 4; i++)
        if (!PyUnicode_Check(texts[i]))
            return false;
    if (detail == NULL || !take_number(given[SEQ], seq) || !take_number(given[CODE], code) ||
        !take_number(given[ITERATION], &event->iteration) || !take_number(given[NODE], &event->node) ||
        !take_number(given[FLAGS], &flags) || *code < 0 || *code >= 32)
        return false;
    event->kind = given[KIND];
    event->name = given[NAME];
    event->place = given[PLACE];
    event->scope = given[SCOPE];
    event->phase = given[PHASE];
    event->flags = (uint16_t)flags;
    event->detail = detail;
    event->detail_size = (size_t)size;
    event->data = has_data ? PyBytes_AS_STRING(given[DATA]) : NULL;
    event->data_size = has_data ? (size_t)PyBytes_GET_SIZE(given[DATA]) : 0;
    return true;
}

static PyObject *sifter_passes(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    PenEvent event = {0};
    int64_t seq, code;
    bool is_passing = count != ARGUMENTS || !fill(given, &event, &seq, &code) ||
                      sieve_passes(&((Sifter *)self)->passing, given[GIVEN], (int)code, &event, seq, NULL);
    PyErr_Clear();
    return PyBool_FromLong(is_passing);
}

static PyObject *sifter_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    return type->tp_alloc(type, 0); /* all is NULL */
}

static int sifter_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void sifter_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    sieve_clear(&((Sifter *)self)->passing);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"passes", (PyCFunction)(void (*)(void))sifter_passes, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, sifter_new}, {Py_tp_traverse, sifter_traverse}, {Py_tp_dealloc, sifter_dealloc},
    {Py_tp_methods, methods}, {0, NULL},
};

static PyType_Spec spec = {
    .name = "gradb.tracer.native._accelerator.Sifter",
    .basicsize = sizeof(Sifter),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

PyObject *sifter_type(void)
{
    return PyType_FromSpec(&spec);
}
