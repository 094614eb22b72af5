#include "sieve.h"

#include "slots.h"

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

/* Have the numbers of the series that matter as bits. */
static bool read_series(PyObject *given, uint32_t *series)
{
    Buffer numbers = {0};
    bool is_done = read_numbers(given, "series", &numbers);
    const int64_t *all = (const int64_t *)(const void *)numbers.bytes;
    *series = 0;
    for (size_t i = 0; is_done && i < numbers.used / sizeof *all; i++)
        *series |= UINT32_C(1) << (all[i] & 31);
    buffer_free(&numbers);
    return is_done;
}

static bool read_marks(PyObject *given, Buffer *marks)
{
    PyObject *found = PyObject_GetAttrString(given, "marks");
    bool is_done = found != NULL && PyTuple_Check(found);
    marks->used = 0;
    for (Py_ssize_t i = 0; is_done && i < PyTuple_GET_SIZE(found); i++)
        is_done = PyUnicode_Check(PyTuple_GET_ITEM(found, i)) && marks_add(marks, PyTuple_GET_ITEM(found, i));
    Py_XDECREF(found);
    return is_done;
}

static bool read_memo(PyObject *given, const char *name, PyObject **memo)
{
    PyObject *found = PyObject_GetAttrString(given, name);
    Py_XSETREF(*memo, found);
    return found != NULL && PyDict_CheckExact(found);
}

static bool read_facts(Facts *facts, PyObject *given)
{
    int64_t is_open, flags, kinds, named, scoped, telling;
    if (!read_memo(given, "known", &facts->known) || !read_memo(given, "scopes", &facts->scopes) ||
        !read_memo(given, "places", &facts->places) ||
        !read_number(given, "is_open", &is_open) || !read_number(given, "flags", &flags) ||
        !read_number(given, "kinds", &kinds) || !read_number(given, "named", &named) ||
        !read_number(given, "scoped", &scoped) || !read_number(given, "telling", &telling) ||
        !read_series(given, &facts->series) || !read_marks(given, &facts->marks) ||
        !read_number(given, "other_than", &facts->other_than) || !read_numbers(given, "lines", &facts->lines) ||
        !read_numbers(given, "iterations", &facts->iterations) || !read_numbers(given, "positions", &facts->positions))
        return false;
    facts->is_open = is_open != 0;
    facts->flags = (uint16_t)flags;
    facts->kinds = (uint32_t)kinds;
    facts->named = (uint32_t)named;
    facts->scoped = (uint32_t)scoped;
    facts->telling = (uint32_t)telling;
    return true;
}

/* Have the facts of another: it never changes but for what it knows of names and scopes. */
static bool take_facts(Facts *facts, PyObject *given)
{
    Py_XSETREF(facts->read, Py_NewRef(given));
    if (read_facts(facts, given))
        return true;
    Py_CLEAR(facts->read);
    return false;
}

static void facts_clear(Facts *facts)
{
    Py_CLEAR(facts->read);
    Py_CLEAR(facts->known);
    Py_CLEAR(facts->scopes);
    Py_CLEAR(facts->places);
    buffer_free(&facts->lines);
    buffer_free(&facts->iterations);
    buffer_free(&facts->positions);
    buffer_free(&facts->marks);
}

static bool read_part(PyObject *given, Part *part)
{
    PyObject *facts, *program;
    if (!PyTuple_Check(given) || !PyArg_ParseTuple(given, "OO", &facts, &program))
        return false;
    return take_facts(&part->facts, facts) && (program == Py_None || condition_read(&part->condition, program));
}

static void forget_parts(Sieve *sieve)
{
    for (Py_ssize_t i = 0; i < sieve->count; i++) {
        facts_clear(&sieve->all[i].facts);
        condition_free(&sieve->all[i].condition);
    }
    PyMem_Free(sieve->all);
    sieve->all = NULL;
    sieve->count = 0;
    Py_CLEAR(sieve->parts);
}

/* Have the parts of a sieve; a copy of it has the same ones. */
static bool take_parts(Sieve *sieve, PyObject *given)
{
    PyObject *parts = PyObject_GetAttrString(given, "parts");
    bool is_done = parts != NULL && PyTuple_CheckExact(parts);
    if (is_done && parts != sieve->parts) {
        forget_parts(sieve);
        Py_ssize_t count = PyTuple_GET_SIZE(parts);
        sieve->all = count ? PyMem_Calloc((size_t)count, sizeof *sieve->all) : NULL;
        is_done = count == 0 || sieve->all != NULL;
        for (Py_ssize_t i = 0; is_done && i < count; i++) {
            sieve->count = i + 1;
            is_done = read_part(PyTuple_GET_ITEM(parts, i), &sieve->all[i]);
        }
        if (is_done)
            sieve->parts = Py_NewRef(parts);
        else
            forget_parts(sieve);
    }
    Py_XDECREF(parts);
    return is_done;
}

/* Be another sieve. */
static bool take(Sieve *sieve, PyObject *given)
{
    Py_XSETREF(sieve->levels, PyObject_GetAttrString(given, "levels"));
    Py_XSETREF(sieve->begun, PyObject_GetAttrString(given, "begun"));
    if (sieve->levels != NULL && sieve->begun != NULL && take_facts(&sieve->facts, given) && take_parts(sieve, given))
        return true;
    Py_CLEAR(sieve->facts.read);
    return false;
}

