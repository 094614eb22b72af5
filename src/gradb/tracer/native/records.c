#include "records.h"

#include "pen.h"

/* --- forgetting -------------------------------------------------------------------------------------------------- */

/* The callback of the weak reference to a tensor: what `TensorIds._forget` is, for a tensor without a buffer. */
typedef struct {
    PyObject_HEAD
    PyObject *records, *forget, *key;
} Forgetter;

static PyTypeObject *forgetter_class;

static PyObject *forgetter_call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    Forgetter *forgetter = (Forgetter *)self;
    PyObject *ref = PyTuple_GET_SIZE(arguments) == 1 ? PyTuple_GET_ITEM(arguments, 0) : Py_None;
    PyObject *record = PyDict_GetItemWithError(forgetter->records, forgetter->key);
    if (record == NULL || !Py_IS_TYPE(record, record_class) || SLOT(record, record_slots.ref) != ref)
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    if (number_in(record, record_slots.grad_id) || number_in(record, record_slots.memory_key))
        return PyObject_CallFunctionObjArgs(forgetter->forget, forgetter->key, ref, NULL);
    Py_INCREF(record);
    bool is_done = PyDict_DelItem(forgetter->records, forgetter->key) == 0;
    slot_set(record, record_slots.mark, Py_NewRef(Py_None));
    Py_DECREF(record);
    return is_done ? Py_NewRef(Py_None) : NULL;
}

static int forgetter_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Forgetter *)self)->records);
    Py_VISIT(((Forgetter *)self)->forget);
    return 0;
}

static int forgetter_clear(PyObject *self)
{
    Py_CLEAR(((Forgetter *)self)->records);
    Py_CLEAR(((Forgetter *)self)->forget);
    return 0;
}

static void forgetter_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    forgetter_clear(self);
    Py_CLEAR(((Forgetter *)self)->key);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot forgetter_slots[] = {
    {Py_tp_call, forgetter_call},       {Py_tp_traverse, forgetter_traverse}, {Py_tp_clear, forgetter_clear},
    {Py_tp_dealloc, forgetter_dealloc}, {0, NULL},
};

static PyType_Spec forgetter_spec = {
    .name = "gradb.tracer.native._accelerator.Forgetter",
    .basicsize = sizeof(Forgetter),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = forgetter_slots,
};

bool records_prepare(void)
{
    forgetter_class = (PyTypeObject *)PyType_FromSpec(&forgetter_spec);
    return forgetter_class != NULL;
}

static PyObject *forgetter(Context *context, PyObject *key)
{
    Forgetter *made = PyObject_GC_New(Forgetter, forgetter_class);
    if (made == NULL)
        return NULL;
    made->records = Py_NewRef(context->records);
    made->forget = Py_NewRef(context->forget);
    made->key = Py_NewRef(key);
    PyObject_GC_Track(made);
    return (PyObject *)made;
}

/* --- records ----------------------------------------------------------------------------------------------------- */

#define MOST_SHORT 64 /* characters of a name that is written on the stack */

/* Write a number; return what stands behind it. */
static char *write_integer(char *to, int64_t number)
{
    char digits[20], *first = digits + sizeof digits;
    do
        *--first = (char)('0' + number % 10);
    while (number /= 10);
    memcpy(to, first, (size_t)(digits + sizeof digits - first));
    return to + (digits + sizeof digits - first);
}

/* Return how the wire form of an appearance begins: `tensor.write_head`. A name is plain text, or NULL: there is none. */
static PyObject *head_of(int64_t id, PyObject *name)
{
    char text[MOST_SHORT + 32], *end = text;
    Py_ssize_t size = name == NULL ? 0 : PyUnicode_GET_LENGTH(name);
    if (size > MOST_SHORT)
        return PyUnicode_FromFormat("[%lld,\"%U\",", (long long)id, name);
    *end++ = '[';
    end = write_integer(end, id);
    *end++ = ',';
    if (name == NULL) {
        memcpy(end, "null", 4);
        end += 4;
    } else {
        *end++ = '"';
        memcpy(end, PyUnicode_1BYTE_DATA(name), (size_t)size);
        end += size;
        *end++ = '"';
    }
    *end++ = ',';
    return PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, text, end - text);
}

static bool is_plain_text(PyObject *text)
{
    if (!PyUnicode_IS_COMPACT_ASCII(text))
        return false;
    const Py_UCS1 *bytes = PyUnicode_1BYTE_DATA(text);
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(text); i++)
        if (bytes[i] < ' ' || bytes[i] == '"' || bytes[i] == '\\' || bytes[i] == 127)
            return false;
    return true;
}

/* Make a record like the pattern, which Python made. */
static PyObject *new_record(Context *context, PyObject *ref)
{
    PyObject *id = PyIter_Next(context->record_numbers);
    PyObject *head = id == NULL ? NULL : head_of(PyLong_AsLongLong(id), NULL);
    PyObject *record = head == NULL ? NULL : slots_copy(context->record, &record_layout);
    if (record == NULL) {
        Py_XDECREF(id);
        Py_XDECREF(head);
        return NULL;
    }
    slot_set(record, record_slots.id, id);
    slot_set(record, record_slots.ref, Py_NewRef(ref));
    slot_set(record, record_slots.head, head);
    return record;
}

