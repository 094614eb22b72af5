#include "pen.h"

#include <structmember.h>

#include "buffer.h"
#include "layouts.h"

#define MAX_REST 4

typedef struct {
    PyObject_HEAD
    long long head;
    PyObject *ids;       /* what stands for each text and place */
    PyObject *make_room; /* called with the bytes that are needed; has another segment used */
    PyObject *say_rest;  /* called before an event where one of `rest` is not empty */
    PyObject *rest;
    PyObject *segment;   /* NULL: nowhere */
    char *memory;
    size_t size, at;
    Buffer said;         /* records that wait, whole */
    Buffer tensors, grads; /* the same, which may be taken back */
} Pen;

static PyObject *address_name, *size_name, *at_name, *library_name;

/* --- definitions ------------------------------------------------------------------------------------------------- */

/* Return UTF-8 and its length; `held` keeps it, and may be NULL. What is no UTF-8 is replaced. */
static const char *utf8_of(PyObject *text, Py_ssize_t *length, PyObject **held)
{
    const char *bytes = PyUnicode_AsUTF8AndSize(text, length);
    *held = NULL;
    if (bytes != NULL || !PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return bytes;
    PyErr_Clear();
    *held = PyUnicode_AsEncodedString(text, "utf-8", "replace");
    if (*held == NULL)
        return NULL;
    *length = PyBytes_GET_SIZE(*held);
    return PyBytes_AS_STRING(*held);
}

static bool define_text(Pen *pen, PyObject *text, uint32_t id)
{
    Py_ssize_t length;
    PyObject *held;
    const char *bytes = utf8_of(text, &length, &held);
    if (bytes == NULL)
        return false;
    TextRecord record = {.code = TEXT_CODE, .id = id, .text_size = (uint32_t)length};
    bool is_done = buffer_add_record(&pen->said, &record, sizeof record, bytes, (size_t)length);
    Py_XDECREF(held);
    return is_done;
}

/* Read a whole number, or NOWHERE for None; false with an error set. */
static bool take_where(PyObject *item, int32_t *number)
{
    if (item == Py_None) {
        *number = NOWHERE;
        return true;
    }
    long found = PyLong_AsLong(item);
    if (found == -1 && PyErr_Occurred())
        return false;
    if (found != (int32_t)found) {
        PyErr_SetString(PyExc_OverflowError, "a place is too far away");
        return false;
    }
    *number = (int32_t)found;
    return true;
}

static bool define_place(Pen *pen, PyObject *key, uint32_t id)
{
    PyObject *place = key, *library = NULL;
    int32_t found[7] = {0, 0, 0, 0, 0, NOWHERE, NOWHERE};
    if (PyTuple_Check(key) && PyTuple_GET_SIZE(key) == 2) {
        place = PyTuple_GET_ITEM(key, 0);
        library = PyTuple_GET_ITEM(key, 1);
    }
    if (!PyTuple_Check(place) || PyTuple_GET_SIZE(place) != 5 ||
        (library != NULL && (!PyTuple_Check(library) || PyTuple_GET_SIZE(library) != 2))) {
        PyErr_SetString(PyExc_TypeError, "a place is five numbers, and may have two of a library");
        return false;
    }
    for (int i = 0; i < 7; i++)
        if ((i < 5 || library != NULL) &&
            !take_where(i < 5 ? PyTuple_GET_ITEM(place, i) : PyTuple_GET_ITEM(library, i - 5), &found[i]))
            return false;
    PlaceRecord record = {.code = PLACE_CODE, .id = id, .source = found[0], .line = found[1], .end_line = found[2],
                          .column = found[3], .end_column = found[4], .library_source = found[5],
                          .library_line = found[6]};
    return buffer_add_record(&pen->said, &record, sizeof record, NULL, 0);
}

/* Find the id of a text or a place, defining it where it is new; false with an error set. */
static bool id_of(Pen *pen, PyObject *key, uint32_t *id)
{
    PyObject *known = PyDict_GetItemWithError(pen->ids, key);
    if (known != NULL) {
        *id = (uint32_t)PyLong_AsUnsignedLong(known);
        return !PyErr_Occurred();
    }
    if (PyErr_Occurred())
        return false;
    *id = (uint32_t)PyDict_GET_SIZE(pen->ids);
    if (!(PyUnicode_Check(key) ? define_text(pen, key, *id) : define_place(pen, key, *id)))
        return false;
    PyObject *number = PyLong_FromUnsignedLong(*id);
    bool is_done = number != NULL && PyDict_SetItem(pen->ids, key, number) == 0;
    Py_XDECREF(number);
    return is_done;
}

static bool id_of_place(Pen *pen, PyObject *place, uint32_t *id)
{
    if (PyTuple_CheckExact(place))
        return id_of(pen, place, id);
    PyObject *library = PyObject_GetAttr(place, library_name);
    PyObject *key = library == NULL ? NULL : PyTuple_Pack(2, place, library);
    bool is_done = key != NULL && id_of(pen, key, id);
    Py_XDECREF(library);
    Py_XDECREF(key);
    return is_done;
}

/* --- into the segment -------------------------------------------------------------------------------------------- */

/* Have room for so many bytes and what stands at a segment's end; false with an error set. */
static bool has_room(Pen *pen, size_t size)
{
    if (pen->memory == NULL || pen->at + size + sizeof(NextRecord) <= pen->size)
        return true;
    PyObject *done = PyObject_CallFunction(pen->make_room, "n", (Py_ssize_t)size);
    Py_XDECREF(done);
    if (done == NULL)
        return false;
    if (pen->memory == NULL || pen->at + size + sizeof(NextRecord) <= pen->size)
        return true;
    PyErr_SetString(PyExc_RuntimeError, "no room was made");
    return false;
}

static size_t waiting(const Pen *pen)
{
    return pen->said.used + pen->tensors.used + pen->grads.used;
}

/* Copy what waits to where it goes, but for the first four bytes, and return how much that is. */
static size_t put_waiting(Pen *pen)
{
    const Buffer *buffers[] = {&pen->said, &pen->tensors, &pen->grads};
    size_t done = 0;
    for (int i = 0; i < 3; i++) {
        size_t skipped = done == 0 && buffers[i]->used ? sizeof(uint32_t) : 0;
        memcpy(pen->memory + pen->at + done + skipped, buffers[i]->bytes + skipped, buffers[i]->used - skipped);
        done += buffers[i]->used;
    }
    return done;
}

static uint32_t first_length(const Pen *pen)
{
    const Buffer *first = pen->said.used ? &pen->said : pen->tensors.used ? &pen->tensors : &pen->grads;
    uint32_t length;
    memcpy(&length, first->bytes, sizeof length);
    return length;
}

/* Let what was put be seen: all of it is there with the length of the first record. */
static void publish(Pen *pen, uint32_t length, size_t size)
{
    __atomic_store_n((uint32_t *)(void *)(pen->memory + pen->at), length, __ATOMIC_RELEASE);
    pen->at += size;
}

static void forget_waiting(Pen *pen)
{
    pen->said.used = pen->tensors.used = pen->grads.used = 0;
}

static bool has_rest(const Pen *pen)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(pen->rest); i++) {
        Py_ssize_t size = PyObject_Size(PyTuple_GET_ITEM(pen->rest, i));
        if (size < 0)
            PyErr_Clear();
        if (size > 0)
            return true;
    }
    return false;
}

