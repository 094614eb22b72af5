#include "audit.h"

#include <string.h>

/* A hook cannot be taken out again, and is called for each `id()` and each look at a frame: it compares names, and only
   for one that is meant it makes a call. */

#define MOST 32
static const char *names[MOST];
static Py_ssize_t name_count;
static PyObject *taker; /* None of them is ever let go: the hook may be called to the very end. */
static PyInterpreterState *owner;

static int take(const char *event, PyObject *arguments)
{
    PyThreadState *thread = PyThreadState_Get();
    PyObject *name = PyUnicode_FromString(event);
    if (name == NULL)
        return -1;
    PyThreadState_EnterTracing(thread); /* as for a hook of Python's: a trace function of the script's sees none of it */
    PyObject *result = PyObject_CallFunctionObjArgs(taker, name, arguments, NULL);
    PyThreadState_LeaveTracing(thread);
    Py_DECREF(name);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int hook(const char *event, PyObject *arguments, void *data)
{
    (void)data;
    for (Py_ssize_t index = 0; index < name_count; index++)
        if (names[index][0] == event[0] && strcmp(names[index], event) == 0)
            return arguments != NULL && PyInterpreterState_Get() == owner ? take(event, arguments) : 0;
    return 0;
}

PyObject *audit_begin(PyObject *module, PyObject *const *given, Py_ssize_t count)
{
    (void)module;
    if (count < 2 || count - 1 > MOST) {
        PyErr_SetString(PyExc_TypeError, "a taker and 1 to 32 names are needed");
        return NULL;
    }
    if (taker != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "audit events are taken already");
        return NULL;
    }
    const char *found[MOST];
    for (Py_ssize_t index = 1; index < count; index++) {
        found[index - 1] = PyUnicode_AsUTF8(given[index]); /* the text is kept as long as the name is */
        if (found[index - 1] == NULL)
            return NULL;
    }
    if (PySys_AddAuditHook(hook, NULL) < 0)
        return NULL;
    for (Py_ssize_t index = 1; index < count; index++) {
        names[index - 1] = found[index - 1];
        Py_INCREF(given[index]);
    }
    owner = PyInterpreterState_Get();
    taker = Py_NewRef(given[0]);
    name_count = count - 1;
    Py_RETURN_NONE;
}
