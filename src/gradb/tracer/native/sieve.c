#include "sieve.h"

/* --- reading the facts --------------------------------------------------------------------------------------------- */

static bool read_number(PyObject *given, const char *name, int64_t *number)
{
    PyObject *found = PyObject_GetAttrString(given, name);
    *number = found == NULL ? 0 : found == Py_None ? NO_NUMBER : PyLong_AsLongLong(found);
    Py_XDECREF(found);
    return !PyErr_Occurred();
}

static bool read_numbers(PyObject *given, const char *name, Buffer *numbers)
{
    PyObject *found = PyObject_GetAttrString(given, name);
    bool is_done = found != NULL && PyTuple_Check(found);
    numbers->used = 0;
    for (Py_ssize_t i = 0; is_done && i < PyTuple_GET_SIZE(found); i++) {
        int64_t number = PyLong_AsLongLong(PyTuple_GET_ITEM(found, i));
        is_done = !PyErr_Occurred() && buffer_add(numbers, &number, sizeof number);
    }
    Py_XDECREF(found);
    return is_done;
}

static bool read_memo(PyObject *given, const char *name, PyObject **memo)
{
    PyObject *found = PyObject_GetAttrString(given, name);
    Py_XSETREF(*memo, found);
    return found != NULL && PyDict_CheckExact(found);
}

static bool read_facts(Sieve *sieve, PyObject *given)
{
    int64_t is_open, flags, kinds, named, scoped;
    if (!read_memo(given, "known", &sieve->known) || !read_memo(given, "scopes", &sieve->scopes) ||
        !read_number(given, "is_open", &is_open) || !read_number(given, "flags", &flags) ||
        !read_number(given, "kinds", &kinds) || !read_number(given, "named", &named) ||
        !read_number(given, "scoped", &scoped) || !read_number(given, "other_than", &sieve->other_than) ||
        !read_numbers(given, "lines", &sieve->lines) || !read_numbers(given, "iterations", &sieve->iterations) ||
        !read_numbers(given, "positions", &sieve->positions))
        return false;
    sieve->is_open = is_open != 0;
    sieve->flags = (uint16_t)flags;
    sieve->kinds = (uint32_t)kinds;
    sieve->named = (uint32_t)named;
    sieve->scoped = (uint32_t)scoped;
    return true;
}

/* Have the facts of another sieve: it never changes but for what it knows of names and scopes. */
static bool take(Sieve *sieve, PyObject *given)
{
    Py_XSETREF(sieve->read, Py_NewRef(given));
    if (read_facts(sieve, given))
        return true;
    Py_CLEAR(sieve->read);
    return false;
}

void sieve_clear(Sieve *sieve)
{
    Py_CLEAR(sieve->read);
    Py_CLEAR(sieve->known);
    Py_CLEAR(sieve->scopes);
    buffer_free(&sieve->lines);
    buffer_free(&sieve->iterations);
    buffer_free(&sieve->positions);
}

/* --- an event ------------------------------------------------------------------------------------------------------ */

static bool has(const Buffer *numbers, int64_t number)
{
    const int64_t *all = (const int64_t *)(const void *)numbers->bytes;
    for (size_t i = 0; i < numbers->used / sizeof *all; i++)
        if (all[i] == number)
            return true;
    return false;
}

static bool is_at(const Sieve *sieve, PyObject *place)
{
    if (!sieve->lines.used || !PyTuple_Check(place) || PyTuple_GET_SIZE(place) < 2)
        return false;
    PyObject *line = PyTuple_GET_ITEM(place, 1);
    return PyLong_Check(line) && has(&sieve->lines, PyLong_AsLongLong(line));
}

/* Tell what a memo knows of a name or a scope; what it does not is learnt by a method. */
static bool is_meant(const Sieve *sieve, PyObject *memo, PyObject *name, const char *learn)
{
    PyObject *known = PyDict_GetItemWithError(memo, name);
    if (known != NULL)
        return known != Py_False;
    PyObject *learnt = PyErr_Occurred() ? NULL : PyObject_CallMethod(sieve->read, learn, "O", name);
    Py_XDECREF(learnt);
    return learnt != Py_False; /* which is there for ever */
}

bool sieve_passes(Sieve *sieve, PyObject *given, int kind, const PenEvent *event, int64_t seq)
{
    if (given == NULL || given == Py_None)
        return false;
    uint32_t bit = UINT32_C(1) << kind;
    bool passes = (given != sieve->read && !take(sieve, given)) || sieve->is_open || event->flags & sieve->flags ||
                  sieve->kinds & bit || is_at(sieve, event->place) || has(&sieve->iterations, event->iteration) ||
                  has(&sieve->positions, seq) ||
                  (sieve->other_than != NO_NUMBER && event->iteration != sieve->other_than) ||
                  (sieve->named & bit && is_meant(sieve, sieve->known, event->name, "learn")) ||
                  (sieve->scoped & bit && is_meant(sieve, sieve->scopes, event->scope, "learn_scope"));
    PyErr_Clear();
    return passes;
}

PyObject *sieve_told(const PenEvent *event, int64_t seq)
{
    PyObject *node = event->node == NO_NUMBER ? Py_NewRef(Py_None) : PyLong_FromLongLong(event->node);
    PyObject *detail = PyUnicode_DecodeUTF8(event->detail, (Py_ssize_t)event->detail_size, "replace");
    PyObject *data = event->data == NULL ? Py_NewRef(Py_None)
                                         : PyBytes_FromStringAndSize(event->data, (Py_ssize_t)event->data_size);
    return Py_BuildValue("LOOOONHHNN", (long long)seq, event->kind, event->name, event->place, event->scope, node,
                         event->flags, event->thread, detail, data);
}
