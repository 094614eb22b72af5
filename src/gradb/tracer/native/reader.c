#include "reader.h"

#include "blob.h"
#include "layouts.h"
#include "statistics.h"
#include "text.h"
#include "unseen.h"
#include "walk.h"

#define MAX_PASSED 64

/* A large gradient that was read: it has the same value as long as it is the same tensor in the same version, and so has
   another one that is made of the same memory, as a transpose is. */
typedef struct {
    PyObject *ref; /* weak; NULL: nothing is kept here */
    int64_t version;
    const char *data;
    Statistics found;
} Passed;

typedef struct {
    PyObject_HEAD
    int64_t limit;
    PyObject *otherwise; /* called with tensor and blob where C does not know the tensor */
    PyObject *blob;      /* makes the blob that these are given where there is none */
    PyObject *unseen;    /* torch's class, in which no override of torch functions is asked */
    bool keeps;          /* whether gradients are on their way that nobody but the engine can change */
    Passed passed[MAX_PASSED];
} Reader;

static PyObject *version_name, *comma, *nothing;

static PyObject *bytes_of(const View *view)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(view->count * view->dtype->size));
    if (bytes == NULL)
        return NULL;
    if (view->is_dense && view->count)
        memcpy(PyBytes_AS_STRING(bytes), view->data, (size_t)PyBytes_GET_SIZE(bytes));
    else
        walk_copy(view, PyBytes_AS_STRING(bytes), view->count);
    return bytes;
}

/* Put a value into a blob, and return its text; NULL, with or without an error set, where that cannot be. Steals both. */
static PyObject *put(PyObject *blob, int64_t offset, PyObject *bytes, PyObject *text, uint16_t odd)
{
    bool is_done = bytes != NULL && text != NULL && blob_add(blob, offset, bytes) && blob_note(blob, odd);
    Py_XDECREF(bytes);
    if (is_done)
        return text;
    Py_XDECREF(text);
    return NULL;
}

static PyObject *take_whole(const View *view, PyObject *blob, int64_t offset)
{
    PyObject *bytes = bytes_of(view);
    uint16_t odd = bytes == NULL ? 0 : view->dtype->odd(PyBytes_AS_STRING(bytes), view->count);
    return put(blob, offset, bytes, text_of_whole(view, offset), odd);
}

static uint16_t odd_in(const Statistics *found)
{
    return (found->nan ? NANS : 0) | (found->posinf || found->neginf ? INFINITIES : 0);
}

static PyObject *corner_of(const Statistics *found)
{
    return PyBytes_FromStringAndSize((const char *)found->corner, found->corner_count * (Py_ssize_t)sizeof(double));
}

/* Ask torch in which version a tensor is; false, with no error set, where it does not tell. */
static bool ask_version(Reader *reader, PyObject *tensor, int64_t *version)
{
    PyObject *unseen = unseen_begin(reader->unseen), *number = NULL;
    if (unseen != NULL) {
        number = PyObject_GetAttr(tensor, version_name);
        *version = number == NULL ? -1 : PyLong_AsLongLong(number);
        PyErr_Clear();
        unseen_end(unseen);
    }
    bool is_done = number != NULL && *version >= 0;
    Py_XDECREF(number);
    return is_done;
}

/* Tell whether a tensor that is alive holds the same elements as another, all finite, in whatever order. */
static bool is_of_same_memory(PyObject *known, const View *view, const Statistics *found)
{
    View other;
    return known != Py_None && found->first < 0 && tensor_view(known, &other) && other.data == view->data &&
           other.count == view->count && other.dtype == view->dtype && statistics_fill(&other) && statistics_fill(view);
}

/* Take the statistics of a gradient on its way through the engine, once as long as nothing can have changed it. Returns
   them, in `own` or in what is kept of it, or NULL. */
static Statistics *take_passed(Reader *reader, PyObject *tensor, const View *view, Statistics *own)
{
    Passed *passed = &reader->passed[((uintptr_t)view->data >> 6) % MAX_PASSED];
    int64_t version;
    if (!reader->keeps || !ask_version(reader, tensor, &version))
        return statistics_take(view, own) ? own : NULL;
    PyObject *known = passed->ref == NULL ? Py_None : PyWeakref_GET_OBJECT(passed->ref);
    bool is_as_before = passed->data == view->data && passed->version == version;
    if (is_as_before && known == tensor)
        return &passed->found;
    if (is_as_before && is_of_same_memory(known, view, &passed->found))
        statistics_reorder(view, &passed->found);
    else if (!statistics_take(view, &passed->found)) {
        Py_CLEAR(passed->ref);
        return NULL;
    }
    PyObject *ref = PyWeakref_NewRef(tensor, NULL);
    PyErr_Clear();
    Py_XSETREF(passed->ref, ref);
    passed->version = version;
    passed->data = view->data;
    return &passed->found;
}

