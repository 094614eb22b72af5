#include "engine.h"

#include <structmember.h>

#include "layouts.h"
#include "lock.h"
#include "pen.h"

static PyTypeObject *engine_class;
static PyObject *backward, *failures_name, *unsaid_name, *first_unsaid_name, *line_name;
static PyObject *kinds[32]; /* what they are called, by their numbers */

/* --- what others have ---------------------------------------------------------------------------------------------- */

bool is_attribute(PyObject *object, PyObject *name, PyObject *wanted)
{
    PyObject *found = PyObject_GetAttr(object, name);
    if (found == NULL)
        PyErr_Clear();
    Py_XDECREF(found);
    return found == wanted; /* which is kept by others, and so is no address that is used again */
}

bool take_number(PyObject *number, int64_t *taken)
{
    if (number == NULL || !PyLong_CheckExact(number))
        return false;
    *taken = PyLong_AsLongLong(number);
    if (*taken != -1 || !PyErr_Occurred())
        return true;
    forget_error();
    return false;
}

bool take_attribute(PyObject *object, PyObject *name, int64_t *number)
{
    PyObject *found = PyObject_GetAttr(object, name);
    bool is_taken = take_number(found, number);
    if (found == NULL)
        PyErr_Clear();
    Py_XDECREF(found);
    return is_taken;
}

bool engine_is_plain(Engine *engine)
{
    const State *state = &engine->state;
    return !engine->is_busy && RECORDER(state, IS_ACTIVE) == Py_True && RECORDER(state, IS_FULL) == Py_True &&
           state_is_settled(state) && GATE(state, IS_STEPPING) == Py_False && GATE(state, LOOKS_IN) == Py_False;
}

bool engine_lock(Engine *engine)
{
    return lock_take(engine->lock);
}

void engine_unlock(Engine *engine)
{
    lock_let_go(engine->lock);
}

/* --- whether a node is measured, or read again --------------------------------------------------------------------- */

static Refused *remembered(Engine *engine, PyObject *mark)
{
    uintptr_t mixed = (uintptr_t)MARK(engine, mark, MARK_PLACE) ^ ((uintptr_t)MARK(engine, mark, MARK_NAME) >> 3) ^
                      ((uintptr_t)MARK(engine, mark, MARK_SCOPE) << 1);
    return &engine->refused[(mixed >> 4 ^ mixed >> 12) % REMEMBERED];
}

static bool is_often(Engine *engine, PyObject *mark)
{
    int64_t count = 0;
    PyObject *key = PyTuple_Pack(3, MARK(engine, mark, MARK_PLACE), MARK(engine, mark, MARK_SCOPE),
                                 MARK(engine, mark, MARK_NAME));
    PyObject *found = key == NULL ? NULL : PyDict_GetItemWithError(engine->counts, key);
    bool is_counted = take_number(found, &count);
    Py_XDECREF(key);
    forget_error();
    return is_counted && count >= engine->repeats;
}

bool engine_refuses(Engine *engine, PyObject *mark)
{
    PyObject *place = MARK(engine, mark, MARK_PLACE), *scope = MARK(engine, mark, MARK_SCOPE);
    PyObject *name = MARK(engine, mark, MARK_NAME);
    Refused *known = remembered(engine, mark);
    if (engine->counts == Py_None)
        return true;
    if (known->place == place && known->scope == scope && known->name == name)
        return true;
    if (!is_often(engine, mark))
        return false;
    Py_XSETREF(known->place, Py_NewRef(place));
    Py_XSETREF(known->scope, Py_NewRef(scope));
    Py_XSETREF(known->name, Py_NewRef(name));
    return true;
}

/* Tell whether nodes of a class save nothing, as far as that is known. */
static bool saves_nothing(const Engine *engine, PyObject *node)
{
    PyObject *kind = PyDict_GetItemWithError(engine->kinds, (PyObject *)Py_TYPE(node));
    forget_error();
    return kind != NULL && PyTuple_Check(kind) && PyTuple_GET_SIZE(kind) == 2 && PyTuple_GET_ITEM(kind, 1) == Py_False;
}

bool engine_reads_again(Engine *engine, PyObject *node, PyObject *mark)
{
    int64_t id, edited;
    bool is_known = take_number(MARK(engine, mark, MARK_ID), &id) &&
                    take_number(SLOT(engine->nodes, engine->nodes_slots[0]), &edited);
    bool is_same = is_known && id > edited && MARK(engine, mark, MARK_HAS_RUN) == Py_False &&
                   SLOT(engine->nodes, engine->nodes_slots[1]) == Py_False;
    return !is_same && !saves_nothing(engine, node);
}

