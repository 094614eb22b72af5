#include "blob.h"

static PyObject *parts_name, *size_name, *odd_name;

bool blob_prepare(void)
{
    parts_name = PyUnicode_InternFromString("parts");
    size_name = PyUnicode_InternFromString("size");
    odd_name = PyUnicode_InternFromString("odd");
    return parts_name != NULL && size_name != NULL && odd_name != NULL;
}

int64_t blob_size(PyObject *blob)
{
    PyObject *size = PyObject_GetAttr(blob, size_name);
    int64_t number = size == NULL ? -1 : PyLong_AsLongLong(size);
    Py_XDECREF(size);
    return number;
}

bool blob_set_size(PyObject *blob, PyObject *size)
{
    return PyObject_SetAttr(blob, size_name, size) == 0;
}

PyObject *blob_parts(PyObject *blob)
{
    PyObject *parts = PyObject_GetAttr(blob, parts_name);
    if (parts == NULL || PyList_Check(parts))
        return parts;
    Py_DECREF(parts);
    PyErr_SetString(PyExc_TypeError, "the parts of a blob are a list");
    return NULL;
}

bool blob_add(PyObject *blob, int64_t offset, PyObject *bytes)
{
    PyObject *size = PyLong_FromLongLong(offset + PyBytes_GET_SIZE(bytes));
    PyObject *parts = size == NULL ? NULL : blob_parts(blob);
    bool is_done = parts != NULL && PyList_Append(parts, bytes) == 0 && blob_set_size(blob, size);
    Py_XDECREF(size);
    Py_XDECREF(parts);
    return is_done;
}

uint16_t blob_odd(PyObject *blob)
{
    PyObject *odd = PyObject_GetAttr(blob, odd_name);
    long number = odd == NULL ? -1 : PyLong_AsLong(odd);
    Py_XDECREF(odd);
    return number < 0 ? 0 : (uint16_t)number;
}

bool blob_note(PyObject *blob, uint16_t odd)
{
    if (!odd)
        return true;
    PyObject *number = PyLong_FromLong(odd | blob_odd(blob));
    bool is_done = number != NULL && !PyErr_Occurred() && PyObject_SetAttr(blob, odd_name, number) == 0;
    Py_XDECREF(number);
    return is_done;
}