static Statistics *take_statistics(Reader *reader, PyObject *tensor, const View *view, bool is_passing, Statistics *own)
{
    if (is_passing)
        return take_passed(reader, tensor, view, own);
    return statistics_take(view, own) ? own : NULL;
}

static PyObject *take_summary(Reader *reader, PyObject *tensor, const View *view, PyObject *blob, int64_t offset,
                              bool is_passing)
{
    Statistics own, *found = take_statistics(reader, tensor, view, is_passing, &own);
    if (found == NULL)
        return NULL;
    return put(blob, offset, corner_of(found), text_of_summary(view, found, offset), odd_in(found));
}

/* Return the text of a value; `is_passing`: the tensor is a gradient on its way through the engine. */
static PyObject *take(Reader *reader, PyObject *tensor, PyObject *blob, bool is_passing)
{
    PyObject *pair[] = {tensor, blob}, *text = NULL;
    View view;
    if (tensor == Py_None)
        return PyUnicode_FromString("null");
    if (!tensor_view(tensor, &view))
        return PyObject_Vectorcall(reader->otherwise, pair, 2, NULL);
    int64_t offset = blob_size(blob);
    if (offset >= 0)
        text = view.count <= reader->limit ? take_whole(&view, blob, offset)
                                           : take_summary(reader, tensor, &view, blob, offset, is_passing);
    if (text != NULL || PyErr_Occurred())
        return text;
    return PyObject_Vectorcall(reader->otherwise, pair, 2, NULL);
}

/* --- into a draft ------------------------------------------------------------------------------------------------ */

void draft_free(Draft *draft)
{
    buffer_free(&draft->text);
    buffer_free(&draft->data);
}

static bool add_whole(const View *view, Draft *draft)
{
    size_t size = (size_t)view->count * view->dtype->size, at = draft->data.used;
    if (!text_add_whole(&draft->text, view, (int64_t)at) || !buffer_reserve(&draft->data, size))
        return false;
    char *target = draft->data.bytes + at;
    if (view->is_dense && view->count)
        memcpy(target, view->data, size);
    else
        walk_copy(view, target, view->count);
    draft->data.used = at + size;
    draft->odd |= view->dtype->odd(target, view->count);
    return true;
}

/* Add a text that Python made, and the bytes that it put into a blob. */
static bool add_made(PyObject *text, PyObject *blob, Draft *draft)
{
    PyObject *parts = blob_parts(blob);
    bool is_done = parts != NULL && PyUnicode_Check(text) &&
                   buffer_add_string(&draft->text, text);
    for (Py_ssize_t i = 0; is_done && i < PyList_GET_SIZE(parts); i++) {
        PyObject *part = PyList_GET_ITEM(parts, i);
        is_done = PyBytes_Check(part) &&
                  buffer_add(&draft->data, PyBytes_AS_STRING(part), (size_t)PyBytes_GET_SIZE(part));
    }
    draft->odd |= blob_odd(blob);
    Py_XDECREF(parts);
    if (!is_done && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "a text and bytes are needed");
    return is_done;
}

static bool add_otherwise(Reader *reader, PyObject *function, PyObject *tensor, Draft *draft)
{
    PyObject *blob = PyObject_CallNoArgs(reader->blob), *size = PyLong_FromSize_t(draft->data.used), *text = NULL;
    if (blob != NULL && size != NULL && blob_set_size(blob, size))
        text = PyObject_CallFunctionObjArgs(function, tensor, blob, NULL);
    bool is_done = text != NULL && add_made(text, blob, draft);
    Py_XDECREF(blob);
    Py_XDECREF(size);
    Py_XDECREF(text);
    return is_done;
}

static bool add_found(const View *view, Statistics *found, Draft *draft)
{
    size_t at = draft->data.used;
    draft->norm = found->norm;
    if (!buffer_add(&draft->data, found->corner, (size_t)found->corner_count * sizeof(double)))
        return false;
    draft->odd |= odd_in(found);
    return text_add_summary(&draft->text, view, found, (int64_t)at);
}

int reader_add_known(PyObject *self, PyObject *tensor, bool is_passing, Draft *draft)
{
    Reader *reader = (Reader *)self;
    Statistics own, *found;
    View view;
    draft->norm = -1;
    if (!tensor_view(tensor, &view))
        return 0;
    if (view.count <= reader->limit)
        return add_whole(&view, draft) ? 1 : -1;
    found = take_statistics(reader, tensor, &view, is_passing, &own);
    if (found == NULL)
        return 0;
    return add_found(&view, found, draft) ? 1 : -1;
}

