#include "pen.h"

#include <structmember.h>

#include "buffer.h"
#include "memo.h"

#define MAX_REST 4
#define DEFINITIONS 4096 /* bytes for the texts and places that an event may define */

typedef struct {
    PyObject_HEAD
    long long head;
    PyObject *ids;       /* what stands for each text and place */
    Memo met;            /* the same, of objects that were met lately, by their identity */
    Py_ssize_t count;    /* how many `ids` there were then */
    PyObject *make_room; /* called with the bytes that are needed; has another segment used */
    PyObject *say_rest;  /* called before an event where one of `rest` is not empty */
    PyObject *rest;
    PyObject *segment;   /* NULL: nowhere */
    char *memory;
    size_t size, at;
    Buffer said;         /* records that wait, whole */
    Buffer tensors, grads; /* the same, which may be taken back */
} Pen;

static PyObject *address_name, *size_name, *at_name, *spot_name, *row_name, *library_name, *stack_name;

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

/* Read a whole number of each item of a tuple of so many; false with an error set. */
static bool take_tuple(PyObject *tuple, Py_ssize_t count, int32_t *numbers)
{
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != count) {
        PyErr_SetString(PyExc_TypeError, "a place is five numbers, and may have two of a library");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (!take_where(PyTuple_GET_ITEM(tuple, i), &numbers[i]))
            return false;
    return true;
}

/* Read what is beside a place; false with an error set. */
static bool take_spot(PyObject *spot, int32_t *place, int32_t *library, uint32_t *stack)
{
    PyObject *row = PyObject_GetAttr(spot, row_name), *inner = row == NULL ? NULL : PyObject_GetAttr(spot, library_name);
    PyObject *number = inner == NULL ? NULL : PyObject_GetAttr(spot, stack_name);
    bool is_done = number != NULL && take_tuple(row, 5, place) && (inner == Py_None || take_tuple(inner, 2, library));
    if (is_done)
        *stack = (uint32_t)PyLong_AsUnsignedLong(number);
    Py_XDECREF(row);
    Py_XDECREF(inner);
    Py_XDECREF(number);
    return is_done && !PyErr_Occurred();
}

static bool define_place(Pen *pen, PyObject *key, uint32_t id)
{
    int32_t found[5], library[2] = {NOWHERE, NOWHERE};
    uint32_t stack = 0;
    if (!(PyTuple_CheckExact(key) ? take_tuple(key, 5, found) : take_spot(key, found, library, &stack)))
        return false;
    PlaceRecord record = {.code = PLACE_CODE, .id = id, .source = found[0], .line = found[1], .end_line = found[2],
                          .column = found[3], .end_column = found[4], .library_source = library[0],
                          .library_line = library[1], .stack = stack};
    return buffer_add_record(&pen->said, &record, sizeof record, NULL, 0);
}

/* Read the id of an object that was met lately; false where it was not, or the ids have begun anew since. */
static bool was_met(Pen *pen, PyObject *object, uint32_t *id)
{
    if (PyDict_GET_SIZE(pen->ids) < pen->count)
        memo_clear(&pen->met);
    pen->count = PyDict_GET_SIZE(pen->ids);
    PyObject *known = memo_find(&pen->met, object, Py_None, 0);
    if (known != NULL)
        *id = (uint32_t)PyLong_AsUnsignedLong(known);
    return known != NULL;
}

/* Define a text or a place, and return its id (borrowed from the ids); NULL with an error set. */
static PyObject *define(Pen *pen, PyObject *key)
{
    uint32_t id = (uint32_t)PyDict_GET_SIZE(pen->ids);
    if (!(PyUnicode_Check(key) ? define_text(pen, key, id) : define_place(pen, key, id)))
        return NULL;
    PyObject *number = PyLong_FromUnsignedLong(id);
    bool is_done = number != NULL && PyDict_SetItem(pen->ids, key, number) == 0;
    Py_XDECREF(number);
    return is_done ? number : NULL;
}

