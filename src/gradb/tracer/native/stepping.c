#include "stepping.h"

#include <math.h>

#include "forward.h"
#include "pen.h"
#include "records.h"
#include "telling.h"
#include "visit.h"

#define SMALL 64 /* elements of a tensor whose norm is taken of its floats: as in tensors/norms.py */

static PyObject *step_name, *optimizer_name;

/* --- norms --------------------------------------------------------------------------------------------------------- */

/* Return the 2-norm of a list of floats as `norm` in tape/expressions/functions.py does; NULL with an error set. */
static PyObject *norm_of(const Leaves *leaves, PyObject *floats)
{
    PyObject *size = PyObject_Vectorcall(leaves->hypot, ((PyListObject *)floats)->ob_item,
                                         (size_t)PyList_GET_SIZE(floats), NULL);
    if (size == NULL || isfinite(PyFloat_AsDouble(size)))
        return size;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(floats); i++)
        if (isnan(PyFloat_AsDouble(PyList_GET_ITEM(floats, i)))) { /* hypot takes an infinity before a NaN */
            Py_SETREF(size, PyFloat_FromDouble(Py_NAN));
            break;
        }
    return size;
}

/* Append the elements of a tensor to a list, or its norm where it is not small, as `norm_of_all` in tensors/norms.py does:
   `told` is the norm where that is known, else negative. False, mostly without an error set, where that is for Python. */
static bool add_floats(PyObject *floats, PyObject *tensor, double told)
{
    if (reader_add_floats(floats, tensor, SMALL))
        return true;
    if (PyErr_Occurred() || (told < 0 && !reader_find_norm(tensor, &told)))
        return false;
    PyObject *norm = PyFloat_FromDouble(told);
    bool is_done = norm != NULL && PyList_Append(floats, norm) == 0;
    Py_XDECREF(norm);
    return is_done;
}

/* Return the 2-norm of all elements of some tensors, those that are None aside: None where there is no other, and the
   tensors themselves where one is not known here. NULL with an error set. */
static PyObject *norm_together(const Leaves *leaves, PyObject *tensors, const double *norms)
{
    PyObject *floats = PyList_New(0), *found = NULL;
    bool is_known = floats != NULL, has_any = false;
    for (Py_ssize_t i = 0; is_known && i < PyTuple_GET_SIZE(tensors); i++) {
        PyObject *tensor = PyTuple_GET_ITEM(tensors, i);
        if (tensor == Py_None)
            continue;
        has_any = true;
        is_known = add_floats(floats, tensor, norms[i]);
    }
    if (!PyErr_Occurred())
        found = !is_known ? Py_NewRef(tensors) : has_any ? norm_of(leaves, floats) : Py_NewRef(Py_None);
    Py_XDECREF(floats);
    return found;
}

/* --- what a step finds --------------------------------------------------------------------------------------------- */

/* Find the gradients of some leaves, and how often these were changed in place; NULL, mostly without an error set, where
   that is for Python. */
static PyObject *gradients_of(Context *context, PyObject *list, int64_t *versions)
{
    PyObject *found = PyTuple_New(PyList_GET_SIZE(list));
    *versions = 0;
    for (Py_ssize_t i = 0; found != NULL && i < PyTuple_GET_SIZE(found); i++) {
        PyObject *tensor = i < PyList_GET_SIZE(list) ? PyList_GET_ITEM(list, i) : Py_None;
        int64_t version = is_tensor(context, tensor) ? filling_version(tensor) : -1;
        PyObject *grad = version < 0 ? NULL : filling_grad(tensor);
        *versions += version;
        if (grad == NULL)
            Py_CLEAR(found);
        else
            PyTuple_SET_ITEM(found, i, grad);
    }
    return found;
}