void sieve_clear(Sieve *sieve)
{
    facts_clear(&sieve->facts);
    forget_parts(sieve);
    Py_CLEAR(sieve->levels);
    Py_CLEAR(sieve->begun);
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

/* Tell what a memo knows of a name, a scope or a place; what it does not is learnt by a method. */
static bool is_meant(const Facts *facts, PyObject *memo, PyObject *name, const char *learn)
{
    PyObject *known = PyDict_GetItemWithError(memo, name);
    if (known != NULL)
        return known != Py_False;
    PyObject *learnt = PyErr_Occurred() ? NULL : PyObject_CallMethod(facts->read, learn, "(O)", name);
    Py_XDECREF(learnt);
    return learnt != Py_False; /* which is there for ever */
}

static bool is_at(const Facts *facts, PyObject *place)
{
    if (!facts->lines.used || !PyTuple_Check(place) || PyTuple_GET_SIZE(place) < 2)
        return false;
    PyObject *line = PyTuple_GET_ITEM(place, 1);
    return PyLong_Check(line) && has(&facts->lines, PyLong_AsLongLong(line)) &&
           is_meant(facts, facts->places, place, "learn_place");
}

/* Return the series whose newest points hold from an event on, as bits: all where that is not known. */
static uint32_t series_begun(PyObject *begun, int64_t seq)
{
    uint32_t series = 0;
    if (begun == NULL || !PyList_CheckExact(begun))
        return UINT32_MAX;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(begun) && i < 32; i++)
        series |= PyLong_AsLongLong(PyList_GET_ITEM(begun, i)) == seq ? UINT32_C(1) << i : 0;
    return series;
}

/* What is asked of an event, and what was found out for it. */
typedef struct {
    Moment moment;
    uint32_t begun; /* series, as bits */
    bool has_marks;
    Marks marks;
} Asked;

/* Tell whether an event may tell of what ends with one of the marks. */
static bool tells(const Facts *facts, Asked *asked)
{
    if (!asked->has_marks)
        marks_find(&asked->marks, asked->moment.detail.text, asked->moment.detail.text_size);
    asked->has_marks = true;
    return marks_have(&asked->marks, &facts->marks);
}

static bool facts_pass(const Facts *facts, Asked *asked)
{
    const PenEvent *event = asked->moment.event;
    uint32_t bit = UINT32_C(1) << asked->moment.kind;
    return facts->is_open || event->flags & facts->flags || facts->kinds & bit || is_at(facts, event->place) ||
           facts->series & asked->begun || has(&facts->iterations, event->iteration) ||
           has(&facts->positions, asked->moment.seq) ||
           (facts->other_than != NO_NUMBER && event->iteration != facts->other_than) ||
           (facts->named & bit && is_meant(facts, facts->known, event->name, "learn")) ||
           (facts->scoped & bit && is_meant(facts, facts->scopes, event->scope, "learn_scope")) ||
           (facts->telling & bit && tells(facts, asked));
}

static bool part_passes(const Part *part, Asked *asked)
{
    return facts_pass(&part->facts, asked) &&
           (part->condition.steps == NULL || condition_may_hold(&part->condition, &asked->moment));
}

static bool passes(const Sieve *sieve, Asked *asked)
{
    if (!facts_pass(&sieve->facts, asked))
        return false;
    for (Py_ssize_t i = 0; i < sieve->count; i++)
        if (part_passes(&sieve->all[i], asked))
            return true;
    return sieve->count == 0;
}

bool sieve_passes(Sieve *sieve, PyObject *given, int kind, const PenEvent *event, int64_t seq, const Detail *began)
{
    if (given == NULL || given == Py_None)
        return false;
    bool is_passing = given != sieve->facts.read && !take(sieve, given);
    if (!is_passing) {
        Asked asked;
        asked.moment = (Moment){event, kind, seq, {event->detail, event->data, event->detail_size, event->data_size}, began,
                                sieve->levels};
        asked.begun = sieve->facts.series ? series_begun(sieve->begun, seq) : 0;
        asked.has_marks = false;
        is_passing = passes(sieve, &asked);
    }
    forget_error();
    return is_passing;
}

static PyObject *told_of(const char *text, size_t size)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)size, "replace");
}

static PyObject *data_of(const char *data, size_t size)
{
    return data == NULL ? Py_NewRef(Py_None) : PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
}

PyObject *sieve_began(const Detail *began)
{
    if (began == NULL)
        return Py_NewRef(Py_None);
    return Py_BuildValue("NN", told_of(began->text, began->text_size), data_of(began->data, began->data_size));
}

PyObject *sieve_told(const PenEvent *event, int64_t seq)
{
    PyObject *node = event->node == NO_NUMBER ? Py_NewRef(Py_None) : PyLong_FromLongLong(event->node);
    return Py_BuildValue("LOOOONHHNN", (long long)seq, event->kind, event->name, event->place, event->scope, node,
                         event->flags, event->thread, told_of(event->detail, event->detail_size),
                         data_of(event->data, event->data_size));
}