/* --- what is said ------------------------------------------------------------------------------------------------ */

static bool takes(Py_ssize_t count, Py_ssize_t wanted, const char *what)
{
    if (count != wanted)
        PyErr_Format(PyExc_TypeError, "%s needs %zd arguments", what, wanted);
    return count == wanted;
}

/* Read whole numbers; None is NO_NUMBER where it may be. */
static bool take_numbers(PyObject *const *arguments, int count, int64_t *numbers)
{
    for (int i = 0; i < count; i++) {
        if (arguments[i] == Py_None) {
            numbers[i] = NO_NUMBER;
            continue;
        }
        numbers[i] = PyLong_AsLongLong(arguments[i]);
        if (numbers[i] == -1 && PyErr_Occurred())
            return false;
    }
    return true;
}

enum { KIND, NAME, PLACE, DETAIL, DATA, SCOPE, ITERATION, PHASE, NODE, FLAGS, THREAD, EVENT_ARGUMENTS };

static bool fill_event(Pen *pen, PyObject *const *given, EventRecord *record)
{
    uint32_t kind, name, place, scope, phase;
    PyObject *const numbered[] = {given[ITERATION], given[NODE], given[FLAGS], given[THREAD]};
    int64_t numbers[4];
    if (!id_of(pen, given[KIND], &kind) || !id_of(pen, given[NAME], &name) ||
        !id_of_place(pen, given[PLACE], &place) || !id_of(pen, given[SCOPE], &scope) ||
        !id_of(pen, given[PHASE], &phase) || !take_numbers(numbered, 4, numbers))
        return false;
    record->code = EVENT_CODE;
    record->seq = pen->head + 1;
    record->kind = kind;
    record->name = name;
    record->place = place;
    record->scope = scope;
    record->phase = phase;
    record->iteration = (uint32_t)numbers[0];
    record->node = numbers[1];
    record->flags = (uint16_t)numbers[2];
    record->thread = (uint16_t)numbers[3];
    return true;
}

