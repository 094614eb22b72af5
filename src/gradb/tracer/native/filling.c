#include "visit.h"

#include "graph.h"
#include "pen.h"
#include "unseen.h"

static PyObject *passing_name, *variable_name, *births_name, *note_name;
static PyGetSetDescrObject *grad_getter, *leaf_getter, *version_getter;

/* --- what torch tells of a tensor ---------------------------------------------------------------------------------- */

PyObject *filling_learn(PyObject *module, PyObject *arguments)
{
    PyObject *grad, *is_leaf, *version;
    if (!PyArg_ParseTuple(arguments, "O!O!O!", &PyGetSetDescr_Type, &grad, &PyGetSetDescr_Type, &is_leaf,
                          &PyGetSetDescr_Type, &version))
        return NULL;
    Py_XSETREF(grad_getter, (PyGetSetDescrObject *)Py_NewRef(grad));
    Py_XSETREF(leaf_getter, (PyGetSetDescrObject *)Py_NewRef(is_leaf));
    Py_XSETREF(version_getter, (PyGetSetDescrObject *)Py_NewRef(version));
    Py_RETURN_NONE;
}

/* Return `.grad` of a leaf, and in which version a tensor is: -1 where torch does not tell. NULL with no error set where
   that is not known. Called first: torch may make an object for it, and Python free others. */
static PyObject *look(const Engine *engine, PyObject *leaf, PyObject *tensor, int64_t *version)
{
    PyObject *unseen = unseen_begin(engine->unseen), *is_leaf = NULL, *grad = NULL, *number = NULL;
    if (unseen != NULL) {
        is_leaf = ask(leaf_getter, leaf);
        grad = is_leaf == Py_True ? ask(grad_getter, leaf) : NULL;
        tensor = tensor == NULL ? grad : tensor;
        number = grad == NULL || tensor == Py_None ? NULL : ask(version_getter, tensor);
        *version = -1;
        if (number == NULL || !take_number(number, version))
            PyErr_Clear();
        unseen_end(unseen);
    }
    forget_error();
    Py_XDECREF(is_leaf);
    Py_XDECREF(number);
    return grad;
}

PyObject *filling_grad(PyObject *leaf)
{
    PyObject *is_leaf = grad_getter == NULL ? NULL : ask(leaf_getter, leaf);
    Py_XDECREF(is_leaf);
    return is_leaf == Py_True ? ask(grad_getter, leaf) : NULL;
}

int64_t filling_version(PyObject *tensor)
{
    int64_t version = -1;
    PyObject *number = version_getter == NULL ? NULL : ask(version_getter, tensor);
    if (!take_number(number, &version))
        version = -1;
    forget_error();
    Py_XDECREF(number);
    return version;
}

static bool find_key(PyObject *tensor, int64_t version, Key *key)
{
    View view;
    if (version < 0 || !tensor_view(tensor, &view) || view.dim > MAX_KEY_DIM)
        return false;
    *key = (Key){.data = view.data, .dtype = view.dtype, .dim = view.dim, .version = version};
    memcpy(key->sizes, view.sizes, (size_t)view.dim * sizeof *view.sizes);
    memcpy(key->strides, view.strides, (size_t)view.dim * sizeof *view.strides);
    return true;
}

static bool are_same(const Key *one, const Key *other)
{
    size_t size = (size_t)one->dim * sizeof *one->sizes;
    return one->data == other->data && one->dtype == other->dtype && one->dim == other->dim &&
           one->version == other->version && memcmp(one->sizes, other->sizes, size) == 0 &&
           memcmp(one->strides, other->strides, size) == 0;
}

/* --- what is known of a leaf --------------------------------------------------------------------------------------- */

Filling *filling_new(const Engine *engine, PyObject *node, PyObject *mark)
{
    PyObject *leaf = PyObject_GetAttr(node, variable_name), *record = NULL;
    PyObject *key = leaf == NULL ? NULL : PyLong_FromVoidPtr(leaf);
    Filling *filling = NULL;
    if (key != NULL)
        record = PyDict_GetItemWithError(engine->records, key);
    if (record != NULL && Py_IS_TYPE(record, engine->record_class) && grad_getter != NULL)
        filling = PyMem_Calloc(1, sizeof *filling);
    forget_error();
    Py_XDECREF(key);
    if (filling == NULL) {
        Py_XDECREF(leaf);
        return NULL;
    }
    filling->leaf = leaf;
    filling->record = Py_NewRef(record);
    return filling;
}

