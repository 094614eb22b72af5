#include "starting.h"

#include "forward.h"
#include "graph.h"
#include "op.h"
#include "pen.h"
#include "records.h"
#include "telling.h"

static PyObject *start_name, *end_name, *backward_name;

/* Tell whether a value is a plain tensor, and it is known what it is the output of; -1 with an error set. */
static int is_known(Context *context, PyObject *tensor)
{
    Origin origin;
    return is_tensor(context, tensor) ? op_find_origin(context, tensor, &origin) : 0;
}

/* Tell whether an op has made a tensor; -1 with an error set. */
static int is_made(PyObject *tensor)
{
    PyObject *maker = maker_of(tensor);
    int is_it = maker == NULL ? -1 : maker != Py_None;
    Py_XDECREF(maker);
    return is_it;
}

/* Tell whether a gradient, or None, can be read here and is finite: what is odd may be born outside. -1 with an error set. */
static int is_finite(Context *context, PyObject *gradient)
{
    Draft *draft = &context->draft;
    if (gradient == Py_None)
        return 1;
    int is_it = is_known(context, gradient);
    if (is_it <= 0)
        return is_it;
    draft->text.used = draft->data.used = draft->odd = 0;
    is_it = reader_add_known(context->reader, gradient, false, draft);
    return is_it > 0 ? !draft->odd : is_it;
}

static int may_begin(Context *context, PyObject *root, PyObject *gradient)
{
    Telling telling;
    if (context->is_busy || PyDict_GET_SIZE(context->blanks))
        return 0;
    int is_it = is_known(context, root);
    if (is_it > 0)
        is_it = is_made(root);
    if (is_it > 0)
        is_it = is_finite(context, gradient);
    return is_it > 0 ? telling_begin(context, &telling) : is_it;
}

PyObject *starting_may(PyObject *module, PyObject *const *given, Py_ssize_t count)
{
    Context *context = count == 3 ? forward_context(given[0]) : NULL;
    if (context == NULL) {
        PyErr_SetString(PyExc_TypeError, "a Forward, a tensor and a gradient are needed");
        return NULL;
    }
    int is_it = may_begin(context, given[1], given[2]);
    return is_it < 0 ? NULL : PyBool_FromLong(is_it);
}

/* --- the beginning ------------------------------------------------------------------------------------------------- */

static bool add_tensor(Context *context, PyObject *tensor)
{
    Origin origin;
    if (tensor == Py_None)
        return buffer_add_text(&context->draft.text, "null");
    int is_it = is_tensor(context, tensor) ? op_find_origin(context, tensor, &origin) : 0;
    if (is_it == 0)
        PyErr_SetString(PyExc_RuntimeError, "it is not known any more what a tensor is the output of");
    return is_it > 0 && op_add_tensor(context, tensor, &origin, words.arrives, &context->draft) != NULL;
}

static bool add_ids(PyObject *marks, Buffer *text)
{
    bool is_done = true, is_first = true;
    for (Py_ssize_t i = 0; is_done && i < PyList_GET_SIZE(marks); i++) {
        PyObject *mark = PyList_GET_ITEM(marks, i);
        if (!Py_IS_TYPE(mark, mark_class))
            continue;
        is_done = (is_first || buffer_add(text, ",", 1)) && buffer_add_integer(text, number_in(mark, mark_slots.id));
        is_first = false;
    }
    return is_done;
}

static bool compose(Context *context, PyObject *root, PyObject *gradient, PyObject *marks, bool retains)
{
    Draft *draft = &context->draft;
    draft->text.used = draft->data.used = draft->odd = 0;
    return buffer_add_text(&draft->text, "[\"backward\",[") && add_tensor(context, root) &&
           buffer_add_text(&draft->text, "],[") && add_tensor(context, gradient) &&
           buffer_add_text(&draft->text, retains ? "],true,false,null,[" : "],false,false,null,[") &&
           add_ids(marks, &draft->text) && buffer_add(&draft->text, "]]", 2);
}

/* Put an event that is composed already, and have the gate asked about it; NULL with an error set. */
static PyObject *put(Context *context, Telling *telling)
{
    int64_t seq = telling_put(context, telling);
    context->is_busy = false;
    return seq >= 0 && telling_end(context, telling) ? PyLong_FromLongLong(seq) : NULL;
}

enum { FORWARD, ROOT, GRADIENT, MARKS, RETAINS, PLACE, FLAGS, BEGIN_ARGUMENTS };

PyObject *starting_begin(PyObject *module, PyObject *const *given, Py_ssize_t count)
{
    Context *context = count == BEGIN_ARGUMENTS ? forward_context(given[FORWARD]) : NULL;
    if (context == NULL || context->is_busy || !PyList_CheckExact(given[MARKS]) || !PyLong_Check(given[FLAGS])) {
        PyErr_SetString(PyExc_TypeError, "a Forward, a tensor, a gradient, marks, a place and flags are needed");
        return NULL;
    }
    Telling telling = {.kind = BACKWARD_START_KIND, .kind_name = start_name, .name = backward_name,
                       .place = given[PLACE], .phase = backward_name};
    if (telling_find(context, &telling) <= 0)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_RuntimeError, "this thread has no number any more");
    context->is_busy = true;
    if (!compose(context, given[ROOT], given[GRADIENT], given[MARKS], given[RETAINS] == Py_True)) {
        context->is_busy = false;
        return NULL;
    }
    telling.flags |= (uint16_t)PyLong_AsLong(given[FLAGS]) | (context->draft.odd & (NANS | INFINITIES | BIRTH));
    return put(context, &telling);
}

/* --- the end ------------------------------------------------------------------------------------------------------- */

PyObject *starting_end(PyObject *module, PyObject *const *given, Py_ssize_t count)
{
    Context *context = count == 4 ? forward_context(given[0]) : NULL;
    if (context == NULL || !PyLong_Check(given[1]) || !PyLong_Check(given[3])) {
        PyErr_SetString(PyExc_TypeError, "a Forward, the number of an event, a place and flags are needed");
        return NULL;
    }
    Draft *draft = &context->draft;
    Telling telling = {.kind = BACKWARD_END_KIND, .kind_name = end_name, .name = backward_name, .place = given[2],
                       .phase = backward_name};
    int is_it = context->is_busy ? 0 : telling_begin(context, &telling);
    if (is_it <= 0)
        return is_it < 0 ? NULL : Py_NewRef(Py_None);
    draft->text.used = draft->data.used = 0;
    context->is_busy = true;
    if (!(buffer_add(&draft->text, "[", 1) && buffer_add_integer(&draft->text, PyLong_AsLongLong(given[1])) &&
          buffer_add_text(&draft->text, ",[],\"\"]"))) {
        context->is_busy = false;
        return NULL;
    }
    telling.flags = (uint16_t)PyLong_AsLong(given[3]); /* its end has no grad mode */
    return put(context, &telling);
}

bool starting_prepare(void)
{
    start_name = PyUnicode_InternFromString("backward_start");
    end_name = PyUnicode_InternFromString("backward_end");
    backward_name = PyUnicode_InternFromString("backward");
    return start_name != NULL && end_name != NULL && backward_name != NULL;
}