/* Write an event behind what waits; everything that can fail is done before the first byte. */
static PyObject *write_event(Pen *pen, EventRecord *record, const char *detail, size_t detail_size, PyObject *data)
{
    size_t data_size = data == Py_None ? 0 : (size_t)PyBytes_GET_SIZE(data);
    size_t length = record_length(sizeof *record + detail_size + data_size);
    PyObject *seq = PyLong_FromLongLong(record->seq);
    if (length > MAX_RECORD) {
        PyErr_SetString(PyExc_ValueError, "a record is longer than any may be");
        Py_CLEAR(seq);
    }
    if (seq == NULL || !has_room(pen, waiting(pen) + length)) {
        Py_XDECREF(seq);
        return NULL;
    }
    if (pen->memory != NULL) {
        size_t before = put_waiting(pen), at = pen->at + before;
        char *target = pen->memory + at;
        record->length = before ? (uint32_t)length : 0;
        record->detail_size = (uint32_t)detail_size;
        record->data_size = data == Py_None ? ABSENT : (uint32_t)data_size;
        memcpy(target, record, sizeof *record);
        memcpy(target + sizeof *record, detail, detail_size);
        if (data_size)
            memcpy(target + sizeof *record + detail_size, PyBytes_AS_STRING(data), data_size);
        publish(pen, before ? first_length(pen) : (uint32_t)length, before + length);
        forget_waiting(pen);
    }
    pen->head = record->seq;
    return seq;
}

static PyObject *pen_event(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    Pen *pen = (Pen *)self;
    EventRecord record = {0};
    Py_ssize_t length;
    PyObject *held, *seq = NULL;
    if (!takes(count, EVENT_ARGUMENTS, "event"))
        return NULL;
    if (arguments[DATA] != Py_None && !PyBytes_Check(arguments[DATA])) {
        PyErr_SetString(PyExc_TypeError, "data is bytes or None");
        return NULL;
    }
    if (has_rest(pen)) {
        PyObject *done = PyObject_CallNoArgs(pen->say_rest);
        Py_XDECREF(done);
        if (done == NULL)
            return NULL;
    }
    const char *detail = utf8_of(arguments[DETAIL], &length, &held);
    if (detail != NULL && fill_event(pen, arguments, &record))
        seq = write_event(pen, &record, detail, (size_t)length, arguments[DATA]);
    Py_XDECREF(held);
    return seq;
}

static bool add_edges(Buffer *text, PyObject *edges)
{
    if (!buffer_add(text, "[", 1))
        return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(edges); i++) {
        PyObject *edge = PyList_GET_ITEM(edges, i);
        int64_t numbers[2];
        if (!PyTuple_Check(edge) || PyTuple_GET_SIZE(edge) != 2) {
            PyErr_SetString(PyExc_TypeError, "an edge is a pair");
            return false;
        }
        if (!take_numbers(&PyTuple_GET_ITEM(edge, 0), 2, numbers))
            return false;
        char written[64];
        int length = numbers[0] == NO_NUMBER
                         ? snprintf(written, sizeof written, "%s[null,%lld]", i ? "," : "", (long long)numbers[1])
                         : snprintf(written, sizeof written, "%s[%lld,%lld]", i ? "," : "", (long long)numbers[0],
                                    (long long)numbers[1]);
        if (!buffer_add(text, written, (size_t)length))
            return false;
    }
    return buffer_add(text, "]", 1);
}