/* Find the id of a text or a place of an object, which is that itself or has it; false with an error set. */
static bool find_id(Pen *pen, PyObject *object, PyObject *key, uint32_t *id)
{
    PyObject *known = PyDict_GetItemWithError(pen->ids, key);
    if (known == NULL && !PyErr_Occurred())
        known = define(pen, key);
    if (known == NULL)
        return false;
    *id = (uint32_t)PyLong_AsUnsignedLong(known);
    if (PyErr_Occurred())
        return false;
    pen->count = PyDict_GET_SIZE(pen->ids);
    memo_keep(&pen->met, object, Py_None, 0, known);
    return true;
}

/* The same of a text or a place itself, defining it where it is new. */
static bool id_of(Pen *pen, PyObject *key, uint32_t *id)
{
    return was_met(pen, key, id) || find_id(pen, key, key, id);
}

static bool id_of_place(Pen *pen, PyObject *place, uint32_t *id)
{
    if (PyTuple_CheckExact(place))
        return id_of(pen, place, id);
    if (was_met(pen, place, id))
        return true;
    PyObject *spot = PyObject_GetAttr(place, spot_name);
    bool is_done = spot != NULL && find_id(pen, place, spot, id);
    Py_XDECREF(spot);
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
        if (buffers[i]->used == 0)
            continue; /* it may have no memory at all */
        size_t skipped = done == 0 ? sizeof(uint32_t) : 0;
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

static bool fill_event(Pen *pen, const PenEvent *event, EventRecord *record)
{
    uint32_t kind, name, place, scope, phase;
    if (!id_of(pen, event->kind, &kind) || !id_of(pen, event->name, &name) ||
        !id_of_place(pen, event->place, &place) || !id_of(pen, event->scope, &scope) ||
        !id_of(pen, event->phase, &phase))
        return false;
    *record = (EventRecord){.code = EVENT_CODE, .seq = pen->head + 1, .kind = kind, .name = name, .place = place,
                            .scope = scope, .phase = phase, .iteration = (uint32_t)event->iteration,
                            .node = event->node, .flags = event->flags, .thread = event->thread,
                            .detail_size = (uint32_t)event->detail_size,
                            .data_size = event->data == NULL ? ABSENT : (uint32_t)event->data_size};
    return true;
}

/* Write an event behind what waits; everything that can fail is done before the first byte. */
static bool write_event(Pen *pen, EventRecord *record, const PenEvent *event)
{
    size_t length = record_length(sizeof *record + event->detail_size + event->data_size);
    if (length > MAX_RECORD) {
        PyErr_SetString(PyExc_ValueError, "a record is longer than any may be");
        return false;
    }
    if (!has_room(pen, waiting(pen) + length))
        return false;
    if (pen->memory != NULL) {
        size_t before = put_waiting(pen), at = pen->at + before;
        char *target = pen->memory + at;
        record->length = before ? (uint32_t)length : 0;
        memcpy(target, record, sizeof *record);
        memcpy(target + sizeof *record, event->detail, event->detail_size);
        if (event->data_size)
            memcpy(target + sizeof *record + event->detail_size, event->data, event->data_size);
        publish(pen, before ? first_length(pen) : (uint32_t)length, before + length);
        forget_waiting(pen);
    }
    pen->head = record->seq;
    return true;
}

int64_t pen_put_event(PyObject *self, const PenEvent *event)
{
    Pen *pen = (Pen *)self;
    EventRecord record;
    if (has_rest(pen)) {
        PyObject *done = PyObject_CallNoArgs(pen->say_rest);
        Py_XDECREF(done);
        if (done == NULL)
            return -1;
    }
    return fill_event(pen, event, &record) && write_event(pen, &record, event) ? record.seq : -1;
}

static bool add_edges(Buffer *text, const PenEdge *edges, size_t count)
{
    bool is_done = buffer_add(text, "[", 1);
    for (size_t i = 0; is_done && i < count; i++) {
        bool is_end = edges[i].node == NO_NUMBER;
        is_done = buffer_add_text(text, i ? ",[" : "[") &&
                  (is_end ? buffer_add_text(text, "null") : buffer_add_integer(text, edges[i].node)) &&
                  buffer_add(text, ",", 1) && buffer_add_integer(text, edges[i].number) && buffer_add(text, "]", 1);
    }
    return is_done && buffer_add(text, "]", 1);
}

bool pen_put_node(PyObject *self, int64_t id, PyObject *name, int64_t event, PyObject *kind, bool saves,
                  int64_t tensor, const PenEdge *edges, size_t count)
{
    Pen *pen = (Pen *)self;
    NodeRecord record = {.code = NODE_CODE, .id = id, .event = event, .tensor = tensor, .saves = saves};
    uint32_t name_id, kind_id;
    Buffer text = {0};
    bool is_done = id_of(pen, name, &name_id) && id_of(pen, kind, &kind_id) && add_edges(&text, edges, count);
    if (is_done) {
        record.name = name_id;
        record.kind = kind_id;
        record.edges_size = (uint32_t)text.used;
        is_done = buffer_add_record(&pen->said, &record, sizeof record, text.bytes, text.used);
    }
    buffer_free(&text);
    return is_done;
}

bool pen_put_tensor(PyObject *self, int64_t tensor, int64_t event, int64_t node, int64_t output_nr)
{
    TensorRecord record = {.length = sizeof record, .code = TENSOR_CODE, .tensor = tensor, .event = event,
                           .node = node, .output_nr = output_nr};
    return buffer_add(&((Pen *)self)->tensors, &record, sizeof record);
}

bool pen_put_grad(PyObject *self, int64_t tensor, int64_t event, int64_t fills, int64_t since)
{
    GradRecord record = {.length = sizeof record, .code = GRAD_CODE, .tensor = tensor, .event = event,
                         .fills = fills, .since = since};
    return buffer_add(&((Pen *)self)->grads, &record, sizeof record);
}

bool pen_put_name(PyObject *self, int64_t tensor, int64_t event, PyObject *name)
{
    Pen *pen = (Pen *)self;
    uint32_t id;
    if (!id_of(pen, name, &id))
        return false;
    NameRecord record = {.code = NAME_CODE, .tensor = tensor, .event = event, .name = id};
    return buffer_add_record(&pen->said, &record, sizeof record, NULL, 0);
}

bool pen_put_point(PyObject *self, const PenPoint *point, int64_t event, int64_t iteration)
{
    PointRecord record = {.code = POINT_CODE, .series = point->series, .event = event, .iteration = iteration,
                          .value = point->value};
    return buffer_add_record(&((Pen *)self)->said, &record, sizeof record, NULL, 0);
}

int64_t pen_head(PyObject *self)
{
    return ((Pen *)self)->head;
}

bool pen_is_ready(PyObject *self, size_t size)
{
    Pen *pen = (Pen *)self;
    size_t needed = waiting(pen) + record_length(sizeof(EventRecord) + size) + DEFINITIONS + sizeof(NextRecord);
    return !has_rest(pen) && (pen->memory == NULL || pen->at + needed <= pen->size);
}

/* --- methods ----------------------------------------------------------------------------------------------------- */

enum { KIND, NAME, PLACE, DETAIL, DATA, SCOPE, ITERATION, PHASE, NODE, FLAGS, THREAD, EVENT_ARGUMENTS };

static PyObject *pen_event(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    Py_ssize_t length;
    PyObject *held;
    int64_t numbers[4], seq = -1;
    if (!takes(count, EVENT_ARGUMENTS, "event"))
        return NULL;
    PyObject *const numbered[] = {given[ITERATION], given[NODE], given[FLAGS], given[THREAD]}, *data = given[DATA];
    if (data != Py_None && !PyBytes_Check(data)) {
        PyErr_SetString(PyExc_TypeError, "data is bytes or None");
        return NULL;
    }
    const char *detail = utf8_of(given[DETAIL], &length, &held);
    if (detail != NULL && take_numbers(numbered, 4, numbers))
        seq = pen_put_event(self, &(PenEvent){
            .kind = given[KIND], .name = given[NAME], .place = given[PLACE], .scope = given[SCOPE],
            .phase = given[PHASE], .iteration = numbers[0], .node = numbers[1], .flags = (uint16_t)numbers[2],
            .thread = (uint16_t)numbers[3], .detail = detail, .detail_size = (size_t)length,
            .data = data == Py_None ? NULL : PyBytes_AS_STRING(data),
            .data_size = data == Py_None ? 0 : (size_t)PyBytes_GET_SIZE(data)});
    Py_XDECREF(held);
    return seq < 0 ? NULL : PyLong_FromLongLong(seq);
}

/* Read pairs of numbers; NULL with an error set. */
static PenEdge *edges_of(PyObject *pairs)
{
    Py_ssize_t count = PyList_Check(pairs) ? PyList_GET_SIZE(pairs) : -1;
    PenEdge *edges = count < 0 ? NULL : PyMem_New(PenEdge, (size_t)count + 1);
    if (count < 0)
        PyErr_SetString(PyExc_TypeError, "edges are a list");
    else if (edges == NULL)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; edges != NULL && i < count; i++) {
        PyObject *pair = PyList_GET_ITEM(pairs, i);
        int64_t numbers[2];
        if (PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2 &&
            take_numbers(&PyTuple_GET_ITEM(pair, 0), 2, numbers)) {
            edges[i] = (PenEdge){numbers[0], numbers[1]};
            continue;
        }
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "an edge is a pair");
        PyMem_Free(edges);
        edges = NULL;
    }
    return edges;
}

