#include "tensor.h"

#define MAX_KEY_SETS 4
#define MAX_CODES 64

typedef int32_t (*Ask)(const void *tensor, void *answer);

enum { DATA_PTR, SIZES, STRIDES, DIM, NUMEL, DTYPE, IS_CONTIGUOUS, STORAGE_SIZE, STORAGE_OFFSET, QUESTIONS };

static Ask ask[QUESTIONS];
static PyObject *ordinary[2];             /* the types of which a tensor may be: Tensor and Parameter */
static Py_ssize_t holder;                 /* where in the Python object the C++ tensor is held */
static Py_ssize_t keys;                   /* where in the C++ tensor its set of dispatch keys lies */
static Py_ssize_t storage;                /* where in the C++ tensor its storage is held */
static uint64_t key_sets[MAX_KEY_SETS];   /* those of plain dense tensors in the CPU's memory */
static Py_ssize_t key_set_count;
static const Dtype *dtypes[MAX_CODES];    /* by torch's number */

static bool take_addresses(PyObject *addresses)
{
    if (PyTuple_GET_SIZE(addresses) != QUESTIONS) {
        PyErr_SetString(PyExc_ValueError, "not the right number of addresses");
        return false;
    }
    for (int question = 0; question < QUESTIONS; question++) {
        void *address = PyLong_AsVoidPtr(PyTuple_GET_ITEM(addresses, question));
        if (address == NULL) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_ValueError, "an address is null");
            return false;
        }
        ask[question] = (Ask)address;
    }
    return true;
}

static bool take_key_sets(PyObject *sets)
{
    Py_ssize_t count = PyTuple_GET_SIZE(sets);
    if (count > MAX_KEY_SETS) {
        PyErr_SetString(PyExc_ValueError, "too many sets of keys");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        key_sets[i] = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(sets, i));
        if (PyErr_Occurred())
            return false;
    }
    key_set_count = count;
    return true;
}

static bool take_codes(PyObject *codes)
{
    PyObject *name, *code;
    Py_ssize_t position = 0;
    memset(dtypes, 0, sizeof dtypes);
    while (PyDict_Next(codes, &position, &name, &code)) {
        const char *text = PyUnicode_AsUTF8(name);
        long number = PyLong_AsLong(code);
        const Dtype *dtype = text == NULL ? NULL : dtype_named(text);
        if (PyErr_Occurred())
            return false;
        if (dtype == NULL || number < 0 || number >= MAX_CODES || dtypes[number] != NULL) {
            PyErr_Format(PyExc_ValueError, "no dtype %R with the number %ld", name, number);
            return false;
        }
        dtypes[number] = dtype;
    }
    return true;
}

PyObject *tensor_learn(PyObject *module, PyObject *arguments)
{
    PyObject *addresses, *types, *sets, *codes;
    key_set_count = 0; /* nothing is read until all of it is known */
    if (!PyArg_ParseTuple(arguments, "O!O!nnnO!O!", &PyTuple_Type, &addresses, &PyTuple_Type, &types, &holder, &keys,
                          &storage, &PyTuple_Type, &sets, &PyDict_Type, &codes))
        return NULL;
    if (PyTuple_GET_SIZE(types) != 2) {
        PyErr_SetString(PyExc_ValueError, "two types are needed");
        return NULL;
    }
    if (!take_addresses(addresses) || !take_codes(codes))
        return NULL;
    for (int i = 0; i < 2; i++)
        Py_XSETREF(ordinary[i], Py_NewRef(PyTuple_GET_ITEM(types, i)));
    if (!take_key_sets(sets))
        return NULL;
    Py_RETURN_NONE;
}

/* Return where the C++ tensor is held, or NULL where it is not one that may be looked into.

   The set of dispatch keys tells of everything that makes a tensor no plain one: another device or layout, quantized,
   nested, conjugate and negative views, zeros without memory, wrappers of transforms and of modes. */
static const void *held_in(PyObject *tensor)
{
    PyObject *type = (PyObject *)Py_TYPE(tensor);
    if (type != ordinary[0] && type != ordinary[1])
        return NULL;
    const char *held = (const char *)tensor + holder;
    const char *implementation = *(const char *const *)held;
    if (implementation == NULL)
        return NULL;
    uint64_t set = *(const uint64_t *)(implementation + keys);
    for (Py_ssize_t i = 0; i < key_set_count; i++)
        if (key_sets[i] == set)
            return held;
    return NULL;
}

/* Tell whether all elements lie within the memory: what was freed or cut behind a tensor is not touched. */
static bool is_backed(const void *held, const View *view)
{
    int64_t size, offset, last = 0;
    if (view->count == 0)
        return true;
    if (view->data == NULL || ask[STORAGE_SIZE](held, &size) || ask[STORAGE_OFFSET](held, &offset))
        return false;
    for (int64_t i = 0; i < view->dim; i++)
        last += (view->sizes[i] - 1) * view->strides[i];
    return (offset + last + 1) * view->dtype->size <= size;
}

bool tensor_view(PyObject *tensor, View *view)
{
    const void *held = held_in(tensor);
    int32_t code;
    if (held == NULL || ask[DTYPE](held, &code) || code < 0 || code >= MAX_CODES || dtypes[code] == NULL)
        return false;
    view->dtype = dtypes[code];
    if (ask[DIM](held, &view->dim) || view->dim > MAX_DIM || ask[NUMEL](held, &view->count))
        return false;
    if (ask[SIZES](held, &view->sizes) || ask[STRIDES](held, &view->strides))
        return false;
    if (ask[IS_CONTIGUOUS](held, &view->is_dense) || ask[DATA_PTR](held, &view->data))
        return false;
    return is_backed(held, view);
}

const void *tensor_storage(PyObject *tensor)
{
    const void *held = held_in(tensor);
    return held == NULL ? NULL : *(const void *const *)(*(const char *const *)held + storage);
}
