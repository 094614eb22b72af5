#include "arguments.h"

#include "records.h"

#define MAX_TEXT 60 /* longer ones are cut by Python */
#define MAX_SHOWN 8 /* of a list */

/* --- the tensors ------------------------------------------------------------------------------------------------- */

static bool is_bound(PyObject *value)
{
    return value == Py_None || PyLong_CheckExact(value);
}

/* Tell whether a value is of a type that is shown by its `repr`, as the literals of source/arguments.py, and holds
   nothing that is none. */
static bool is_literal(const Context *context, PyObject *value)
{
    if (PySlice_Check(value)) {
        const PySliceObject *slice = (const PySliceObject *)value;
        return is_bound(slice->start) && is_bound(slice->stop) && is_bound(slice->step);
    }
    if (value == Py_None || PyLong_CheckExact(value) || PyFloat_CheckExact(value) || PyBool_Check(value))
        return true;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(context->literals); i++) /* comparing might run the script's code */
        if (PyTuple_GET_ITEM(context->literals, i) == (PyObject *)Py_TYPE(value))
            return true;
    return false;
}

static bool add_input(Inputs *inputs, PyObject *tensor)
{
    if (inputs->count == MAX_INPUTS)
        return false;
    inputs->tensors[inputs->count++] = Py_NewRef(tensor);
    return true;
}

void arguments_release(Inputs *inputs)
{
    while (inputs->count)
        Py_DECREF(inputs->tensors[--inputs->count]);
}

static bool collect_one(const Context *context, PyObject *value, Inputs *inputs, bool is_within)
{
    if (is_tensor(context, value))
        return add_input(inputs, value);
    if (is_literal(context, value))
        return true;
    if (is_within || !(PyTuple_Check(value) || PyList_CheckExact(value)))
        return false;
    if (!PyTuple_CheckExact(value) && !PyList_CheckExact(value) && PyObject_HasAttr(value, words._fields))
        return false;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(value); i++)
        if (!collect_one(context, PySequence_Fast_GET_ITEM(value, i), inputs, true))
            return false;
    return true;
}

bool arguments_collect(const Context *context, PyObject *args, PyObject *kwargs, Inputs *inputs)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    inputs->count = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++)
        if (!collect_one(context, PyTuple_GET_ITEM(args, i), inputs, false))
            return false;
    while (kwargs != NULL && PyDict_Next(kwargs, &position, &key, &value))
        if (!PyUnicode_Check(key) || !collect_one(context, value, inputs, false))
            return false;
    return true;
}

/* --- their texts ------------------------------------------------------------------------------------------------- */

typedef enum { ADDED, FOR_PYTHON, GIVEN_UP, FAILED } Result;

static Result added_if(bool is_done)
{
    return is_done ? ADDED : FAILED;
}

/* Add what a literal is shown by, none of which runs Python code. */
static Result add_repr(const Context *context, PyObject *value, Buffer *text)
{
    if (!is_literal(context, value))
        return FOR_PYTHON;
    PyObject *shown = PyObject_Repr(value);
    if (shown == NULL)
        return FAILED;
    Result result = FOR_PYTHON;
    if (PyUnicode_IS_COMPACT_ASCII(shown) && PyUnicode_GET_LENGTH(shown) <= MAX_TEXT) {
        const char *bytes = (const char *)PyUnicode_1BYTE_DATA(shown);
        size_t length = (size_t)PyUnicode_GET_LENGTH(shown);
        if (memchr(bytes, '"', length) == NULL && memchr(bytes, '\\', length) == NULL)
            result = added_if(buffer_add(text, bytes, length));
    }
    Py_DECREF(shown);
    return result;
}

/* Add which of the inputs a tensor is: the last, where it is several. */
static Result add_index(const Inputs *inputs, PyObject *tensor, Buffer *text)
{
    for (int i = inputs->count; i-- > 0;)
        if (inputs->tensors[i] == tensor)
            return added_if(buffer_add(text, "%", 1) && buffer_add_integer(text, i));
    return FOR_PYTHON;
}

