#include "leaves.h"

#include "blob.h"
#include "forward.h"
#include "graph.h"
#include "op.h"
#include "pen.h"
#include "records.h"
#include "stepping.h"
#include "telling.h"
#include "visit.h"

static PyObject *base_name, *zero_grad_name;

/* Each that takes a list leaves it to Python (None, nothing was done) unless all in it is the common case. */

/* Return the record of a leaf that is on the tape and still is one; NULL, mostly without an error set, of anything else. */
static PyObject *leaf_record(Context *context, PyObject *tensor)
{
    PyObject *record = is_tensor(context, tensor) ? record_known(context, tensor) : NULL;
    if (record == NULL || SLOT(record, record_slots.is_leaf) != Py_True || is_requiring_grad(tensor) <= 0)
        return NULL;
    PyObject *name = SLOT(record, record_slots.name);
    if (name != Py_None && !PyUnicode_GET_LENGTH(name))
        return NULL;
    PyObject *base = PyObject_GetAttr(tensor, base_name);
    Py_XDECREF(base);
    return base == Py_None ? record : NULL;
}

/* Begin to collect what goes behind what a blob has by now; false, with or without an error set, where that cannot be. */
static bool begin(Context *context, PyObject *blob)
{
    Draft *draft = &context->draft;
    int64_t size = context->is_busy ? -1 : blob_size(blob);
    if (size < 0)
        return false;
    draft->text.used = draft->data.used = draft->odd = 0;
    if (!buffer_reserve(&draft->data, (size_t)size))
        return false;
    draft->data.used = (size_t)size;
    context->is_busy = true;
    return true;
}

/* Give to a blob what was collected; false with an error set. */
static bool end(Context *context, PyObject *blob)
{
    const Draft *draft = &context->draft;
    int64_t size = blob_size(blob);
    context->is_busy = false;
    if (PyErr_Occurred() || (size_t)size >= draft->data.used)
        return !PyErr_Occurred();
    PyObject *bytes = PyBytes_FromStringAndSize(draft->data.bytes + size, (Py_ssize_t)draft->data.used - size);
    bool is_done = bytes != NULL && blob_add(blob, size, bytes);
    Py_XDECREF(bytes);
    return is_done;
}

/* --- gradients ----------------------------------------------------------------------------------------------------- */

static PyObject *leaves_gradients(PyObject *self, PyObject *list)
{
    Context *context = forward_context(((Leaves *)self)->forward);
    if (!PyList_Check(list)) {
        PyErr_SetString(PyExc_TypeError, "a list of tensors is needed");
        return NULL;
    }
    PyObject *found = PyTuple_New(PyList_GET_SIZE(list));
    for (Py_ssize_t i = 0; found != NULL && i < PyTuple_GET_SIZE(found); i++) {
        PyObject *tensor = i < PyList_GET_SIZE(list) ? PyList_GET_ITEM(list, i) : Py_None;
        PyObject *grad = is_tensor(context, tensor) ? filling_grad(tensor) : NULL;
        if (grad == NULL)
            Py_CLEAR(found);
        else
            PyTuple_SET_ITEM(found, i, grad);
    }
    PyErr_Clear(); /* what torch refuses is no gradient, and that is for Python */
    return found != NULL ? found : Py_NewRef(Py_None);
}

/* --- before gradients are cleared ---------------------------------------------------------------------------------- */

/* Add the value of a gradient; return its text and what is odd about it, NULL with an error set. */
static PyObject *hold_one(Context *context, PyObject *leaf)
{
    Draft *draft = &context->draft;
    PyObject *grad = filling_grad(leaf), *held = NULL;
    draft->text.used = 0;
    draft->odd = 0;
    if (grad != NULL && reader_add(context->reader, grad, false, draft))
        held = Py_BuildValue("s#i", draft->text.bytes, (Py_ssize_t)draft->text.used, (int)draft->odd);
    Py_XDECREF(grad);
    return held;
}

static bool are_leaves(Context *context, PyObject *list)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++)
        if (leaf_record(context, PyList_GET_ITEM(list, i)) == NULL)
            return false;
    return PyList_GET_SIZE(list) > 0;
}

