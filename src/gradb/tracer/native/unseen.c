#include "unseen.h"

static PyObject *enter_name, *exit_name;

int unseen_prepare(void)
{
    enter_name = PyUnicode_InternFromString("__enter__");
    exit_name = PyUnicode_InternFromString("__exit__");
    return enter_name != NULL && exit_name != NULL;
}

PyObject *unseen_begin(PyObject *kind)
{
    PyObject *made = PyObject_CallNoArgs(kind);
    PyObject *done = made == NULL ? NULL : PyObject_CallMethodNoArgs(made, enter_name);
    if (done == NULL) {
        PyErr_Clear();
        Py_CLEAR(made);
    }
    Py_XDECREF(done);
    return made;
}

void unseen_end(PyObject *begun)
{
    PyObject *done = PyObject_CallMethodObjArgs(begun, exit_name, Py_None, Py_None, Py_None, NULL);
    PyErr_Clear();
    Py_XDECREF(done);
    Py_DECREF(begun);
}
