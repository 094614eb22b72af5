#include "reader.h"

#include "statistics.h"
#include "text.h"
#include "walk.h"

typedef struct {
    PyObject_HEAD
    int64_t limit;
    PyObject *otherwise; /* called with tensor and blob where C does not know the tensor */
} Reader;

static PyObject *parts_name, *size_name, *nonfinite_name;

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

static int64_t size_of(PyObject *blob)
{
    PyObject *size = PyObject_GetAttr(blob, size_name);
    int64_t number = size == NULL ? -1 : PyLong_AsLongLong(size);
    Py_XDECREF(size);
    return number;
}

/* Append bytes to a blob that ends at `offset`; false with an error set. */
static bool append(PyObject *blob, int64_t offset, PyObject *bytes)
{
    PyObject *size = PyLong_FromLongLong(offset + PyBytes_GET_SIZE(bytes));
    PyObject *parts = size == NULL ? NULL : PyObject_GetAttr(blob, parts_name);
    bool is_done = parts != NULL && PyList_Check(parts) && PyList_Append(parts, bytes) == 0 &&
                   PyObject_SetAttr(blob, size_name, size) == 0;
    Py_XDECREF(size);
    Py_XDECREF(parts);
    return is_done;
}

/* Put a value into a blob, and return its text; NULL, with or without an error set, where that cannot be. Steals both. */
static PyObject *put(PyObject *blob, int64_t offset, PyObject *bytes, PyObject *text, bool is_finite)
{
    bool is_done = bytes != NULL && text != NULL && append(blob, offset, bytes) &&
                   (is_finite || PyObject_SetAttr(blob, nonfinite_name, Py_True) == 0);
    Py_XDECREF(bytes);
    if (is_done)
        return text;
    Py_XDECREF(text);
    return NULL;
}

static PyObject *take_whole(const View *view, PyObject *blob, int64_t offset)
{
    PyObject *bytes = bytes_of(view);
    bool is_finite = bytes == NULL || view->dtype->first_nonfinite(PyBytes_AS_STRING(bytes), view->count) < 0;
    return put(blob, offset, bytes, text_of_whole(view, offset), is_finite);
}

static PyObject *corner_of(const Statistics *found)
{
    return PyBytes_FromStringAndSize((const char *)found->corner, found->corner_count * (Py_ssize_t)sizeof(double));
}

static PyObject *take_summary(const View *view, PyObject *blob, int64_t offset)
{
    Statistics found;
    if (!statistics_take(view, &found))
        return NULL;
    return put(blob, offset, corner_of(&found), text_of_summary(view, &found, offset), found.first < 0);
}

static PyObject *reader_take(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    Reader *reader = (Reader *)self;
    View view;
    PyObject *text = NULL;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "take needs a tensor and a blob");
        return NULL;
    }
    if (arguments[0] == Py_None)
        return PyUnicode_FromString("null");
    if (tensor_view(arguments[0], &view)) {
        int64_t offset = size_of(arguments[1]);
        if (offset >= 0)
            text = view.count <= reader->limit ? take_whole(&view, arguments[1], offset)
                                               : take_summary(&view, arguments[1], offset);
        if (text != NULL)
            return text;
        if (PyErr_Occurred())
            return NULL;
    }
    return PyObject_Vectorcall(reader->otherwise, arguments, 2, NULL);
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
    return Py_BuildValue("NNNN", numbers, corner, PyBool_FromLong(found.first >= 0), first);
}

static int reader_init(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    Reader *reader = (Reader *)self;
    static char *names[] = {"limit", "otherwise", NULL};
    long long limit;
    PyObject *otherwise;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "LO", names, &limit, &otherwise))
        return -1;
    reader->limit = limit;
    Py_XSETREF(reader->otherwise, Py_NewRef(otherwise));
    return 0;
}

static int reader_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Reader *)self)->otherwise);
    return 0;
}

static int reader_clear(PyObject *self)
{
    Py_CLEAR(((Reader *)self)->otherwise);
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

PyObject *reader_type(void)
{
    parts_name = PyUnicode_InternFromString("parts");
    size_name = PyUnicode_InternFromString("size");
    nonfinite_name = PyUnicode_InternFromString("has_nonfinite");
    if (parts_name == NULL || size_name == NULL || nonfinite_name == NULL)
        return NULL;
    return PyType_FromSpec(&spec);
}