bool reader_add(PyObject *self, PyObject *tensor, bool is_passing, Draft *draft)
{
    draft->norm = -1;
    if (tensor == Py_None)
        return buffer_add_text(&draft->text, "null");
    int done = reader_add_known(self, tensor, is_passing, draft);
    return done ? done > 0 : add_otherwise((Reader *)self, ((Reader *)self)->otherwise, tensor, draft);
}

/* --- methods ----------------------------------------------------------------------------------------------------- */

static bool are_enough(Py_ssize_t count, Py_ssize_t wanted)
{
    if (count != wanted)
        PyErr_Format(PyExc_TypeError, "%zd arguments are needed, not %zd", wanted, count);
    return count == wanted;
}

static PyObject *reader_take(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return are_enough(count, 2) ? take((Reader *)self, arguments[0], arguments[1], false) : NULL;
}

static PyObject *reader_take_passing(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return are_enough(count, 2) ? take((Reader *)self, arguments[0], arguments[1], true) : NULL;
}

/* Append a string to a list of pieces, which takes it over; false with an error set. */
static bool add_piece(PyObject *pieces, PyObject *piece)
{
    bool is_done = piece != NULL && PyList_Append(pieces, piece) == 0;
    Py_XDECREF(piece);
    return is_done;
}

static PyObject *pieces_of(Reader *reader, PyObject *const *arguments)
{
    PyObject *tensors = arguments[0], *pieces = PyList_New(0);
    Py_ssize_t count = PyTuple_Check(tensors) ? PyTuple_GET_SIZE(tensors) : -1;
    bool is_done = pieces != NULL && count >= 0;
    if (count < 0)
        PyErr_SetString(PyExc_TypeError, "a tuple of tensors is needed");
    for (Py_ssize_t i = 0; is_done && i < count; i++) {
        PyObject *tensor = PyTuple_GET_ITEM(tensors, i);
        bool is_one = tensor != Py_None;
        is_done = (i == 0 || add_piece(pieces, Py_NewRef(comma))) &&
                  (!is_one || add_piece(pieces, Py_NewRef(arguments[2]))) &&
                  add_piece(pieces, take(reader, tensor, arguments[1], arguments[4] == Py_True)) &&
                  (!is_one || add_piece(pieces, Py_NewRef(arguments[3])));
    }
    if (!is_done)
        Py_CLEAR(pieces);
    return pieces;
}

static PyObject *reader_take_each(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *pieces = are_enough(count, 5) ? pieces_of((Reader *)self, arguments) : NULL;
    PyObject *text = pieces == NULL ? NULL : PyUnicode_Join(nothing, pieces);
    Py_XDECREF(pieces);
    return text;
}

static PyObject *tuple_of(const int64_t *numbers, int64_t count)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);
    for (int64_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *number = PyLong_FromLongLong(numbers[i]);
        if (number == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, number);
    }
    return tuple;
}

PyObject *reader_look(PyObject *module, PyObject *tensor)
{
    View view;
    if (!tensor_view(tensor, &view))
        Py_RETURN_NONE;
    PyObject *sizes = tuple_of(view.sizes, view.dim), *strides = tuple_of(view.strides, view.dim);
    return Py_BuildValue("NNNsN", PyLong_FromVoidPtr((void *)view.data), sizes, strides, view.dtype->name,
                         PyBool_FromLong(view.is_dense));
}

PyObject *reader_knows(PyObject *module, PyObject *tensor)
{
    View view;
    return PyBool_FromLong(tensor_view(tensor, &view));
}

/* Tell whether the elements are floats that lie side by side, no more than so many. */
static bool are_few(const View *view, int64_t most)
{
    return view->count <= most && view->is_dense && view->dtype->is_wide;
}

bool reader_add_floats(PyObject *floats, PyObject *tensor, int64_t most)
{
    View view;
    if (!tensor_view(tensor, &view) || !are_few(&view, most))
        return false;
    for (int64_t i = 0; i < view.count; i++)
        if (!add_piece(floats, PyFloat_FromDouble(view.dtype->element(view.data + i * view.dtype->size))))
            return false;
    return true;
}

PyObject *reader_extend(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (!are_enough(count, 3))
        return NULL;
    int64_t most = PyLong_AsLongLong(arguments[2]);
    if (PyErr_Occurred())
        return NULL;
    bool is_done = reader_add_floats(arguments[0], arguments[1], most);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(is_done);
}

PyObject *reader_floats(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (!are_enough(count, 2))
        return NULL;
    int64_t most = PyLong_AsLongLong(arguments[1]);
    if (PyErr_Occurred())
        return NULL;
    bool is_done = PyList_CheckExact(arguments[0]);
    PyObject *floats = is_done ? PyList_New(0) : Py_NewRef(Py_None);
    for (Py_ssize_t i = 0; floats != NULL && is_done && i < PyList_GET_SIZE(arguments[0]); i++)
        is_done = reader_add_floats(floats, PyList_GET_ITEM(arguments[0], i), most);
    if (PyErr_Occurred())
        Py_CLEAR(floats);
    else if (!is_done)
        Py_SETREF(floats, Py_NewRef(Py_None));
    return floats;
}

