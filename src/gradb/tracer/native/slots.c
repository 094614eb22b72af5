#include "slots.h"

#include <structmember.h>

static Py_ssize_t offset_of(PyObject *type, const char *name)
{
    PyObject *descriptor = PyObject_GetAttrString(type, name);
    Py_ssize_t offset = -1;
    if (descriptor == NULL)
        return -1;
    if (Py_IS_TYPE(descriptor, &PyMemberDescr_Type) &&
        ((PyMemberDescrObject *)descriptor)->d_member->type == T_OBJECT_EX)
        offset = ((PyMemberDescrObject *)descriptor)->d_member->offset;
    else
        PyErr_Format(PyExc_TypeError, "%s is no slot of %R", name, type);
    Py_DECREF(descriptor);
    return offset;
}

bool slots_find(PyObject *type, const char *const *names, Py_ssize_t *offsets)
{
    if (!PyType_Check(type)) {
        PyErr_SetString(PyExc_TypeError, "a class is needed");
        return false;
    }
    for (Py_ssize_t i = 0; names[i] != NULL; i++)
        if ((offsets[i] = offset_of(type, names[i])) < 0)
            return false;
    return true;
}

void slot_set(PyObject *object, Py_ssize_t offset, PyObject *value)
{
    PyObject *before = SLOT(object, offset);
    SLOT(object, offset) = value;
    Py_XDECREF(before);
}

bool slots_all(PyObject *type, Layout *layout)
{
    PyObject *names = PyObject_GetAttrString(type, "__slots__");
    bool is_done = names != NULL && PyTuple_Check(names) && PyTuple_GET_SIZE(names) <= MAX_SLOTS;
    if (names != NULL && !is_done)
        PyErr_Format(PyExc_TypeError, "%R has other slots than a few named in a tuple", type);
    layout->count = is_done ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; is_done && i < layout->count; i++) {
        const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, i));
        is_done = name != NULL && (layout->offsets[i] = offset_of(type, name)) >= 0;
    }
    Py_XDECREF(names);
    return is_done;
}

PyObject *slots_copy(PyObject *pattern, const Layout *layout)
{
    PyTypeObject *type = Py_TYPE(pattern);
    PyObject *copy = type->tp_alloc(type, 0);
    for (Py_ssize_t i = 0; copy != NULL && i < layout->count; i++)
        SLOT(copy, layout->offsets[i]) = Py_XNewRef(SLOT(pattern, layout->offsets[i]));
    return copy;
}