static PyObject *done_if(bool is_done)
{
    return is_done ? Py_NewRef(Py_None) : NULL;
}

static PyObject *pen_node(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    if (!takes(count, 7, "node"))
        return NULL;
    PyObject *const numbered[] = {given[0], given[2], given[5]};
    int64_t numbers[3];
    int saves = PyObject_IsTrue(given[4]);
    PenEdge *edges = saves >= 0 && take_numbers(numbered, 3, numbers) ? edges_of(given[6]) : NULL;
    bool is_done = edges != NULL && pen_put_node(self, numbers[0], given[1], numbers[1], given[3], saves, numbers[2],
                                                 edges, (size_t)PyList_GET_SIZE(given[6]));
    PyMem_Free(edges);
    return done_if(is_done);
}

static PyObject *pen_tensor(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    int64_t numbers[4];
    return done_if(takes(count, 4, "tensor") && take_numbers(given, 4, numbers) &&
                   pen_put_tensor(self, numbers[0], numbers[1], numbers[2], numbers[3]));
}

static PyObject *pen_grad(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    int64_t numbers[4];
    return done_if(takes(count, 4, "grad") && take_numbers(given, 4, numbers) &&
                   pen_put_grad(self, numbers[0], numbers[1], numbers[2], numbers[3]));
}

