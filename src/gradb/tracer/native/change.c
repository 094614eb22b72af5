#include "change.h"

#include <math.h>

#include "tensor.h"
#include "walk.h"

#define LEAST_SQUARES 1e-200 /* squares whose sum is smaller may have been lost on the way */

/* What stands before the elements that were kept; sizes come behind it. */
typedef struct {
    const Dtype *dtype;
    int64_t dim;
} Kept;

static size_t head_size(int64_t dim)
{
    return sizeof(Kept) + (size_t)dim * sizeof(int64_t);
}

static void copy_elements(const View *view, char *target)
{
    if (view->is_dense && view->count)
        memcpy(target, view->data, (size_t)(view->count * view->dtype->size));
    else
        walk_copy(view, target, view->count);
}

/* Return what there is to know of a tensor before it changes; NULL, mostly without an error set, where it is not known. */
static PyObject *keep(PyObject *tensor)
{
    View view;
    if (!tensor_view(tensor, &view) || strstr(view.dtype->name, "float") == NULL)
        return NULL;
    size_t head = head_size(view.dim);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(head + (size_t)(view.count * view.dtype->size)));
    if (bytes == NULL)
        return NULL;
    const Kept kept = {view.dtype, view.dim};
    memcpy(PyBytes_AS_STRING(bytes), &kept, sizeof kept);
    if (view.dim)
        memcpy(PyBytes_AS_STRING(bytes) + sizeof kept, view.sizes, head - sizeof kept);
    copy_elements(&view, PyBytes_AS_STRING(bytes) + head);
    return bytes;
}

PyObject *change_begin(PyObject *module, PyObject *tensors)
{
    PyObject *list = PySequence_Fast(tensors, "tensors are needed");
    PyObject *all = list == NULL ? NULL : PyTuple_New(PySequence_Fast_GET_SIZE(list));
    bool is_done = all != NULL;
    for (Py_ssize_t i = 0; is_done && i < PyTuple_GET_SIZE(all); i++) {
        PyObject *kept = i < PySequence_Fast_GET_SIZE(list) ? keep(PySequence_Fast_GET_ITEM(list, i)) : NULL;
        is_done = kept != NULL;
        if (is_done)
            PyTuple_SET_ITEM(all, i, kept);
    }
    Py_XDECREF(list);
    if (is_done)
        return all;
    Py_XDECREF(all);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

/* Tell whether a tensor is as it was when its elements were kept, but for these. */
static bool is_like(const View *view, PyObject *bytes)
{
    size_t head = head_size(view->dim), size = (size_t)(view->count * view->dtype->size);
    Kept kept;
    if ((size_t)PyBytes_GET_SIZE(bytes) != head + size)
        return false;
    memcpy(&kept, PyBytes_AS_STRING(bytes), sizeof kept);
    return kept.dtype == view->dtype && kept.dim == view->dim &&
           (view->dim == 0 || memcmp(PyBytes_AS_STRING(bytes) + sizeof kept, view->sizes, head - sizeof kept) == 0);
}

typedef struct {
    double scale;
    double squares[2], largest[2]; /* of the changes, and of what there was */
} Sums;

static void add(Sums *sums, int which, double number)
{
    double scaled = number * sums->scale;
    sums->squares[which] += scaled * scaled;
    sums->largest[which] = fmax(sums->largest[which], fabs(number));
}

static void sum_up(const Dtype *dtype, const char *old, const char *now, int64_t count, Sums *sums)
{
    for (int64_t i = 0; i < count; i++) {
        double before = dtype->element(old + i * dtype->size), after = dtype->element(now + i * dtype->size);
        add(sums, 0, after - before);
        add(sums, 1, before);
    }
}

/* Return a 2-norm, going through the elements again where squares are too large or too small for a double. */
static double norm_of(const Dtype *dtype, const char *old, const char *now, int64_t count, const Sums *sums, int which)
{
    double squares = sums->squares[which], largest = sums->largest[which];
    if (isnan(squares) || largest == 0 || (squares >= LEAST_SQUARES && !isinf(squares)))
        return sqrt(squares);
    if (isinf(largest))
        return INFINITY;
    int exponent;
    frexp(largest, &exponent);
    Sums scaled = {.scale = ldexp(1, exponent < -1000 ? 1000 : -exponent)};
    sum_up(dtype, old, now, count, &scaled);
    return sqrt(scaled.squares[which]) / scaled.scale;
}

static void compare(const View *view, const char *old, const char *now, double norms[2])
{
    Sums sums = {.scale = 1};
    sum_up(view->dtype, old, now, view->count, &sums);
    for (int which = 0; which < 2; which++)
        norms[which] = norm_of(view->dtype, old, now, view->count, &sums, which);
}

/* Find the 2-norms of how a tensor has changed, and of what it was; false where that is not known, with an error set only
   where there is no memory. */
static bool find_norms(PyObject *kept, PyObject *tensor, double norms[2])
{
    View view;
    if (!PyBytes_Check(kept) || !tensor_view(tensor, &view) || !is_like(&view, kept))
        return false;
    const char *old = PyBytes_AS_STRING(kept) + head_size(view.dim);
    if (view.is_dense) {
        compare(&view, old, view.data, norms);
        return true;
    }
    char *now = PyMem_Malloc((size_t)(view.count * view.dtype->size) + 1);
    if (now == NULL) {
        PyErr_NoMemory();
        return false;
    }
    copy_elements(&view, now);
    compare(&view, old, now, norms);
    PyMem_Free(now);
    return true;
}

/* Put a number into a tuple; false with an error set. */
static bool put(PyObject *tuple, Py_ssize_t at, double number)
{
    PyObject *made = PyFloat_FromDouble(number);
    PyTuple_SET_ITEM(tuple, at, made);
    return made != NULL;
}

PyObject *change_end(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2 || !PyTuple_CheckExact(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "what `keep` has returned is needed, and tensors");
        return NULL;
    }
    PyObject *list = PySequence_Fast(arguments[1], "tensors are needed");
    Py_ssize_t size = PyTuple_GET_SIZE(arguments[0]);
    PyObject *changes = PyTuple_New(size), *wholes = PyTuple_New(size);
    bool is_done = list != NULL && changes != NULL && wholes != NULL && PySequence_Fast_GET_SIZE(list) == size;
    for (Py_ssize_t i = 0; is_done && i < size; i++) {
        double norms[2];
        is_done = i < PySequence_Fast_GET_SIZE(list) &&
                  find_norms(PyTuple_GET_ITEM(arguments[0], i), PySequence_Fast_GET_ITEM(list, i), norms) &&
                  put(changes, i, norms[0]) && put(wholes, i, norms[1]);
    }
    PyObject *pair = is_done ? PyTuple_Pack(2, changes, wholes) : NULL;
    Py_XDECREF(list);
    Py_XDECREF(changes);
    Py_XDECREF(wholes);
    return pair != NULL || PyErr_Occurred() ? pair : Py_NewRef(Py_None);
}
