#include "places.h"

/* The kinds of files, as source/places.py numbers them. */
enum { USER, DEEP, OPTIM, TRANSPARENT, MODULE, LIBRARY };

typedef struct {
    bool is_direct, is_deep, is_librarys;
    int calls;             /* of modules */
    PyCodeObject *library; /* owned; the innermost code of a library, and where in it */
    int library_at;
} Walk;

/* Return the kind of a file, -1 where it was never met. */
static int kind_of(Context *context, PyCodeObject *code)
{
    PyObject *kind = PyDict_GetItemWithError(context->place_kinds, code->co_filename);
    return kind == NULL ? -1 : (int)PyLong_AsLong(kind);
}

/* Return the place of an instruction, NULL where it was never met; a dict holds it. */
static PyObject *place_of(Context *context, PyCodeObject *code, int at)
{
    PyObject *key = PyLong_FromVoidPtr(code), *offset = PyLong_FromLong(at), *place = NULL;
    PyObject *known = key == NULL ? NULL : PyDict_GetItemWithError(context->place_codes, key);
    if (known != NULL && offset != NULL && PyTuple_GET_ITEM(known, 0) == (PyObject *)code)
        place = PyDict_GetItemWithError(PyTuple_GET_ITEM(known, 1), offset);
    Py_XDECREF(key);
    Py_XDECREF(offset);
    return place;
}

/* Return a place with that of the library beside it. */
static PyObject *place_inside(Context *context, PyObject *place, const Walk *walk)
{
    PyCodeObject *code = walk->library;
    int line = PyCode_Addr2Line(code, walk->library_at);
    PyObject *number = PyLong_FromLong(line > 0 ? line : code->co_firstlineno);
    PyObject *key = number == NULL ? NULL : PyTuple_Pack(3, SLOT(place, place_slots.row), code->co_filename, number);
    PyObject *found = key == NULL ? NULL : PyDict_GetItemWithError(context->place_libraries, key);
    Py_XDECREF(number);
    Py_XDECREF(key);
    return found;
}

/* Return what `Place.found` does, where it was made before. */
static PyObject *found_at(Context *context, PyObject *place, const Walk *walk, bool is_direct, bool is_module_call)
{
    if (place != NULL && walk->library != NULL)
        place = place_inside(context, place, walk);
    if (place == NULL || !Py_IS_TYPE(place, place_class))
        return NULL;
    PyObject *key = PyLong_FromLong(is_direct | is_module_call << 2 | walk->is_librarys << 3);
    PyObject *found = key == NULL ? NULL : PyDict_GetItemWithError(SLOT(place, place_slots.found), key);
    Py_XDECREF(key);
    return found != NULL && Py_IS_TYPE(found, found_class) ? Py_NewRef(found) : NULL;
}

/* Tell whether a frame is that of the call of a module, if its file is one of those that these are in. */
static bool is_call(PyCodeObject *code)
{
    return PyUnicode_CompareWithASCIIString(code->co_name, "_wrapped_call_impl") == 0;
}

typedef enum { GOES_ON, ENDS } Step;

/* Go beyond a frame of the call of a module, but for that which the walk was sure to reach. */
static Step pass_module(Context *context, Walk *walk, PyFrameObject *frame, PyCodeObject *code, PyObject *within,
                        PyObject **found)
{
    walk->is_direct = false;
    if (!is_call(code))
        return GOES_ON;
    walk->calls++;
    if (within == NULL || PyLong_AsVoidPtr(PyTuple_GET_ITEM(within, 0)) != (void *)frame)
        return GOES_ON;
    PyObject *outer = PyTuple_GET_ITEM(within, 1);
    if (Py_IS_TYPE(outer, found_class) && SLOT(outer, found_slots.is_optimizer) == Py_False)
        *found = found_at(context, SLOT(outer, found_slots.place), walk, false, false);
    return ENDS;
}

static Step step(Context *context, Walk *walk, PyFrameObject *frame, PyCodeObject *code, PyObject *within,
                 PyObject **found)
{
    int kind = kind_of(context, code);
    switch (kind) {
    case USER:
        *found = found_at(context, place_of(context, code, PyFrame_GetLasti(frame)), walk, walk->is_direct,
                          walk->calls == 1 && !walk->is_deep);
        return ENDS;
    case MODULE:
        return pass_module(context, walk, frame, code, within, found);
    case TRANSPARENT:
        return GOES_ON;
    case LIBRARY:
        if (walk->library == NULL) {
            walk->library = (PyCodeObject *)Py_NewRef(code);
            walk->library_at = PyFrame_GetLasti(frame);
            walk->is_librarys = walk->is_direct;
        }
        break;
    case DEEP:
        break;
    default: /* an optimizer's, or never met */
        return ENDS;
    }
    walk->is_direct = false;
    walk->is_deep = true;
    return GOES_ON;
}

PyObject *places_find(Context *context, PyObject *within)
{
    Walk walk = {.is_direct = true};
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    PyObject *found = NULL;
    Step next = GOES_ON;
    while (frame != NULL && next == GOES_ON) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        next = step(context, &walk, frame, code, within, &found);
        Py_DECREF(code);
        PyFrameObject *back = next == GOES_ON ? PyFrame_GetBack(frame) : NULL;
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    Py_XDECREF(walk.library);
    return found;
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
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return PyLong_FromVoidPtr(found);
}