static PyObject *pen_node(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    Pen *pen = (Pen *)self;
    if (!takes(count, 7, "node"))
        return NULL;
    if (!PyList_Check(arguments[6])) {
        PyErr_SetString(PyExc_TypeError, "edges are a list");
        return NULL;
    }
    PyObject *const numbered[] = {arguments[0], arguments[2], arguments[5]};
    int64_t numbers[3];
    uint32_t name, kind;
    int saves = PyObject_IsTrue(arguments[4]);
    if (saves < 0 || !take_numbers(numbered, 3, numbers) || !id_of(pen, arguments[1], &name) ||
        !id_of(pen, arguments[3], &kind))
        return NULL;
    Buffer text = {0};
    NodeRecord record = {.code = NODE_CODE, .id = numbers[0], .event = numbers[1], .name = name, .kind = kind,
                         .tensor = numbers[2], .saves = (uint8_t)saves};
    bool is_done = add_edges(&text, arguments[6]);
    record.edges_size = (uint32_t)text.used;
    is_done = is_done && buffer_add_record(&pen->said, &record, sizeof record, text.bytes, text.used);
    buffer_free(&text);
    if (!is_done)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *pen_tensor(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    int64_t numbers[4];
    if (!takes(count, 4, "tensor") || !take_numbers(arguments, 4, numbers))
        return NULL;
    TensorRecord record = {.length = sizeof record, .code = TENSOR_CODE, .tensor = numbers[0], .event = numbers[1],
                           .node = numbers[2], .output_nr = numbers[3]};
    if (!buffer_add(&((Pen *)self)->tensors, &record, sizeof record))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *pen_grad(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    int64_t numbers[4];
    if (!takes(count, 4, "grad") || !take_numbers(arguments, 4, numbers))
        return NULL;
    GradRecord record = {.length = sizeof record, .code = GRAD_CODE, .tensor = numbers[0], .event = numbers[1],
                         .fills = numbers[2], .since = numbers[3]};
    if (!buffer_add(&((Pen *)self)->grads, &record, sizeof record))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *pen_name(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    Pen *pen = (Pen *)self;
    int64_t numbers[2];
    uint32_t name;
    if (!takes(count, 3, "name") || !take_numbers(arguments, 2, numbers) || !id_of(pen, arguments[2], &name))
        return NULL;
    NameRecord record = {.code = NAME_CODE, .tensor = numbers[0], .event = numbers[1], .name = name};
    if (!buffer_add_record(&pen->said, &record, sizeof record, NULL, 0))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *pen_point(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    int64_t numbers[3];
    if (!takes(count, 4, "point") || !take_numbers(arguments, 3, numbers))
        return NULL;
    double value = PyFloat_AsDouble(arguments[3]);
    if (value == -1.0 && PyErr_Occurred())
        return NULL;
    PointRecord record = {.code = POINT_CODE, .series = (uint32_t)numbers[0], .event = numbers[1],
                          .iteration = numbers[2], .value = value};
    if (!buffer_add_record(&((Pen *)self)->said, &record, sizeof record, NULL, 0))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *pen_say(PyObject *self, PyObject *record)
{
    if (!PyBytes_Check(record) || PyBytes_GET_SIZE(record) % ALIGNMENT) {
        PyErr_SetString(PyExc_TypeError, "what is said is a whole record");
        return NULL;
    }
    if (!buffer_add(&((Pen *)self)->said, PyBytes_AS_STRING(record), (size_t)PyBytes_GET_SIZE(record)))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *pen_id(PyObject *self, PyObject *key)
{
    uint32_t id;
    return id_of((Pen *)self, key, &id) ? PyLong_FromUnsignedLong(id) : NULL;
}

/* Take back records of one size that say something of an event after `head`. */
static void take_back(Buffer *buffer, size_t size, size_t offset, int64_t head)
{
    int64_t event;
    while (buffer->used) {
        memcpy(&event, buffer->bytes + buffer->used - size + offset, sizeof event);
        if (event <= head)
            break;
        buffer->used -= size;
    }
}

static PyObject *pen_forget(PyObject *self, PyObject *head)
{
    Pen *pen = (Pen *)self;
    long long last = PyLong_AsLongLong(head);
    if (last == -1 && PyErr_Occurred())
        return NULL;
    take_back(&pen->tensors, sizeof(TensorRecord), offsetof(TensorRecord, event), last);
    take_back(&pen->grads, sizeof(GradRecord), offsetof(GradRecord, event), last);
    Py_RETURN_NONE;
}

static PyObject *pen_write(PyObject *self, PyObject *unused)
{
    Pen *pen = (Pen *)self;
    if (waiting(pen)) {
        if (!has_room(pen, waiting(pen)))
            return NULL;
        if (pen->memory != NULL) {
            size_t size = put_waiting(pen);
            publish(pen, first_length(pen), size);
            forget_waiting(pen);
        }
    }
    Py_RETURN_NONE;
}

static PyObject *pen_has_said(PyObject *self, PyObject *unused)
{
    return PyBool_FromLong(waiting((Pen *)self) > 0);
}

static PyObject *pen_use(PyObject *self, PyObject *segment)
{
    Pen *pen = (Pen *)self;
    char *memory = NULL;
    size_t size = 0, at = 0;
    if (segment != Py_None) {
        PyObject *address = PyObject_GetAttr(segment, address_name), *bytes = PyObject_GetAttr(segment, size_name);
        PyObject *offset = PyObject_GetAttr(segment, at_name);
        if (address != NULL && bytes != NULL && offset != NULL) {
            memory = PyLong_AsVoidPtr(address);
            size = PyLong_AsSize_t(bytes);
            at = PyLong_AsSize_t(offset);
        }
        Py_XDECREF(address);
        Py_XDECREF(bytes);
        Py_XDECREF(offset);
        if (PyErr_Occurred())
            return NULL;
    }
    if (pen->segment != NULL) {
        PyObject *offset = PyLong_FromSize_t(pen->at);
        int failed = offset == NULL || PyObject_SetAttr(pen->segment, at_name, offset) < 0;
        Py_XDECREF(offset);
        if (failed)
            return NULL;
    }
    pen->memory = memory;
    pen->size = size;
    pen->at = at;
    Py_XSETREF(pen->segment, segment == Py_None ? NULL : Py_NewRef(segment));
    if (segment == Py_None)
        forget_waiting(pen);
    Py_RETURN_NONE;
}

/* --- the type ---------------------------------------------------------------------------------------------------- */

static int pen_init(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    Pen *pen = (Pen *)self;
    PyObject *make_room, *say_rest, *rest;
    if (!PyArg_ParseTuple(arguments, "OOO!", &make_room, &say_rest, &PyTuple_Type, &rest))
        return -1;
    PyObject *ids = PyDict_New();
    if (ids == NULL)
        return -1;
    Py_XSETREF(pen->ids, ids);
    Py_XSETREF(pen->make_room, Py_NewRef(make_room));
    Py_XSETREF(pen->say_rest, Py_NewRef(say_rest));
    Py_XSETREF(pen->rest, Py_NewRef(rest));
    return 0;
}

static int pen_traverse(PyObject *self, visitproc visit, void *arg)
{
    Pen *pen = (Pen *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(pen->ids);
    Py_VISIT(pen->make_room);
    Py_VISIT(pen->say_rest);
    Py_VISIT(pen->rest);
    Py_VISIT(pen->segment);
    return 0;
}

static int pen_clear(PyObject *self)
{
    Pen *pen = (Pen *)self;
    pen->memory = NULL;
    Py_CLEAR(pen->make_room);
    Py_CLEAR(pen->say_rest);
    Py_CLEAR(pen->segment);
    return 0;
}

static void pen_dealloc(PyObject *self)
{
    Pen *pen = (Pen *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    pen_clear(self);
    Py_CLEAR(pen->ids);
    Py_CLEAR(pen->rest);
    buffer_free(&pen->said);
    buffer_free(&pen->tensors);
    buffer_free(&pen->grads);
    type->tp_free(self);
    Py_DECREF(type);
}

#define FAST(name) {#name, (PyCFunction)(void (*)(void))pen_##name, METH_FASTCALL, NULL}

static PyMethodDef methods[] = {
    FAST(event), FAST(node), FAST(tensor), FAST(grad), FAST(name), FAST(point),
    {"say", pen_say, METH_O, NULL},
    {"id", pen_id, METH_O, NULL},
    {"forget", pen_forget, METH_O, NULL},
    {"write", pen_write, METH_NOARGS, NULL},
    {"has_said", pen_has_said, METH_NOARGS, NULL},
    {"use", pen_use, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"head", T_LONGLONG, offsetof(Pen, head), READONLY, NULL},
    {"ids", T_OBJECT_EX, offsetof(Pen, ids), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_init, pen_init},       {Py_tp_traverse, pen_traverse}, {Py_tp_clear, pen_clear},
    {Py_tp_dealloc, pen_dealloc}, {Py_tp_methods, methods},       {Py_tp_members, members},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "gradb.tracer.native._accelerator.Pen",
    .basicsize = sizeof(Pen),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

PyObject *pen_type(void)
{
    address_name = PyUnicode_InternFromString("address");
    size_name = PyUnicode_InternFromString("size");
    at_name = PyUnicode_InternFromString("at");
    library_name = PyUnicode_InternFromString("library");
    if (address_name == NULL || size_name == NULL || at_name == NULL || library_name == NULL)
        return NULL;
    return PyType_FromSpec(&spec);
}