void filling_free(Filling *filling)
{
    if (filling == NULL)
        return;
    Py_XDECREF(filling->leaf);
    Py_XDECREF(filling->record);
    draft_free(&filling->draft);
    PyMem_Free(filling);
}

static bool is_known(const Engine *engine, const Filling *filling)
{
    PyObject *ref = RECORD(engine, filling->record, RECORD_REF);
    return ref != NULL && PyWeakref_CheckRefExact(ref) && PyWeakref_GET_OBJECT(ref) == filling->leaf &&
           PyDict_GET_SIZE(engine->lent) == 0;
}

static bool begin(Engine *engine, Filling *filling, PyObject *grad, PyObject *added)
{
    Draft *draft = &filling->draft;
    draft->text.used = draft->data.used = draft->odd = 0;
    filling->has_before = grad != Py_None;
    bool is_done = filling->has_before ? engine_add(engine, grad, false, draft)
                                       : buffer_add_text(&draft->text, "null");
    filling->before = draft->odd;
    draft->odd = 0;
    filling->text = draft->text.used;
    filling->data = draft->data.used;
    return is_done && engine_add(engine, added, true, draft);
}

bool filling_begin(Visits *visits, Filling *filling, PyObject *added)
{
    Engine *engine = visits->engine;
    int64_t version;
    PyObject *grad = is_known(engine, filling) ? look(engine, filling->leaf, added, &version) : NULL;
    if (grad == NULL)
        return false;
    filling->has_key = is_attribute(engine->snapshots, passing_name, Py_True) &&
                       find_key(added, version, &filling->key);
    bool is_done = visits_are_plain(visits) && begin(engine, filling, grad, added);
    forget_error();
    Py_DECREF(grad);
    return is_done;
}

/* --- whose gradient it is ------------------------------------------------------------------------------------------ */

/* Have a dict in a dict; false with or without an error set. */
static bool add_group(PyObject *groups, PyObject *key, PyObject *id, PyObject *record)
{
    if (PyDict_Contains(groups, key))
        return false; /* another's gradient lies there too */
    PyObject *group = PyDict_New();
    bool is_done = group != NULL && PyDict_SetItem(group, id, record) == 0 && PyDict_SetItem(groups, key, group) == 0;
    Py_XDECREF(group);
    return is_done;
}

static bool is_alone(const Engine *engine, PyObject *key)
{
    PyObject *group = PyDict_GetItemWithError(engine->by_memory, key);
    return group != NULL && PyDict_Check(group) && PyDict_GET_SIZE(group) == 1;
}

/* Remember which buffer a leaf's `.grad` is now, as gradb.tracer.tensors.buffers does; false where it is left to that. */
static bool note(const Engine *engine, PyObject *record, PyObject *grad)
{
    const void *memory = tensor_storage(grad);
    PyObject *key = PyLong_FromVoidPtr((void *)memory), *id = PyLong_FromVoidPtr(grad);
    int64_t known = 0, lies = 0;
    bool is_done = false;
    if (memory == NULL || key == NULL || id == NULL || RECORD(engine, record, RECORD_IS_MOVED) != Py_False ||
        !take_number(RECORD(engine, record, RECORD_GRAD_ID), &known) ||
        !take_number(RECORD(engine, record, RECORD_GRAD_KEY), &lies))
        goto end;
    if (known == (int64_t)(intptr_t)grad)
        is_done = lies == (int64_t)(intptr_t)memory && is_alone(engine, key) &&
                  PyDict_GetItemWithError(engine->by_object, id) == record;
    else if (known == 0 && add_group(engine->by_memory, key, RECORD(engine, record, RECORD_ID), record) &&
             PyDict_SetItem(engine->by_object, id, record) == 0) {
        slot_set(record, engine->record_slots[RECORD_GRAD_ID], Py_NewRef(id));
        slot_set(record, engine->record_slots[RECORD_GRAD_KEY], Py_NewRef(key));
        is_done = true;
    }
end:
    forget_error();
    Py_XDECREF(key);
    Py_XDECREF(id);
    return is_done;
}

