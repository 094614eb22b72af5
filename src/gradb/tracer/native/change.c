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

PyObject *change_begin(PyObject *module, PyObject *tensor)
{
    View view;
    if (!tensor_view(tensor, &view) || strstr(view.dtype->name, "float") == NULL)
        Py_RETURN_NONE;
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

static PyObject *compare(const View *view, const char *old, const char *now)
{
    Sums sums = {.scale = 1};
    sum_up(view->dtype, old, now, view->count, &sums);
    return Py_BuildValue("dd", norm_of(view->dtype, old, now, view->count, &sums, 0),
                         norm_of(view->dtype, old, now, view->count, &sums, 1));
}

PyObject *change_end(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    View view;
    if (count != 2 || !PyBytes_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "what `keep` has returned is needed, and a tensor");
        return NULL;
    }
    if (!tensor_view(arguments[1], &view) || !is_like(&view, arguments[0]))
        Py_RETURN_NONE;
    const char *old = PyBytes_AS_STRING(arguments[0]) + head_size(view.dim);
    if (view.is_dense)
        return compare(&view, old, view.data);
    char *now = PyMem_Malloc((size_t)(view.count * view.dtype->size) + 1);
    if (now == NULL)
        return PyErr_NoMemory();
    copy_elements(&view, now);
    PyObject *found = compare(&view, old, now);
    PyMem_Free(now);
    return found;
}