static PyObject *pen_name(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    int64_t numbers[2];
    return done_if(takes(count, 3, "name") && take_numbers(given, 2, numbers) &&
                   pen_put_name(self, numbers[0], numbers[1], given[2]));
}

static PyObject *pen_point(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    int64_t numbers[3];
    if (!takes(count, 4, "point") || !take_numbers(given, 3, numbers))
        return NULL;
    double value = PyFloat_AsDouble(given[3]);
    if (value == -1.0 && PyErr_Occurred())
        return NULL;
    const PenPoint point = {(uint32_t)numbers[0], value};
    return done_if(pen_put_point(self, &point, numbers[1], numbers[2]));
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

void pen_take_back(PyObject *self)
{
    Pen *pen = (Pen *)self;
    take_back(&pen->tensors, sizeof(TensorRecord), offsetof(TensorRecord, event), pen->head);
    take_back(&pen->grads, sizeof(GradRecord), offsetof(GradRecord, event), pen->head);
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
    memo_clear(&pen->met);
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

static PyTypeObject *pen_class;

bool pen_check(PyObject *object)
{
    return pen_class != NULL && Py_IS_TYPE(object, pen_class);
}

PyObject *pen_type(void)
{
    address_name = PyUnicode_InternFromString("address");
    size_name = PyUnicode_InternFromString("size");
    at_name = PyUnicode_InternFromString("at");
    spot_name = PyUnicode_InternFromString("spot");
    row_name = PyUnicode_InternFromString("row");
    library_name = PyUnicode_InternFromString("library");
    stack_name = PyUnicode_InternFromString("stack");
    if (address_name == NULL || size_name == NULL || at_name == NULL || spot_name == NULL || row_name == NULL ||
        library_name == NULL || stack_name == NULL)
        return NULL;
    PyObject *type = PyType_FromSpec(&spec);
    pen_class = (PyTypeObject *)type;
    return type;
}