/* --- the event ----------------------------------------------------------------------------------------------------- */

bool filling_add_label(Buffer *text, PyObject *head, PyObject *name, PyObject *label)
{
    Py_ssize_t length;
    const char *written = PyUnicode_AsUTF8AndSize(head, &length), *comma;
    if (written == NULL)
        return false;
    if (name == Py_None)
        return buffer_add(text, "\"", 1) && buffer_add_string(text, label) && buffer_add(text, "\"", 1);
    comma = memchr(written, ',', (size_t)length);
    return comma != NULL && buffer_add(text, comma + 1, (size_t)(written + length - 1 - (comma + 1)));
}

static bool add_after(Visit *visit, PyObject *grad, int64_t version, Draft *draft)
{
    const Filling *filling = visit->filling;
    const Buffer *kept = &filling->draft.text;
    Key key;
    draft->odd = filling->draft.odd;
    if (filling->has_key && find_key(grad, version, &key) && are_same(&key, &filling->key))
        return buffer_add(&draft->text, kept->bytes + filling->text, kept->used - filling->text);
    draft->odd = 0;
    return engine_add(visit->visits->engine, grad, false, draft);
}

static bool compose(Visit *visit, PyObject *label, PyObject *grad, int64_t version, Draft *draft)
{
    const Engine *engine = visit->visits->engine;
    const Draft *kept = &visit->filling->draft;
    PyObject *record = visit->filling->record, *name = RECORD(engine, record, RECORD_NAME);
    size_t before = visit->filling->text;
    int64_t id;
    draft->text.used = draft->data.used = 0;
    return take_number(RECORD(engine, record, RECORD_ID), &id) &&
           buffer_add(&draft->data, kept->data.bytes, kept->data.used) &&
           buffer_add(&draft->text, "[", 1) && buffer_add_integer(&draft->text, id) &&
           buffer_add(&draft->text, ",", 1) &&
           filling_add_label(&draft->text, RECORD(engine, record, RECORD_HEAD), name, label) &&
           buffer_add(&draft->text, ",", 1) && buffer_add(&draft->text, kept->text.bytes, before) &&
           buffer_add(&draft->text, ",", 1) &&
           buffer_add(&draft->text, kept->text.bytes + before, kept->text.used - before) &&
           buffer_add(&draft->text, ",", 1) && add_after(visit, grad, version, draft) &&
           buffer_add(&draft->text, ",", 1) && buffer_add_integer(&draft->text, visit->visits->start) &&
           buffer_add(&draft->text, "]", 1);
}

PyObject *filling_label(PyObject *name, PyObject *id)
{
    if (name != Py_None && PyUnicode_GET_LENGTH(name))
        return Py_NewRef(name);
    return name == Py_None ? PyUnicode_FromFormat("leaf #%S", id) : NULL;
}

typedef struct {
    int64_t fills, since;
} Count;

/* Count one more accumulation. */
static bool count_of(const Engine *engine, PyObject *record, Count *count)
{
    if (!take_number(RECORD(engine, record, RECORD_FILLS), &count->fills) ||
        !take_number(RECORD(engine, record, RECORD_SINCE), &count->since))
        return false;
    if (count->fills == 0 && !take_number(RECORDER(&engine->state, ITERATION), &count->since))
        return false;
    count->fills += count->fills >= 0;
    return true;
}

static void keep_count(const Engine *engine, PyObject *record, PyObject *fills, PyObject *since)
{
    slot_set(record, engine->record_slots[RECORD_FILLS], Py_NewRef(fills));
    slot_set(record, engine->record_slots[RECORD_SINCE], Py_NewRef(since));
}