static PyObject *hold_rows(Context *context, PyObject *list)
{
    PyObject *held = PyList_New(0);
    for (Py_ssize_t i = 0; held != NULL && i < PyList_GET_SIZE(list); i++) {
        PyObject *one = hold_one(context, PyList_GET_ITEM(list, i));
        if (one == NULL || PyList_Append(held, one) < 0)
            Py_CLEAR(held);
        Py_XDECREF(one);
    }
    return held;
}

static PyObject *hold_each(Context *context, PyObject *list, PyObject *blob)
{
    PyObject *held = hold_rows(context, list);
    if (held == NULL)
        context->is_busy = false;
    else if (!end(context, blob))
        Py_CLEAR(held);
    return held != NULL || PyErr_Occurred() ? held : Py_NewRef(Py_None);
}

static PyObject *leaves_hold(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    Context *context = forward_context(((Leaves *)self)->forward);
    if (count != 2 || !PyList_CheckExact(given[0])) {
        PyErr_SetString(PyExc_TypeError, "a list of leaves and a blob are needed");
        return NULL;
    }
    if (are_leaves(context, given[0]) && begin(context, given[1]))
        return hold_each(context, given[0], given[1]);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

/* Return what `hold` does of a copy of a list, with that and the bytes. */
static PyObject *leaves_keep(PyObject *self, PyObject *list)
{
    Context *context = forward_context(((Leaves *)self)->forward);
    Draft *draft = &context->draft;
    if (!PyList_CheckExact(list) || context->is_busy || !are_leaves(context, list))
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    PyObject *leaves = PyList_GetSlice(list, 0, PyList_GET_SIZE(list)), *held, *data = NULL;
    if (leaves == NULL)
        return NULL;
    draft->data.used = 0;
    context->is_busy = true;
    held = hold_rows(context, leaves);
    context->is_busy = false;
    if (held != NULL)
        data = PyBytes_FromStringAndSize(draft->data.bytes, (Py_ssize_t)draft->data.used);
    PyObject *kept = data == NULL ? NULL : PyTuple_Pack(3, leaves, held, data);
    Py_DECREF(leaves);
    Py_XDECREF(held);
    Py_XDECREF(data);
    return kept != NULL || PyErr_Occurred() ? kept : Py_NewRef(Py_None);
}

/* --- after it ------------------------------------------------------------------------------------------------------ */

static bool is_cleared(Context *context, PyObject *leaf)
{
    PyObject *grad = leaf_record(context, leaf) == NULL ? NULL : filling_grad(leaf);
    Py_XDECREF(grad);
    return grad == Py_None;
}

/* Take a key out of a dict, if it is in it; false with an error set. */
static bool take_out(PyObject *dict, PyObject *key)
{
    int is_in = PyDict_Contains(dict, key);
    return is_in == 0 || (is_in > 0 && PyDict_DelItem(dict, key) == 0);
}

/* Forget the buffer that a leaf had, as `Buffers.drop` does; false with an error set. */
static bool drop(const Leaves *leaves, PyObject *record)
{
    PyObject *id = SLOT(record, record_slots.grad_id), *key = SLOT(record, leaves->slots.grad_key), *zero;
    if (number_in(record, record_slots.grad_id) == 0)
        return true;
    PyObject *group = PyDict_GetItemWithError(leaves->by_memory, key);
    bool is_done = !PyErr_Occurred();
    if (group != NULL && PyDict_CheckExact(group)) {
        is_done = take_out(group, SLOT(record, record_slots.id));
        if (is_done && PyDict_GET_SIZE(group) == 0)
            is_done = PyDict_DelItem(leaves->by_memory, key) == 0;
    }
    if (is_done && PyDict_GetItemWithError(leaves->by_object, id) == record)
        is_done = PyDict_DelItem(leaves->by_object, id) == 0;
    if (!is_done || (zero = PyLong_FromLong(0)) == NULL)
        return false;
    slot_set(record, record_slots.grad_id, Py_NewRef(zero));
    slot_set(record, leaves->slots.grad_key, zero);
    return true;
}

/* Say that nothing is left in the buffer of a leaf; false with an error set. */
static bool empty(const Leaves *leaves, Context *context, PyObject *record, int64_t event)
{
    PyObject *zero = PyLong_FromLong(0);
    if (zero == NULL || !drop(leaves, record)) {
        Py_XDECREF(zero);
        return false;
    }
    slot_set(record, leaves->slots.is_moved, Py_NewRef(Py_False));
    slot_set(record, leaves->slots.fills, Py_NewRef(zero));
    slot_set(record, leaves->slots.since, zero);
    return pen_put_grad(context->pen, number_in(record, record_slots.id), event, 0, 0);
}

/* Add what `write_buffer` returns; false with an error set. */
static bool add_buffer(PyObject *record, PyObject *before, Buffer *text)
{
    PyObject *label = filling_label(SLOT(record, record_slots.name), SLOT(record, record_slots.id));
    bool is_done = label != NULL && buffer_add(text, "[", 1) &&
                   buffer_add_integer(text, number_in(record, record_slots.id)) && buffer_add(text, ",", 1) &&
                   filling_add_label(text, SLOT(record, record_slots.head), SLOT(record, record_slots.name), label) &&
                   buffer_add(text, ",", 1) && buffer_add_string(text, before) && buffer_add_text(text, ",null]");
    Py_XDECREF(label);
    return is_done;
}

static bool add_cleared(Leaves *leaves, Context *context, PyObject *leaf, PyObject *before, Buffer *text, int64_t event)
{
    PyObject *record = leaf_record(context, leaf);
    if (record == NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_RuntimeError, "what was a leaf is none any more");
    return record != NULL && add_buffer(record, before, text) && empty(leaves, context, record, event);
}

static bool are_cleared(Context *context, PyObject *list)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++)
        if (!is_cleared(context, PyList_GET_ITEM(list, i)))
            return false;
    return true;
}

