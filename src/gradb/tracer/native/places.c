#include "places.h"

/* The kinds of files that are asked for, as source/kinds.py numbers them. */
enum { TRANSPARENT = 3, MODULE = 4 };

#define MOST_FRAMES 100 /* as in source/walks.py */

/* What a walk meets: first what it is within, then the code and the instruction of each frame. */
typedef struct {
    int64_t met[1 + 2 * MOST_FRAMES];
    int count;
} Walk;

/* Return the kind of the file of some code, -1 where it was never met. */
static int kind_of(Context *context, PyCodeObject *code)
{
    PyObject *kind = PyDict_GetItemWithError(context->place_kinds, code->co_filename);
    return kind == NULL ? -1 : (int)PyLong_AsLong(kind);
}

/* Tell whether a frame is that of the call of a module, if its file is one of those that these are in. */
static bool is_call(PyCodeObject *code)
{
    return PyUnicode_CompareWithASCIIString(code->co_name, "_wrapped_call_impl") == 0;
}

/* Let go of a frame, and return the one that has called it. */
static PyFrameObject *back_of(PyFrameObject *frame)
{
    PyFrameObject *back = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    return back;
}

/* Return the running frame, past those that do not count (a new reference); NULL where there is none. */
static PyFrameObject *first_frame(Context *context)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    bool is_passing = true;
    while (frame != NULL && is_passing) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        is_passing = kind_of(context, code) == TRANSPARENT;
        Py_DECREF(code);
        if (is_passing)
            frame = back_of(frame);
    }
    return frame;
}

/* Take note of all frames up to the last; false where there are more than are looked at. */
static bool take_walk(Walk *walk, PyFrameObject *frame, const void *end, const void *last)
{
    bool is_whole = true, is_over = false;
    while (frame != NULL && !is_over) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        is_over = (const void *)code == end;
        if (!is_over && walk->count < 1 + 2 * MOST_FRAMES) {
            walk->met[walk->count++] = (int64_t)(intptr_t)code;
            walk->met[walk->count++] = PyFrame_GetLasti(frame);
            is_over = (const void *)frame == last;
        }
        else if (!is_over) {
            is_whole = false;
            is_over = true;
        }
        Py_DECREF(code);
        frame = back_of(frame);
    }
    Py_XDECREF(frame);
    return is_whole;
}

/* Return what such a walk has found before (borrowed), NULL where there was none. */
static PyObject *known_of(Context *context, const Walk *walk)
{
    PyObject *key = PyBytes_FromStringAndSize((const char *)walk->met, (Py_ssize_t)sizeof *walk->met * walk->count);
    PyObject *row = key == NULL ? NULL : PyDict_GetItemWithError(context->place_walks, key);
    Py_XDECREF(key);
    return row != NULL && PyTuple_CheckExact(row) && PyTuple_GET_SIZE(row) == 3 ? PyTuple_GET_ITEM(row, 0) : NULL;
}

PyObject *places_find(Context *context, PyObject *within)
{
    Walk walk;
    PyObject *outer = within == NULL ? NULL : PyTuple_GET_ITEM(within, 1);
    const void *end = PyList_GET_SIZE(context->place_end) ? PyList_GET_ITEM(context->place_end, 0) : NULL;
    const void *last = within == NULL ? NULL : PyLong_AsVoidPtr(PyTuple_GET_ITEM(within, 0));
    if (PyErr_Occurred())
        return NULL;
    walk.met[0] = (int64_t)(intptr_t)outer;
    walk.count = 1;
    if (!take_walk(&walk, first_frame(context), end, last))
        return NULL;
    PyObject *found = known_of(context, &walk);
    if (found == NULL || !Py_IS_TYPE(found, found_class) || SLOT(found, found_slots.is_optimizer) != Py_False)
        return NULL;
    return Py_NewRef(found);
}

PyObject *places_call(Context *context)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    void *found = NULL;
    while (frame != NULL && found == NULL) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        if (is_call(code) && kind_of(context, code) == MODULE)
            found = frame;
        Py_DECREF(code);
        frame = back_of(frame);
    }
    Py_XDECREF(frame);
    return PyLong_FromVoidPtr(found);
}