static Result add_list(const Context *context, PyObject *list, const Inputs *inputs, Buffer *text)
{
    Py_ssize_t count = PySequence_Fast_GET_SIZE(list);
    bool is_list = PyList_Check(list);
    if (count > MAX_SHOWN)
        return FOR_PYTHON;
    Result result = added_if(buffer_add_text(text, is_list ? "[" : "("));
    for (Py_ssize_t i = 0; result == ADDED && i < count; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(list, i); /* as many as there were: nothing here runs Python code */
        result = added_if(i == 0 || buffer_add_text(text, ", "));
        if (result == ADDED)
            result = is_tensor(context, item) ? add_index(inputs, item, text) : add_repr(context, item, text);
    }
    return result == ADDED ? added_if(buffer_add_text(text, is_list ? "]" : ")")) : result;
}

static Result add_value(const Context *context, PyObject *value, const Inputs *inputs, Buffer *text)
{
    if (is_tensor(context, value))
        return add_index(inputs, value, text);
    if (PyTuple_Check(value) || PyList_Check(value))
        return add_list(context, value, inputs, text);
    return add_repr(context, value, text);
}

/* Have Python tell the text of an argument. */
static Result add_in_python(Context *context, PyObject *key, PyObject *value, const Inputs *inputs, Buffer *text)
{
    PyObject *tensors = PyTuple_New(inputs->count);
    for (int i = 0; tensors != NULL && i < inputs->count; i++)
        PyTuple_SET_ITEM(tensors, i, Py_NewRef(inputs->tensors[i]));
    PyObject *found = tensors == NULL ? NULL
                                      : PyObject_CallMethodObjArgs(context->rare, words.argument, key, value, tensors,
                                                                   NULL);
    Result result = found == NULL ? FAILED : GIVEN_UP;
    if (found != NULL && PyUnicode_Check(found))
        result = added_if(buffer_add_string(text, found));
    Py_XDECREF(tensors);
    Py_XDECREF(found);
    return result;
}

/* Keep the text of a literal, which cannot change. */
static Result keep_text(Context *context, PyObject *key, PyObject *value, const Buffer *text, size_t from)
{
    PyObject *bytes = PyBytes_FromStringAndSize(text->bytes + from, (Py_ssize_t)(text->used - from));
    if (bytes != NULL)
        memo_keep(&context->texts, key, value, 0, bytes);
    Py_XDECREF(bytes);
    return added_if(bytes != NULL);
}

static Result add_one(Context *context, PyObject *key, PyObject *value, const Inputs *inputs, Buffer *text)
{
    size_t before = text->used;
    PyObject *known = memo_find(&context->texts, key, value, 0);
    if (known != NULL)
        return added_if(buffer_add(text, PyBytes_AS_STRING(known), (size_t)PyBytes_GET_SIZE(known)));
    if (!buffer_add_text(text, "[\"") || !buffer_add_string(text, key) || !buffer_add_text(text, "\",\""))
        return FAILED;
    Result result = add_value(context, value, inputs, text);
    if (result == ADDED) {
        result = added_if(buffer_add_text(text, "\"]"));
        if (result == ADDED && is_literal(context, value) && !PySlice_Check(value)) /* each of which is a new one */
            result = keep_text(context, key, value, text, before);
        return result;
    }
    text->used = before;
    return result == FOR_PYTHON ? add_in_python(context, key, value, inputs, text) : result;
}

bool arguments_add(Context *context, PyObject *args, PyObject *kwargs, const Inputs *inputs, Buffer *text)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    size_t before = text->used;
    Result result = ADDED;
    for (Py_ssize_t i = 0; result == ADDED && i < PyTuple_GET_SIZE(args); i++) {
        result = added_if(text->used == before || buffer_add(text, ",", 1));
        if (result == ADDED)
            result = add_one(context, words.empty, PyTuple_GET_ITEM(args, i), inputs, text);
    }
    while (result == ADDED && kwargs != NULL && PyDict_Next(kwargs, &position, &key, &value)) {
        result = added_if(text->used == before || buffer_add(text, ",", 1));
        if (result == ADDED)
            result = add_one(context, key, value, inputs, text);
    }
    if (result == GIVEN_UP)
        text->used = before;
    return result != FAILED;
}