static PyObject *clear_each(Leaves *leaves, Context *context, PyObject *list, PyObject *before, int64_t event)
{
    Buffer text = {0};
    bool is_done = true;
    for (Py_ssize_t i = 0; is_done && i < PyList_GET_SIZE(list); i++)
        is_done = (i == 0 || buffer_add(&text, ",", 1)) &&
                  add_cleared(leaves, context, PyList_GET_ITEM(list, i), PyList_GET_ITEM(before, i), &text, event);
    PyObject *told = is_done ? PyUnicode_FromStringAndSize(text.bytes, (Py_ssize_t)text.used) : NULL;
    buffer_free(&text);
    return told;
}

static PyObject *leaves_clear(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    Context *context = forward_context(((Leaves *)self)->forward);
    bool is_it = count == 3 && PyList_CheckExact(given[0]) && PyList_CheckExact(given[1]) &&
                 PyList_GET_SIZE(given[0]) == PyList_GET_SIZE(given[1]) && PyLong_Check(given[2]);
    if (!is_it) {
        PyErr_SetString(PyExc_TypeError, "leaves, as many texts and the number of an event are needed");
        return NULL;
    }
    is_it = are_cleared(context, given[0]);
    for (Py_ssize_t i = 0; is_it && i < PyList_GET_SIZE(given[1]); i++)
        is_it = PyUnicode_Check(PyList_GET_ITEM(given[1], i));
    if (is_it)
        return clear_each((Leaves *)self, context, given[0], given[1], PyLong_AsLongLong(given[2]));
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

/* Compose the event of a clearing, of rows that `keep` has returned; tell by `has_held` whether there was anything to clear.
   False with an error set. */
static bool compose_clearing(Leaves *leaves, Context *context, PyObject *list, PyObject *rows, PyObject *idiom,
                             bool *has_held)
{
    Buffer *text = &context->draft.text;
    int64_t event = pen_head(context->pen) + 1;
    bool is_done = buffer_add(text, "[\"", 2) && buffer_add_string(text, idiom) && buffer_add(text, "\",[", 3);
    *has_held = false;
    for (Py_ssize_t i = 0; is_done && i < PyList_GET_SIZE(list); i++) {
        PyObject *before = PyTuple_GET_ITEM(PyList_GET_ITEM(rows, i), 0);
        *has_held = *has_held || PyUnicode_CompareWithASCIIString(before, "null") != 0;
        is_done = (i == 0 || buffer_add(text, ",", 1)) &&
                  add_cleared(leaves, context, PyList_GET_ITEM(list, i), before, text, event);
    }
    return is_done && buffer_add_text(text, "],false]");
}

static PyObject *tell_clearing(Leaves *leaves, Context *context, PyObject *kept, Telling *telling)
{
    Draft *draft = &context->draft;
    PyObject *data = PyTuple_GET_ITEM(kept, 2);
    bool has_held;
    draft->text.used = draft->data.used = 0;
    context->is_busy = true;
    bool is_done = buffer_add(&draft->data, PyBytes_AS_STRING(data), (size_t)PyBytes_GET_SIZE(data)) &&
                   compose_clearing(leaves, context, PyTuple_GET_ITEM(kept, 0), PyTuple_GET_ITEM(kept, 1),
                                    telling->name, &has_held) &&
                   telling_put(context, telling) >= 0;
    context->is_busy = false;
    return is_done && telling_end(context, telling) ? PyBool_FromLong(has_held) : NULL;
}

static PyObject *leaves_cleared(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    Context *context = forward_context(((Leaves *)self)->forward);
    if (count != 4 || !PyTuple_CheckExact(given[0]) || PyTuple_GET_SIZE(given[0]) != 3 || !PyUnicode_Check(given[1]) ||
        !PyUnicode_Check(given[3])) {
        PyErr_SetString(PyExc_TypeError, "what was kept, an idiom, a place and a phase are needed");
        return NULL;
    }
    Telling telling = {.kind = ZERO_GRAD_KIND, .kind_name = zero_grad_name, .name = given[1], .place = given[2],
                       .phase = given[3]};
    if (!context->is_busy && are_cleared(context, PyTuple_GET_ITEM(given[0], 0)) && telling_begin(context, &telling) > 0)
        return tell_clearing((Leaves *)self, context, given[0], &telling);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

/* --- after a step -------------------------------------------------------------------------------------------------- */

bool leaves_are_known(Context *context, PyObject *list)
{
    Origin origin;
    if (PyDict_GET_SIZE(context->blanks))
        return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++)
        if (!is_tensor(context, PyList_GET_ITEM(list, i)) ||
            op_find_origin(context, PyList_GET_ITEM(list, i), &origin) <= 0)
            return false;
    return true;
}

/* Tell whether no tensor of a list is a leaf that was never recorded; may set an error. */
static bool are_seen(Context *context, PyObject *list)
{
    bool is_it = true;
    for (Py_ssize_t i = 0; is_it && i < PyList_GET_SIZE(list); i++) {
        PyObject *tensor = PyList_GET_ITEM(list, i);
        int requires_grad = is_tensor(context, tensor) ? is_requiring_grad(tensor) : -1;
        PyObject *record = requires_grad > 0 ? record_known(context, tensor) : NULL;
        is_it = requires_grad == 0 || (record != NULL && SLOT(record, record_slots.is_leaf) == Py_True);
    }
    return is_it;
}

static PyObject *leaves_are_seen(PyObject *self, PyObject *list)
{
    Context *context = forward_context(((Leaves *)self)->forward);
    bool is_it = PyList_CheckExact(list) && are_seen(context, list);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(is_it);
}

static bool define(Context *context, PyObject *tensor, int64_t event)
{
    Origin origin;
    PyObject *record = NULL;
    return op_find_origin(context, tensor, &origin) > 0 &&
           (record = op_add_tensor(context, tensor, &origin, words.made, &context->draft)) != NULL &&
           pen_put_tensor(context->pen, number_in(record, record_slots.id), event, origin.node, origin.output_nr);
}

bool leaves_define_each(Context *context, PyObject *list, int64_t event, double *norms)
{
    bool is_done = true;
    for (Py_ssize_t i = 0; is_done && i < PyList_GET_SIZE(list); i++) {
        is_done = (i == 0 || buffer_add(&context->draft.text, ",", 1)) &&
                  define(context, PyList_GET_ITEM(list, i), event);
        if (norms != NULL)
            norms[i] = context->draft.norm;
    }
    if (!is_done && !PyErr_Occurred())
        PyErr_SetString(PyExc_RuntimeError, "it is not known any more what a tensor is the output of");
    return is_done;
}

static PyObject *define_each(Context *context, PyObject *list, PyObject *blob, int64_t event)
{
    Draft *draft = &context->draft;
    bool is_done = leaves_define_each(context, list, event, NULL);
    PyObject *text = is_done ? PyUnicode_FromStringAndSize(draft->text.bytes, (Py_ssize_t)draft->text.used) : NULL;
    uint16_t odd = draft->odd;
    if (text == NULL)
        context->is_busy = false;
    else if (!end(context, blob) || !blob_note(blob, odd))
        Py_CLEAR(text);
    return text;
}

static PyObject *leaves_define(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    Context *context = forward_context(((Leaves *)self)->forward);
    if (count != 3 || !PyList_Check(given[0]) || !PyLong_Check(given[2])) {
        PyErr_SetString(PyExc_TypeError, "a list of tensors, a blob and the number of an event are needed");
        return NULL;
    }
    if (leaves_are_known(context, given[0]) && begin(context, given[1]))
        return define_each(context, given[0], given[1], PyLong_AsLongLong(given[2]));
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

/* --- the type ------------------------------------------------------------------------------------------------------ */

static int leaves_init(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static const char *const names[] = {"fills", "since", "grad_key", "is_moved", NULL};
    Leaves *leaves = (Leaves *)self;
    PyObject *forward, *by_memory, *by_object, *hypot;
    if (!PyArg_ParseTuple(arguments, "OO!O!O", &forward, &PyDict_Type, &by_memory, &PyDict_Type, &by_object, &hypot))
        return -1;
    if (forward_context(forward) == NULL) {
        PyErr_SetString(PyExc_TypeError, "no Forward");
        return -1;
    }
    if (!slots_find((PyObject *)record_class, names, &leaves->slots.fills))
        return -1;
    Py_XSETREF(leaves->forward, Py_NewRef(forward));
    Py_XSETREF(leaves->by_memory, Py_NewRef(by_memory));
    Py_XSETREF(leaves->by_object, Py_NewRef(by_object));
    Py_XSETREF(leaves->hypot, Py_NewRef(hypot));
    return 0;
}

static int leaves_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Leaves *)self)->forward);
    Py_VISIT(((Leaves *)self)->by_memory);
    Py_VISIT(((Leaves *)self)->by_object);
    Py_VISIT(((Leaves *)self)->hypot);
    return 0;
}