/* Return where an error came through, outermost first: pairs of code and line, which keep no frame and so no tensor. */
static PyObject *places_of(PyObject *traceback)
{
    PyObject *places = PyList_New(0);
    for (; places != NULL && traceback != NULL && PyTraceBack_Check(traceback);
         traceback = (PyObject *)((PyTracebackObject *)traceback)->tb_next) {
        PyObject *code = (PyObject *)PyFrame_GetCode(((PyTracebackObject *)traceback)->tb_frame);
        PyObject *line = PyObject_GetAttr(traceback, line_name);
        PyObject *place = line == NULL ? NULL : PyTuple_Pack(2, code, line);
        if (place == NULL || PyList_Append(places, place) < 0)
            Py_CLEAR(places);
        Py_DECREF(code);
        Py_XDECREF(line);
        Py_XDECREF(place);
    }
    return places;
}

/* Keep of an error what it was and where, if it is the first that nothing could be said of. */
static void keep_first(PyObject *failures, PyObject *type, PyObject *traceback)
{
    if (type == NULL || !is_attribute(failures, first_unsaid_name, Py_None))
        return;
    PyObject *places = places_of(traceback);
    PyObject *first = places == NULL ? NULL : PyTuple_Pack(2, type, places);
    if (first != NULL)
        PyObject_SetAttr(failures, first_unsaid_name, first);
    Py_XDECREF(places);
    Py_XDECREF(first);
}

void engine_lost(Engine *engine)
{
    int64_t unsaid;
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *failures = PyObject_GetAttr(engine->recorder, failures_name), *number = NULL;
    if (failures != NULL)
        keep_first(failures, type, traceback);
    forget_error();
    if (failures != NULL && take_attribute(failures, unsaid_name, &unsaid) &&
        (number = PyLong_FromLongLong(unsaid + 1)) != NULL && PyObject_SetAttr(failures, unsaid_name, number) == 0)
        slot_set(engine->recorder, engine->state.recorder_slots[HAS_ERRANDS], Py_NewRef(Py_True));
    forget_error();
    Py_XDECREF(failures);
    Py_XDECREF(number);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
}

/* --- the event ----------------------------------------------------------------------------------------------------- */

bool engine_add(Engine *engine, PyObject *tensor, bool is_passing, Draft *draft)
{
    int done = reader_add_known(engine->reader, tensor, is_passing, draft);
    if (done < 0)
        PyErr_Clear();
    return done > 0;
}

/* Tell whether a text is short: the pen has room for the definitions of such. */
static bool is_short(PyObject *text)
{
    return PyUnicode_CheckExact(text) && PyUnicode_GET_LENGTH(text) < 400;
}

bool is_born(unsigned made, unsigned given)
{
    return (made & NANS && !(given & (NANS | UNREAD))) || (made & INFINITIES && !(given & (NANS | INFINITIES | UNREAD)));
}

int64_t engine_put(Engine *engine, int kind, PyObject *name, PyObject *mark, uint16_t thread, uint16_t flags,
                   bool has_data, const Draft *began)
{
    const Detail kept = began == NULL ? (Detail){0} : (Detail){began->text.bytes, began->data.bytes, began->text.used,
                                                               began->data.used};
    const Draft *draft = &engine->draft;
    PenEvent event = {.kind = kinds[kind], .name = name, .place = MARK(engine, mark, MARK_PLACE),
                      .scope = MARK(engine, mark, MARK_SCOPE), .phase = backward, .thread = thread,
                      .flags = flags | (draft->odd & (NANS | INFINITIES)),
                      .detail = draft->text.bytes, .detail_size = draft->text.used,
                      .data = !has_data ? NULL : draft->data.used ? draft->data.bytes : "",
                      .data_size = draft->data.used};
    int64_t seq = -1;
    if (is_short(name) && is_short(event.scope) && take_number(MARK(engine, mark, MARK_ID), &event.node) &&
        take_number(RECORDER(&engine->state, ITERATION), &event.iteration) &&
        pen_is_ready(engine->pen, event.detail_size + event.data_size)) {
        state_set_phase(&engine->state, backward);
        seq = pen_put_event(engine->pen, &event);
        if (seq > 0 && sieve_passes(&engine->passing, GATE(&engine->state, SIEVE), kind, &event, seq, began ? &kept : NULL))
            Py_XSETREF(engine->told, sieve_told(&event, seq));
    }
    forget_error();
    return seq < 0 ? 0 : seq;
}

/* --- the type ------------------------------------------------------------------------------------------------------ */

#define OBJECTS 20

/* The objects, in the order in which `Engine` is given them. */
static void objects_of(Engine *engine, PyObject ***objects)
{
    PyObject **all[OBJECTS] = {
        &engine->recorder, &engine->gate, &engine->pen, &engine->reader, &engine->snapshots, &engine->nodes,
        &engine->lock, &engine->lent, &engine->records, &engine->by_memory, &engine->by_object,
        &engine->kinds, &engine->counts, &engine->refusal, &engine->task, &engine->unseen,
        &engine->resume, &engine->arrived, (PyObject **)&engine->mark_class, (PyObject **)&engine->record_class};
    memcpy(objects, all, sizeof all);
}