static PyObject *begin_record(Context *context, PyObject *key, PyObject *tensor)
{
    PyObject *callback = forgetter(context, key);
    PyObject *ref = callback == NULL ? NULL : PyWeakref_NewRef(tensor, callback);
    PyObject *record = ref == NULL ? NULL : new_record(context, ref);
    bool is_done = record != NULL && PyDict_SetItem(context->records, key, record) == 0;
    Py_XDECREF(callback);
    Py_XDECREF(ref);
    Py_XDECREF(record);
    return is_done ? record : NULL;
}

static PyObject *record_at(Context *context, PyObject *key, PyObject *tensor)
{
    PyObject *record = PyDict_GetItemWithError(context->records, key);
    if (record == NULL || !Py_IS_TYPE(record, record_class))
        return NULL;
    PyObject *ref = SLOT(record, record_slots.ref);
    return ref != NULL && PyWeakref_CheckRefExact(ref) && PyWeakref_GET_OBJECT(ref) == tensor ? record : NULL;
}

PyObject *record_known(Context *context, PyObject *tensor)
{
    PyObject *key = PyLong_FromVoidPtr(tensor);
    PyObject *record = key == NULL ? NULL : record_at(context, key, tensor);
    Py_XDECREF(key);
    return record;
}

PyObject *record_of(Context *context, PyObject *tensor)
{
    PyObject *key = PyLong_FromVoidPtr(tensor);
    PyObject *record = key == NULL ? NULL : record_at(context, key, tensor);
    if (record == NULL && !PyErr_Occurred())
        record = begin_record(context, key, tensor);
    Py_XDECREF(key);
    return record;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static bool is_called(PyObject *record, PyObject *name)
{
    PyObject *known = SLOT(record, record_slots.name);
    return known == name || (PyUnicode_Check(known) && PyUnicode_Compare(known, name) == 0);
}

static bool give_name(Context *context, PyObject *record, PyObject *name, int64_t event, PyObject *scope)
{
    int64_t id = number_in(record, record_slots.id);
    PyObject *head = head_of(id, name);
    if (head == NULL)
        return false;
    slot_set(record, record_slots.name, Py_NewRef(name));
    slot_set(record, record_slots.head, head);
    slot_set(record, record_slots.scope, Py_NewRef(scope));
    if (PyDict_SetItem(context->owners, name, record) < 0 || !pen_put_name(context->pen, id, event, name))
        return false;
    slot_set(record, record_slots.is_settled, Py_NewRef(Py_False));
    return true;
}

typedef enum { KEEPS, IS_GIVEN, IS_UNSURE } Verdict;

/* Decide as `Namer._may_rename` does where that needs no look at who runs. */
static Verdict judge(Context *context, PyObject *record, PyObject *name)
{
    PyObject *owner = PyDict_GetItemWithError(context->owners, name), *before = SLOT(record, record_slots.name);
    if (PyErr_Occurred() || before == NULL || (owner != NULL && !Py_IS_TYPE(owner, record_class)))
        return IS_UNSURE;
    if (owner == record && is_called(record, name))
        return KEEPS;
    if (before != Py_None) {
        if (PyDict_GetItemWithError(context->owners, before) == record) {
            bool is_own = PyUnicode_GET_LENGTH(name) > 5 && PyUnicode_READ_CHAR(name, 0) == 's' &&
                          PyUnicode_Tailmatch(name, words.self_dot, 0, 5, -1) == 1;
            if (SLOT(record, record_slots.is_settled) == Py_True || is_own)
                return KEEPS;
            if (SLOT(record, record_slots.is_leaf) != Py_False)
                return IS_UNSURE;
        }
    }
    if (owner != NULL && owner != record && SLOT(owner, record_slots.is_leaf) != Py_False)
        return IS_UNSURE;
    return is_plain_text(name) ? IS_GIVEN : IS_UNSURE;
}

static bool name_one(Context *context, PyObject *tensor, PyObject *name, int64_t event, PyObject *scope)
{
    PyObject *record = record_of(context, tensor);
    if (record == NULL)
        return false;
    Verdict verdict = judge(context, record, name);
    if (PyErr_Occurred())
        return false;
    if (verdict == KEEPS)
        return true;
    if (verdict == IS_GIVEN)
        return give_name(context, record, name, event, scope);
    PyObject *number = PyLong_FromLongLong(event);
    PyObject *done = number == NULL ? NULL
                                    : PyObject_CallMethodObjArgs(context->rare, words.name_tensor, tensor, name, number,
                                                                 scope, NULL);
    Py_XDECREF(number);
    Py_XDECREF(done);
    return done != NULL;
}

bool name_each(Context *context, PyObject *const *values, Py_ssize_t count, PyObject *names, int64_t event,
               PyObject *scope)
{
    for (Py_ssize_t i = 0; i < count && i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (PyUnicode_Check(name) && PyUnicode_GET_LENGTH(name) && is_tensor(context, values[i]) &&
            !name_one(context, values[i], name, event, scope))
            return false;
    }
    return true;
}