/* Add the texts of values with commas between; false with an error set. `norms` gets what the draft says of them. */
static bool add_values(Context *context, PyObject *const *values, Py_ssize_t count, double *norms)
{
    Draft *draft = &context->draft;
    bool is_done = true;
    draft->text.used = 0;
    for (Py_ssize_t i = 0; is_done && i < count; i++) {
        is_done = (i == 0 || buffer_add(&draft->text, ",", 1)) && reader_add(context->reader, values[i], false, draft);
        norms[i] = draft->norm;
    }
    return is_done;
}

static PyObject *text_of(const Draft *draft)
{
    return PyUnicode_FromStringAndSize(draft->text.bytes, (Py_ssize_t)draft->text.used);
}

static PyObject *found_of(const Leaves *leaves, Context *context, PyObject *list, PyObject *grads, int64_t versions)
{
    Draft *draft = &context->draft;
    PyObject *before = NULL, *gradients = NULL, *data = NULL, *norm = NULL;
    Py_ssize_t most = Py_MAX(PyList_GET_SIZE(list), PyTuple_GET_SIZE(grads));
    double *norms = PyMem_New(double, (size_t)most + 1);
    if (norms == NULL)
        return PyErr_NoMemory();
    draft->data.used = draft->odd = 0;
    if (add_values(context, ((PyListObject *)list)->ob_item, PyList_GET_SIZE(list), norms))
        before = text_of(draft);
    int odd = draft->odd;
    if (before != NULL && add_values(context, &PyTuple_GET_ITEM(grads, 0), PyTuple_GET_SIZE(grads), norms))
        gradients = text_of(draft);
    if (gradients != NULL && (norm = norm_together(leaves, grads, norms)) != NULL)
        data = PyBytes_FromStringAndSize(draft->data.bytes, (Py_ssize_t)draft->data.used);
    PyMem_Free(norms);
    if (data != NULL)
        return Py_BuildValue("NNNLNii", before, gradients, data, (long long)versions, norm, odd, (int)draft->odd);
    Py_XDECREF(before);
    Py_XDECREF(gradients);
    Py_XDECREF(norm);
    return NULL;
}

PyObject *stepping_found(PyObject *self, PyObject *list)
{
    Context *context = forward_context(((Leaves *)self)->forward);
    int64_t versions;
    PyObject *grads = !context->is_busy && PyList_CheckExact(list) ? gradients_of(context, list, &versions) : NULL;
    if (grads == NULL) {
        PyErr_Clear(); /* what torch refuses is for Python */
        Py_RETURN_NONE;
    }
    PyObject *tensors = PyList_GetSlice(list, 0, PyList_GET_SIZE(list)), *found = NULL;
    context->is_busy = true;
    if (tensors != NULL)
        found = found_of((Leaves *)self, context, tensors, grads, versions);
    context->is_busy = false;
    Py_XDECREF(tensors);
    Py_DECREF(grads);
    return found;
}

/* --- what it has left ---------------------------------------------------------------------------------------------- */

/* Find the series of a tensor's norm; false, mostly without an error set, where that is for Python. */
static bool find_series(Context *context, PyObject *tensor, PyObject *series, PenPoint *point)
{
    PyObject *record = is_tensor(context, tensor) ? record_known(context, tensor) : NULL;
    PyObject *label = record == NULL ? NULL
                                     : filling_label(SLOT(record, record_slots.name), SLOT(record, record_slots.id));
    PyObject *id = label == NULL ? NULL : PyDict_GetItemWithError(series, label);
    if (id != NULL)
        point->series = (uint32_t)PyLong_AsLong(id);
    Py_XDECREF(label);
    return id != NULL && !PyErr_Occurred();
}

/* Find a tensor's norm, which is told if it is not negative; false, mostly without an error set, where that is for
   Python. */
static bool find_value(const Leaves *leaves, PyObject *tensor, double told, PenPoint *point)
{
    PyObject *floats = PyList_New(0), *norm = NULL;
    if (floats != NULL && add_floats(floats, tensor, told))
        norm = norm_of(leaves, floats);
    if (norm != NULL)
        point->value = PyFloat_AsDouble(norm);
    Py_XDECREF(floats);
    Py_XDECREF(norm);
    return norm != NULL && !PyErr_Occurred();
}