static int leaves_forget(PyObject *self)
{
    Py_CLEAR(((Leaves *)self)->forward);
    Py_CLEAR(((Leaves *)self)->by_memory);
    Py_CLEAR(((Leaves *)self)->by_object);
    Py_CLEAR(((Leaves *)self)->hypot);
    return 0;
}

static void leaves_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    leaves_forget(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"gradients", leaves_gradients, METH_O, NULL},
    {"hold", (PyCFunction)(void (*)(void))leaves_hold, METH_FASTCALL, NULL},
    {"keep", leaves_keep, METH_O, NULL},
    {"cleared", (PyCFunction)(void (*)(void))leaves_cleared, METH_FASTCALL, NULL},
    {"clear", (PyCFunction)(void (*)(void))leaves_clear, METH_FASTCALL, NULL},
    {"are_seen", leaves_are_seen, METH_O, NULL},
    {"found", stepping_found, METH_O, NULL},
    {"norms", (PyCFunction)(void (*)(void))stepping_norms, METH_FASTCALL, NULL},
    {"made", (PyCFunction)(void (*)(void))stepping_made, METH_FASTCALL, NULL},
    {"define", (PyCFunction)(void (*)(void))leaves_define, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_init, leaves_init},       {Py_tp_traverse, leaves_traverse}, {Py_tp_clear, leaves_forget},
    {Py_tp_dealloc, leaves_dealloc}, {Py_tp_methods, methods},          {0, NULL},
};

static PyType_Spec spec = {
    .name = "gradb.tracer.native._accelerator.Leaves",
    .basicsize = sizeof(Leaves),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

PyObject *leaves_type(void)
{
    base_name = PyUnicode_InternFromString("_base");
    zero_grad_name = PyUnicode_InternFromString("zero_grad");
    return base_name == NULL || zero_grad_name == NULL || !stepping_prepare() ? NULL : PyType_FromSpec(&spec);
}