static bool take_objects(Engine *engine, PyObject *given)
{
    PyObject **objects[OBJECTS];
    objects_of(engine, objects);
    if (PyTuple_GET_SIZE(given) != OBJECTS) {
        PyErr_Format(PyExc_TypeError, "%d objects are needed", OBJECTS);
        return false;
    }
    for (Py_ssize_t i = 0; i < OBJECTS; i++)
        Py_XSETREF(*objects[i], Py_NewRef(PyTuple_GET_ITEM(given, i)));
    PyObject *const dicts[] = {engine->lent, engine->records, engine->by_memory, engine->by_object, engine->kinds};
    for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++)
        if (!PyDict_CheckExact(dicts[i])) {
            PyErr_SetString(PyExc_TypeError, "a dict is needed");
            return false;
        }
    if (pen_check(engine->pen) && reader_check(engine->reader) && lock_check(engine->lock) && PyUnicode_Check(engine->refusal) &&
        (engine->counts == Py_None || PyDict_CheckExact(engine->counts)))
        return true;
    PyErr_SetString(PyExc_TypeError, "pen, reader and lock are to be those of this module");
    return false;
}

static int engine_init(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static const char *const mark_names[] = {"id", "name", "is_leaf", "place", "scope", "edges", "is_hooked", "has_run",
                                             "hooks", NULL};
    static const char *const record_names[] = {"id", "ref", "name", "head", "fills", "since", "grad_id", "grad_key",
                                               "is_moved", NULL};
    static const char *const nodes_names[] = {"_edited", "is_exposed", NULL};
    Engine *engine = (Engine *)self;
    PyObject *objects;
    if (!PyArg_ParseTuple(arguments, "O!L", &PyTuple_Type, &objects, &engine->repeats))
        return -1;
    return take_objects(engine, objects) &&
                   slots_find((PyObject *)engine->mark_class, mark_names, engine->mark_slots) &&
                   slots_find((PyObject *)engine->record_class, record_names, engine->record_slots) &&
                   state_find(&engine->state, engine->recorder, engine->gate) &&
                   slots_find((PyObject *)Py_TYPE(engine->nodes), nodes_names, engine->nodes_slots)
               ? 0
               : -1;
}

static int engine_traverse(PyObject *self, visitproc visit, void *arg)
{
    PyObject **objects[OBJECTS];
    objects_of((Engine *)self, objects);
    Py_VISIT(Py_TYPE(self));
    for (int i = 0; i < OBJECTS; i++)
        Py_VISIT(*objects[i]);
    return 0;
}

static int engine_clear(PyObject *self)
{
    Engine *engine = (Engine *)self;
    PyObject **objects[OBJECTS];
    objects_of(engine, objects);
    for (int i = 0; i < OBJECTS; i++)
        Py_CLEAR(*objects[i]);
    Py_CLEAR(engine->told);
    sieve_clear(&engine->passing);
    for (int i = 0; i < REMEMBERED; i++) {
        Py_CLEAR(engine->refused[i].place);
        Py_CLEAR(engine->refused[i].scope);
        Py_CLEAR(engine->refused[i].name);
    }
    return 0;
}

static void engine_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    engine_clear(self);
    draft_free(&((Engine *)self)->draft);
    if (((Engine *)self)->spare != NULL)
        draft_free(((Engine *)self)->spare);
    PyMem_Free(((Engine *)self)->spare);
    buffer_free(&((Engine *)self)->odds);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot slots[] = {
    {Py_tp_init, engine_init}, {Py_tp_traverse, engine_traverse}, {Py_tp_clear, engine_clear},
    {Py_tp_dealloc, engine_dealloc}, {0, NULL},
};

static PyType_Spec spec = {
    .name = "gradb.tracer.native._accelerator.Engine",
    .basicsize = sizeof(Engine),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

bool engine_check(PyObject *object)
{
    return Py_IS_TYPE(object, engine_class);
}

PyObject *engine_type(void)
{
    backward = PyUnicode_InternFromString("backward");
    failures_name = PyUnicode_InternFromString("failures");
    unsaid_name = PyUnicode_InternFromString("unsaid");
    first_unsaid_name = PyUnicode_InternFromString("first_unsaid");
    line_name = PyUnicode_InternFromString("tb_lineno");
    kinds[NODE_START_KIND] = PyUnicode_InternFromString("node_start");
    kinds[NODE_KIND] = PyUnicode_InternFromString("node");
    kinds[ACCUMULATE_KIND] = PyUnicode_InternFromString("accumulate");
    if (kinds[NODE_START_KIND] == NULL || kinds[NODE_KIND] == NULL || kinds[ACCUMULATE_KIND] == NULL)
        return NULL;
    if (backward == NULL || failures_name == NULL || unsaid_name == NULL ||
        first_unsaid_name == NULL || line_name == NULL)
        return NULL;
    engine_class = (PyTypeObject *)PyType_FromSpec(&spec);
    return (PyObject *)engine_class;
}