static bool put_points(Context *context, const PenPoint *points, Py_ssize_t count)
{
    int64_t event = pen_head(context->pen) + 1;
    int64_t iteration = number_in(context->recorder, context->state.recorder_slots[ITERATION]);
    bool is_done = true;
    for (Py_ssize_t i = 0; is_done && i < count; i++)
        is_done = pen_put_point(context->pen, &points[i], event, iteration);
    return is_done;
}

PyObject *stepping_norms(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    Context *context = forward_context(((Leaves *)self)->forward);
    if (count != 2 || !PyList_Check(given[0]) || !PyDict_CheckExact(given[1])) {
        PyErr_SetString(PyExc_TypeError, "a list of tensors and a dict are needed");
        return NULL;
    }
    Py_ssize_t size = PyList_GET_SIZE(given[0]), done = 0;
    PenPoint *points = PyMem_New(PenPoint, (size_t)size + 1);
    if (points == NULL)
        return PyErr_NoMemory();
    while (done < size && done < PyList_GET_SIZE(given[0]) &&
           find_series(context, PyList_GET_ITEM(given[0], done), given[1], &points[done]) &&
           find_value((Leaves *)self, PyList_GET_ITEM(given[0], done), -1, &points[done]))
        done++;
    bool is_done = done == size && put_points(context, points, size);
    PyMem_Free(points);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(is_done);
}

/* What `found` has returned. */
enum { BEFORE, GRADIENTS, BYTES, VERSIONS, NORM, ODD_BEFORE, ODD_FOUND, FOUND_PARTS };

typedef struct {
    const Leaves *leaves;
    PyObject *tensors, *found, *head, *tail, *judge, *series; /* borrowed */
    PenPoint *points;                                         /* the norm of each tensor */
    double *norms;                                            /* what the draft says of these */
    Telling telling;
} Step;

/* Tell whether the norm of each parameter is certain to be found, and find its series; may set an error. */
static bool has_series(Context *context, const Step *step)
{
    bool is_it = true;
    for (Py_ssize_t i = 0; is_it && i < PyList_GET_SIZE(step->tensors); i++) {
        PyObject *tensor = PyList_GET_ITEM(step->tensors, i);
        is_it = find_series(context, tensor, step->series, &step->points[i]) && reader_is_certain(tensor, SMALL);
    }
    return is_it;
}

/* Tell whether a step is told here: all is known of its parameters, and one of them was changed so that torch saw it. */
static int is_common(Context *context, Step *step)
{
    int64_t versions = 0;
    if (context->is_busy || !leaves_are_known(context, step->tensors))
        return PyErr_Occurred() ? -1 : 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(step->tensors); i++) {
        int64_t version = filling_version(PyList_GET_ITEM(step->tensors, i));
        if (version < 0)
            return 0;
        versions += version;
    }
    bool has_gradients = PyTuple_GET_ITEM(step->found, NORM) != Py_None;
    if (has_gradients && versions == PyLong_AsLongLong(PyTuple_GET_ITEM(step->found, VERSIONS)))
        return 0;
    if (!has_series(context, step))
        return PyErr_Occurred() ? -1 : 0;
    return telling_begin(context, &step->telling);
}

static bool compose(Context *context, const Step *step)
{
    Draft *draft = &context->draft;
    PyObject *bytes = PyTuple_GET_ITEM(step->found, BYTES);
    draft->text.used = draft->data.used = draft->odd = 0;
    return buffer_add(&draft->data, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)) &&
           buffer_add_string(&draft->text, step->head) &&
           leaves_define_each(context, step->tensors, pen_head(context->pen) + 1, step->norms) &&
           buffer_add(&draft->text, "],[", 3) && buffer_add_string(&draft->text, PyTuple_GET_ITEM(step->found, BEFORE)) &&
           buffer_add(&draft->text, "],[", 3) &&
           buffer_add_string(&draft->text, PyTuple_GET_ITEM(step->found, GRADIENTS)) &&
           buffer_add_string(&draft->text, step->tail);
}