bool reader_is_certain(PyObject *tensor, int64_t most)
{
    View view;
    return tensor_view(tensor, &view) && (are_few(&view, most) || statistics_are_certain(&view));
}

bool reader_find_norm(PyObject *tensor, double *norm)
{
    View view;
    Statistics found;
    if (!tensor_view(tensor, &view) || view.count == 0 || !statistics_take(&view, &found))
        return false;
    *norm = found.norm;
    return true;
}

PyObject *reader_norm(PyObject *module, PyObject *tensor)
{
    double norm;
    return reader_find_norm(tensor, &norm) ? PyFloat_FromDouble(norm) : Py_NewRef(Py_None);
}

PyObject *reader_content(PyObject *module, PyObject *tensor)
{
    View view;
    if (!tensor_view(tensor, &view))
        Py_RETURN_NONE;
    return bytes_of(&view);
}

PyObject *reader_summarise(PyObject *module, PyObject *tensor)
{
    View view;
    Statistics found;
    if (!tensor_view(tensor, &view) || view.count == 0 || !statistics_take(&view, &found))
        Py_RETURN_NONE;
    PyObject *numbers = text_of_numbers(&found), *corner = corner_of(&found);
    PyObject *first = found.first < 0 ? Py_NewRef(Py_None) : PyLong_FromLongLong(found.first);
    if (numbers == NULL || corner == NULL || first == NULL) {
        Py_XDECREF(numbers);
        Py_XDECREF(corner);
        Py_XDECREF(first);
        return NULL;
    }
    return Py_BuildValue("NNNN", numbers, corner, PyLong_FromLong(odd_in(&found)), first);
}

static int reader_init(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    Reader *reader = (Reader *)self;
    static char *names[] = {"limit", "otherwise", "blob", "unseen", NULL};
    long long limit;
    PyObject *otherwise, *blob, *unseen;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "LOOO", names, &limit, &otherwise, &blob, &unseen))
        return -1;
    reader->limit = limit;
    Py_XSETREF(reader->otherwise, Py_NewRef(otherwise));
    Py_XSETREF(reader->blob, Py_NewRef(blob));
    Py_XSETREF(reader->unseen, Py_NewRef(unseen));
    return 0;
}

static int reader_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Reader *)self)->otherwise);
    Py_VISIT(((Reader *)self)->blob);
    Py_VISIT(((Reader *)self)->unseen);
    return 0;
}

static void forget_passed(Reader *reader)
{
    for (int i = 0; i < MAX_PASSED; i++)
        Py_CLEAR(reader->passed[i].ref);
}

static PyObject *reader_keep_passing(PyObject *self, PyObject *keeps)
{
    ((Reader *)self)->keeps = keeps == Py_True;
    forget_passed((Reader *)self);
    Py_RETURN_NONE;
}

static int reader_clear(PyObject *self)
{
    Py_CLEAR(((Reader *)self)->otherwise);
    Py_CLEAR(((Reader *)self)->blob);
    Py_CLEAR(((Reader *)self)->unseen);
    forget_passed((Reader *)self);
    return 0;
}

static void reader_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    reader_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"take", (PyCFunction)(void (*)(void))reader_take, METH_FASTCALL, NULL},
    {"take_passing", (PyCFunction)(void (*)(void))reader_take_passing, METH_FASTCALL, NULL},
    {"keep_passing", reader_keep_passing, METH_O, NULL},
    {"take_each", (PyCFunction)(void (*)(void))reader_take_each, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_init, reader_init},       {Py_tp_traverse, reader_traverse}, {Py_tp_clear, reader_clear},
    {Py_tp_dealloc, reader_dealloc}, {Py_tp_methods, methods},          {0, NULL},
};

static PyType_Spec spec = {
    .name = "gradb.tracer.native._accelerator.Reader",
    .basicsize = sizeof(Reader),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

static PyTypeObject *reader_class;

bool reader_check(PyObject *object)
{
    return Py_IS_TYPE(object, reader_class);
}

PyObject *reader_type(void)
{
    version_name = PyUnicode_InternFromString("_version");
    comma = PyUnicode_InternFromString(",");
    nothing = PyUnicode_InternFromString("");
    if (version_name == NULL || comma == NULL || nothing == NULL)
        return NULL;
    reader_class = (PyTypeObject *)PyType_FromSpec(&spec);
    return (PyObject *)reader_class;
}
