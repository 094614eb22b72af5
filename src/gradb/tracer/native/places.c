#include "places.h"

/* The kinds of files that are asked for, as source/kinds.py numbers them. */
enum { TRANSPARENT = 3, MODULE = 4 };

#define MOST_FRAMES 100 /* as in source/walks.py */

/* What a walk meets: first what it is within, then the code and the instruction of each frame. */
typedef struct {
    int64_t met[1 + 2 * MOST_FRAMES];
    int count;
} Walk;

/* What walks are looked up in: see `parts` of source/places.py. */
typedef struct {
    PyObject *kinds, *walks, *end;
} Known;

static Known known_in(const Context *context)
{
    return (Known){context->place_kinds, context->place_walks, context->place_end};
}

/* Return the kind of the file of some code, -1 where it was never met. */
static int kind_of(PyObject *kinds, PyCodeObject *code)
{
    PyObject *kind = PyDict_GetItemWithError(kinds, code->co_filename);
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

/* Go past the frames that do not count: takes one over, and returns a new reference; NULL where there is none. */
static PyFrameObject *first_frame(PyFrameObject *frame, PyObject *kinds)
{
    bool is_passing = true;
    while (frame != NULL && is_passing) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        is_passing = kind_of(kinds, code) == TRANSPARENT;
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
static PyObject *known_of(PyObject *walks, const Walk *walk)
{
    PyObject *key = PyBytes_FromStringAndSize((const char *)walk->met, (Py_ssize_t)sizeof *walk->met * walk->count);
    PyObject *row = key == NULL ? NULL : PyDict_GetItemWithError(walks, key);
    Py_XDECREF(key);
    return row != NULL && PyTuple_CheckExact(row) && PyTuple_GET_SIZE(row) == 3 ? PyTuple_GET_ITEM(row, 0) : NULL;
}

/* Return what a walk from a frame on, which is taken over, has found before (borrowed); NULL where there was none. */
static PyObject *find(const Known *known, PyFrameObject *frame, PyObject *within)
{
    Walk walk;
    PyObject *outer = within == NULL ? NULL : PyTuple_GET_ITEM(within, 1);
    const void *end = PyList_GET_SIZE(known->end) ? PyList_GET_ITEM(known->end, 0) : NULL;
    const void *last = within == NULL ? NULL : PyLong_AsVoidPtr(PyTuple_GET_ITEM(within, 0));
    walk.met[0] = (int64_t)(intptr_t)outer;
    walk.count = 1;
    return take_walk(&walk, first_frame(frame, known->kinds), end, last) && !PyErr_Occurred()
               ? known_of(known->walks, &walk)
               : NULL;
}

PyObject *places_find(Context *context, PyObject *within)
{
    const Known known = known_in(context);
    PyObject *found = find(&known, PyThreadState_GetFrame(PyThreadState_Get()), within);
    if (found == NULL || !Py_IS_TYPE(found, found_class) || SLOT(found, found_slots.is_optimizer) != Py_False)
        return NULL;
    return Py_NewRef(found);
}

/* Tell whether an object is a `ModuleCall`: a tuple of a number and what was found. */
static bool is_module_call(PyObject *within)
{
    return PyTuple_Check(within) && PyTuple_GET_SIZE(within) == 2 && PyLong_Check(PyTuple_GET_ITEM(within, 0));
}

PyObject *places_known(PyObject *module, PyObject *const *given, Py_ssize_t count)
{
    (void)module;
    if (count != 5 || !PyDict_CheckExact(given[0]) || !PyDict_CheckExact(given[1]) || !PyList_CheckExact(given[2]) ||
        !PyFrame_Check(given[3]) || !(given[4] == Py_None || is_module_call(given[4]))) {
        PyErr_SetString(PyExc_TypeError, "two dicts, a list, a frame and a call of a module or None are needed");
        return NULL;
    }
    const Known known = {given[0], given[1], given[2]};
    PyObject *found = find(&known, (PyFrameObject *)Py_NewRef(given[3]), given[4] == Py_None ? NULL : given[4]);
    if (found == NULL && PyErr_Occurred())
        return NULL;
    return Py_NewRef(found == NULL ? Py_None : found);
}

PyObject *places_call(Context *context)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    void *found = NULL;
    while (frame != NULL && found == NULL) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        if (is_call(code) && kind_of(context->place_kinds, code) == MODULE)
            found = frame;
        Py_DECREF(code);
        frame = back_of(frame);
    }
    Py_XDECREF(frame);
    return PyLong_FromVoidPtr(found);
}