/* Have Python say what is odd about the step, where anything is; false with an error set. */
static bool judge(const Context *context, Step *step)
{
    long given = PyLong_AsLong(PyTuple_GET_ITEM(step->found, ODD_FOUND)), made = context->draft.odd;
    if (!given && !made)
        return !PyErr_Occurred();
    PyObject *flags = PyObject_CallFunction(step->judge, "llO", made, given, PyTuple_GET_ITEM(step->found, ODD_BEFORE));
    if (flags != NULL)
        step->telling.flags |= (uint16_t)(PyLong_AsLong(flags) & (NANS | INFINITIES | BIRTH | SCALED));
    Py_XDECREF(flags);
    return !PyErr_Occurred();
}

/* Add the norms to their series, now that most of them were found on the way; false with an error set. */
static bool put_norms(Context *context, const Step *step)
{
    Py_ssize_t count = PyList_GET_SIZE(step->tensors);
    for (Py_ssize_t i = 0; i < count; i++)
        if (!find_value(step->leaves, PyList_GET_ITEM(step->tensors, i), step->norms[i], &step->points[i])) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_RuntimeError, "it is not known any more what a norm is");
            return false;
        }
    return put_points(context, step->points, count);
}

static PyObject *tell(Context *context, Step *step)
{
    context->is_busy = true;
    bool is_done = compose(context, step) && put_norms(context, step) && judge(context, step) &&
                   telling_put(context, &step->telling) >= 0;
    context->is_busy = false;
    return is_done && telling_end(context, &step->telling) ? Py_NewRef(Py_True) : NULL;
}

PyObject *stepping_made(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    Context *context = forward_context(((Leaves *)self)->forward);
    if (count != 8 || !PyList_CheckExact(given[0]) || !PyTuple_CheckExact(given[1]) ||
        PyTuple_GET_SIZE(given[1]) != FOUND_PARTS || !PyUnicode_Check(given[2]) || !PyUnicode_Check(given[3]) ||
        !PyUnicode_Check(given[4]) || !PyDict_CheckExact(given[7])) {
        PyErr_SetString(PyExc_TypeError,
                        "parameters, what was found, two texts, a name, a place, a judge and series are needed");
        return NULL;
    }
    size_t room = (size_t)PyList_GET_SIZE(given[0]) + 1;
    Step step = {.leaves = (Leaves *)self, .tensors = PyList_GetSlice(given[0], 0, PyList_GET_SIZE(given[0])),
                 .found = given[1], .head = given[2], .tail = given[3], .judge = given[6], .series = given[7],
                 .points = PyMem_New(PenPoint, room), .norms = PyMem_New(double, room),
                 .telling = {.kind = STEP_KIND, .kind_name = step_name, .name = given[4], .place = given[5],
                             .phase = optimizer_name}};
    if (step.tensors != NULL && (step.points == NULL || step.norms == NULL)) {
        Py_CLEAR(step.tensors);
        PyErr_NoMemory();
    }
    int is_it = step.tensors == NULL ? -1 : is_common(context, &step);
    PyObject *told = is_it > 0 ? tell(context, &step) : is_it < 0 ? NULL : Py_NewRef(Py_False);
    Py_XDECREF(step.tensors);
    PyMem_Free(step.points);
    PyMem_Free(step.norms);
    return told;
}

bool stepping_prepare(void)
{
    step_name = PyUnicode_InternFromString("step");
    optimizer_name = PyUnicode_InternFromString("optimizer");
    return step_name != NULL && optimizer_name != NULL;
}