static bool put(Visit *visit, PyObject *label)
{
    Engine *engine = visit->visits->engine;
    PyObject *record = visit->filling->record, *fills = NULL, *since = NULL;
    Count count;
    int64_t id, seq = 0;
    if (count_of(engine, record, &count) && take_number(RECORD(engine, record, RECORD_ID), &id)) {
        fills = PyLong_FromLongLong(count.fills);
        since = PyLong_FromLongLong(count.since);
        if (fills != NULL && since != NULL &&
            pen_put_grad(engine->pen, id, pen_head(engine->pen) + 1, count.fills, count.since))
            seq = engine_put(engine, ACCUMULATE_KIND, label, visit->mark, (uint16_t)visit->visits->number,
                             visit->visits->flags, true, NULL);
    }
    if (seq)
        keep_count(engine, record, fills, since);
    else
        pen_take_back(engine->pen);
    Py_XDECREF(fills);
    Py_XDECREF(since);
    return seq != 0;
}

/* Have Python take note of memory in which something odd lies now. */
static void tell_odd(Visit *visit, PyObject *grad)
{
    PyObject *births = PyObject_GetAttr(visit->visits->run, births_name);
    PyObject *done = births == NULL ? NULL : PyObject_CallMethodOneArg(births, note_name, grad);
    Py_XDECREF(births);
    Py_XDECREF(done);
    forget_error();
}

bool filling_end(Visit *visit)
{
    Engine *engine = visit->visits->engine;
    Filling *filling = visit->filling;
    int64_t version;
    bool is_done = false;
    PyObject *grad = is_known(engine, filling) ? look(engine, filling->leaf, NULL, &version) : NULL;
    PyObject *record = filling->record, *label = NULL;
    if (grad != NULL && grad != Py_None)
        label = filling_label(RECORD(engine, record, RECORD_NAME), RECORD(engine, record, RECORD_ID));
    if (label != NULL && note(engine, record, grad) && visits_are_plain(visit->visits) &&
        engine_lock(engine)) {
        engine->is_busy = true;
        is_done = compose(visit, label, grad, version, &engine->draft) &&
                  !is_born(engine->draft.odd, filling->before | filling->draft.odd) && put(visit, label);
        forget_error();
        if (is_done && engine->draft.odd)
            tell_odd(visit, grad);
        engine->is_busy = false;
        if (is_done)
            visit_arrive(visit, visit->start, Py_None);
        engine_unlock(engine);
    }
    forget_error();
    Py_XDECREF(label);
    Py_XDECREF(grad);
    return is_done;
}

/* --- for Python ---------------------------------------------------------------------------------------------------- */

static PyObject *tuple_of(const int64_t *numbers, int64_t count)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);
    for (int64_t i = 0; tuple != NULL && i < count; i++)
        PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, PyLong_FromLongLong(numbers[i]));
    return tuple;
}

static PyObject *key_of(const Filling *filling)
{
    const Key *key = &filling->key;
    if (!filling->has_key)
        Py_RETURN_NONE;
    return Py_BuildValue("NNNsL", PyLong_FromVoidPtr((void *)key->data), tuple_of(key->sizes, key->dim),
                         tuple_of(key->strides, key->dim), key->dtype->name, (long long)key->version);
}

PyObject *filling_kept(const Filling *filling)
{
    const Draft *draft = &filling->draft;
    const char *text = draft->text.bytes, *data = draft->data.bytes;
    PyObject *before = filling->has_before ? PyBytes_FromStringAndSize(data, (Py_ssize_t)filling->data)
                                           : Py_NewRef(Py_None);
    PyObject *added = PyBytes_FromStringAndSize(data == NULL ? NULL : data + filling->data,
                                                (Py_ssize_t)(draft->data.used - filling->data));
    return Py_BuildValue("(s#N)(s#N)(ii)N", text, (Py_ssize_t)filling->text, before, text + filling->text,
                         (Py_ssize_t)(draft->text.used - filling->text), added,
                         (int)filling->before, (int)draft->odd, key_of(filling));
}

bool filling_names(void)
{
    passing_name = PyUnicode_InternFromString("is_passing");
    variable_name = PyUnicode_InternFromString("variable");
    births_name = PyUnicode_InternFromString("births");
    note_name = PyUnicode_InternFromString("note");
    return passing_name != NULL && variable_name != NULL && births_name != NULL && note_name != NULL;
}
