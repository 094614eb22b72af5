#include "mark.h"

#include <stdbool.h>
#include <structmember.h>

#include "pen.h"

typedef struct {
    PyObject_HEAD
    PyObject *id, *name, *is_leaf, *place, *scope, *edges, *is_hooked, *writer, *has_run, *hooks;
} Mark;

static PyObject *gone_name, *pen_name, *head_name, *append_name;

/* Return the number of the last event that a pen has put; -1 with an error set. */
static int64_t head_of(PyObject *pen)
{
    if (pen_check(pen))
        return pen_head(pen);
    PyObject *head = PyObject_GetAttr(pen, head_name);
    int64_t last = head == NULL ? -1 : PyLong_AsLongLong(head);
    Py_XDECREF(head);
    return last;
}

/* Say that the node is no more, from the next event on: any thread may come here, at any time. */
static bool tell_end(PyObject *writer, PyObject *id)
{
    PyObject *gone = PyObject_GetAttr(writer, gone_name), *pen = PyObject_GetAttr(writer, pen_name);
    int64_t last = gone == NULL || pen == NULL ? -1 : head_of(pen);
    PyObject *next = last < 0 ? NULL : PyLong_FromLongLong(last + 1), *row = next == NULL ? NULL : PyTuple_Pack(2, next, id);
    PyObject *done = row == NULL ? NULL : PyObject_CallMethodOneArg(gone, append_name, row);
    bool is_done = done != NULL;
    Py_XDECREF(gone);
    Py_XDECREF(pen);
    Py_XDECREF(next);
    Py_XDECREF(row);
    Py_XDECREF(done);
    return is_done;
}

static int mark_init(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    Mark *mark = (Mark *)self;
    PyObject *id, *name, *place, *scope, *edges, *is_hooked, *writer;
    if (!PyArg_ParseTuple(arguments, "OUOOOOO", &id, &name, &place, &scope, &edges, &is_hooked, &writer))
        return -1;
    bool is_leaf = PyUnicode_CompareWithASCIIString(name, "AccumulateGrad") == 0;
    Py_XSETREF(mark->id, Py_NewRef(id));
    Py_XSETREF(mark->name, Py_NewRef(name));
    Py_XSETREF(mark->is_leaf, PyBool_FromLong(is_leaf));
    Py_XSETREF(mark->place, Py_NewRef(place));
    Py_XSETREF(mark->scope, Py_NewRef(scope));
    Py_XSETREF(mark->edges, Py_NewRef(edges));
    Py_XSETREF(mark->is_hooked, Py_NewRef(is_hooked));
    Py_XSETREF(mark->writer, Py_NewRef(writer));
    Py_XSETREF(mark->has_run, Py_NewRef(Py_False));
    return 0;
}

static void mark_dealloc(PyObject *self)
{
    Mark *mark = (Mark *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject *error, *value, *traceback;
    PyErr_Fetch(&error, &value, &traceback);
    if (mark->writer != NULL && mark->id != NULL && !tell_end(mark->writer, mark->id))
        PyErr_WriteUnraisable(NULL);
    PyErr_Restore(error, value, traceback);
    Py_CLEAR(mark->id);
    Py_CLEAR(mark->name);
    Py_CLEAR(mark->is_leaf);
    Py_CLEAR(mark->place);
    Py_CLEAR(mark->scope);
    Py_CLEAR(mark->edges);
    Py_CLEAR(mark->is_hooked);
    Py_CLEAR(mark->writer);
    Py_CLEAR(mark->has_run);
    Py_CLEAR(mark->hooks);
    type->tp_free(self);
    Py_DECREF(type);
}

#define MEMBER(name) {#name, T_OBJECT_EX, offsetof(Mark, name), 0, NULL}

static PyMemberDef members[] = {
    MEMBER(id),    MEMBER(name),      MEMBER(is_leaf), MEMBER(place),   MEMBER(scope),
    MEMBER(edges), MEMBER(is_hooked), MEMBER(writer),  MEMBER(has_run),
    MEMBER(hooks), {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_init, mark_init},
    {Py_tp_dealloc, mark_dealloc},
    {Py_tp_members, members},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "gradb.tracer.native._accelerator.Mark",
    .basicsize = sizeof(Mark),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

PyObject *mark_type(void)
{
    gone_name = PyUnicode_InternFromString("gone");
    pen_name = PyUnicode_InternFromString("pen");
    head_name = PyUnicode_InternFromString("head");
    append_name = PyUnicode_InternFromString("append");
    if (gone_name == NULL || pen_name == NULL || head_name == NULL || append_name == NULL)
        return NULL;
    return PyType_FromSpec(&spec);
}
