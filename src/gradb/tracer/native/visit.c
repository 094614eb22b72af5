#include "visit.h"

#include <structmember.h>

static PyTypeObject *visit_class;
static PyObject *running, *backward_name, *visit_name, *before_name, *after_name, *fill_name,
    *births_name, *sends_name, *look_in_name;

/* --- Python's way -------------------------------------------------------------------------------------------------- */

/* Have a visit of Python's go on from here; false where there can be none, with an error set where that is not told. */
static bool resume(Visit *visit)
{
    if (visit->python != NULL)
        return true;
    if (visit->visits == NULL)
        return false;
    PyObject *made = PyObject_CallOneArg(visit->visits->engine->resume, (PyObject *)visit);
    if (made != NULL && made != Py_None) {
        visit->python = made;
        return true;
    }
    Py_XDECREF(made);
    return false;
}

/* Call a method of it. What fails there is told there; where it could not even be called it is told here. */
static void go_on(Visit *visit, PyObject *name, PyObject *first, PyObject *second)
{
    Engine *engine = (Engine *)Py_NewRef(visit->visits->engine);
    PyObject *python = resume(visit) ? Py_NewRef(visit->python) : NULL;
    PyObject *done = python == NULL ? NULL : PyObject_CallMethodObjArgs(python, name, first, second, NULL);
    if (PyErr_Occurred())
        engine_lost(engine);
    Py_XDECREF(done);
    Py_XDECREF(python);
    Py_DECREF(engine);
}

/* Return what the node began with, where that is kept. */
static PyObject *visit_began(PyObject *self, void *unused)
{
    const Draft *kept = ((Visit *)self)->began;
    if (kept == NULL)
        Py_RETURN_NONE;
    const Detail began = {kept->text.bytes, kept->data.bytes, kept->text.used, kept->data.used};
    return sieve_began(&began);
}

void visit_arrive(Visit *visit, int64_t start, PyObject *upstream)
{
    Engine *engine = (Engine *)Py_NewRef(visit->visits->engine);
    PyObject *told = engine->told, *number = told == NULL ? NULL : PyLong_FromLongLong(start), *done = NULL;
    PyObject *began = number == NULL ? NULL : visit_began((PyObject *)visit, NULL);
    engine->told = NULL;
    if (began != NULL)
        done = PyObject_CallFunctionObjArgs(engine->arrived, visit->node, visit->mark, number, upstream, told, began,
                                            NULL);
    if (told != NULL && done == NULL)
        engine_lost(engine);
    Py_XDECREF(told);
    Py_XDECREF(number);
    Py_XDECREF(began);
    Py_XDECREF(done);
    Py_DECREF(engine);
}

static PyObject *visit_fill(PyObject *self, PyObject *unused)
{
    Visit *visit = (Visit *)self;
    if ((visit->python == NULL && !visit->start) || !resume(visit))
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    PyObject *python = Py_NewRef(visit->python), *done = PyObject_CallMethodNoArgs(python, fill_name);
    Py_DECREF(python);
    return done;
}

/* --- the events of a node ------------------------------------------------------------------------------------------ */

/* Add the wire forms of gradients, which have no identity here. */
static bool add_gradients(Engine *engine, PyObject *gradients, Draft *draft, bool *has_data)
{
    bool is_done = true;
    uint16_t odd = 0;
    *has_data = false;
    engine->odds.used = 0;
    for (Py_ssize_t i = 0; is_done && i < PyTuple_GET_SIZE(gradients); i++) {
        PyObject *gradient = PyTuple_GET_ITEM(gradients, i);
        is_done = i == 0 || buffer_add(&draft->text, ",", 1);
        if (is_done && gradient == Py_None)
            is_done = buffer_add_text(&draft->text, "null");
        else if (is_done) {
            is_done = buffer_add_text(&draft->text, "[0,null,false,null,0,") && 
                      engine_add(engine, gradient, true, draft) &&
                      buffer_add(&draft->text, "]", 1);
            *has_data = true;
        }
        char flags = (char)draft->odd;
        is_done = is_done && buffer_add(&engine->odds, &flags, 1);
        odd |= draft->odd;
        draft->odd = 0;
    }
    draft->odd = odd;
    return is_done;
}

/* Return what is odd about what other nodes have sent to a node. */
static unsigned odd_sent(const Visit *visit)
{
    PyObject *sent = visit->visits->sent;
    int64_t odd = 0;
    if (sent != NULL)
        take_number(PyDict_GetItemWithError(sent, MARK(visit->visits->engine, visit->mark, MARK_ID)), &odd);
    forget_error();
    return (unsigned)odd;
}

/* Have Python take note of what is odd about each gradient that was sent on. */
static void tell_odd(Visit *visit)
{
    Buffer *odds = &visit->visits->engine->odds;
    PyObject *births = PyObject_GetAttr(visit->visits->run, births_name);
    PyObject *each = births == NULL ? NULL : PyBytes_FromStringAndSize(odds->bytes, (Py_ssize_t)odds->used);
    PyObject *done = each == NULL ? NULL : PyObject_CallMethodObjArgs(births, sends_name, visit->node, each, NULL);
    Py_XDECREF(births);
    Py_XDECREF(each);
    Py_XDECREF(done);
    forget_error();
}

/* Add why each edge of a node was not measured. */
static bool add_probes(const Engine *engine, const Visit *visit, Buffer *text)
{
    int64_t edges = 0;
    bool is_done = buffer_add(text, "[", 1);
    if (is_done && visit->filling == NULL)
        is_done = take_number(MARK(engine, visit->mark, MARK_EDGES), &edges);
    for (int64_t i = 0; is_done && i < edges; i++)
        is_done = (i == 0 || buffer_add(text, ",", 1)) && buffer_add_string(text, engine->refusal);
    return is_done && buffer_add(text, "]", 1);
}

static bool begin_text(Draft *draft, int64_t number)
{
    draft->text.used = draft->data.used = 0;
    draft->odd = 0;
    return buffer_add(&draft->text, "[", 1) && buffer_add_integer(&draft->text, number) &&
           buffer_add(&draft->text, ",[", 2);
}

/* Take note that this node runs now. */
static void note_running(Visit *visit)
{
    Engine *engine = visit->visits->engine;
    slot_set(visit->mark, engine->mark_slots[MARK_HAS_RUN], Py_NewRef(Py_True));
    PyObject_SetAttr(visit->visits->run, running, MARK(engine, visit->mark, MARK_ID));
}

static void forget_start(Visit *visit)
{
    Draft *began = visit->began;
    Engine *engine = visit->visits == NULL ? NULL : visit->visits->engine;
    visit->began = NULL;
    if (began != NULL && engine != NULL && engine->spare == NULL)
        engine->spare = began;
    else if (began != NULL) {
        draft_free(began);
        PyMem_Free(began);
    }
}

/* Keep what the node begins with: a condition may ask for it at its end, one of an order too that is given meanwhile. The
   draft is another one then. */
static void keep_start(Visit *visit)
{
    Engine *engine = visit->visits->engine;
    forget_start(visit);
    Draft *began = visit->filling != NULL      ? NULL
                   : engine->spare == NULL ? PyMem_Calloc(1, sizeof *began)
                                           : engine->spare;
    if (began == NULL)
        return;
    Draft other = *began;
    engine->spare = NULL;
    *began = engine->draft;
    engine->draft = other;
    visit->began = began;
}

static int64_t put_start(Visit *visit, PyObject *gradients)
{
    Engine *engine = visit->visits->engine;
    Draft *draft = &engine->draft;
    bool has_data;
    bool is_begun = begin_text(draft, visit->visits->start) && add_gradients(engine, gradients, draft, &has_data);
    visit->odd = draft->odd;
    is_begun = is_begun && (!draft->odd || !is_born(draft->odd, odd_sent(visit))) &&
               buffer_add(&draft->text, "],", 2) && add_probes(engine, visit, &draft->text) &&
               buffer_add(&draft->text, "]", 1);
    int64_t seq = !is_begun ? 0
                            : engine_put(engine, NODE_START_KIND, MARK(engine, visit->mark, MARK_NAME), visit->mark,
                                         (uint16_t)visit->visits->number, visit->visits->flags, has_data, NULL);
    if (seq) {
        note_running(visit);
        keep_start(visit);
    }
    return seq;
}

static int64_t put_end(Visit *visit, PyObject *gradients)
{
    Engine *engine = visit->visits->engine;
    Draft *draft = &engine->draft;
    bool has_data;
    int64_t seq = begin_text(draft, visit->start) && add_gradients(engine, gradients, draft, &has_data) &&
                          !is_born(draft->odd, (unsigned)visit->odd) && buffer_add(&draft->text, "]]", 2)
                      ? engine_put(engine, NODE_KIND, MARK(engine, visit->mark, MARK_NAME), visit->mark,
                                   (uint16_t)visit->visits->number, visit->visits->flags, has_data, visit->began)
                      : 0;
    if (seq && draft->odd)
        tell_odd(visit);
    return seq;
}

/* Record one of the two events, and have the gate asked about it; `upstream` is what flows into the node. */
static int64_t put_locked(Visit *visit, PyObject *gradients, PyObject *upstream, int64_t (*put)(Visit *, PyObject *))
{
    Engine *engine = visit->visits->engine;
    int64_t seq = 0;
    if (!engine_lock(engine))
        return 0;
    engine->is_busy = true;
    seq = put(visit, gradients);
    forget_error();
    engine->is_busy = false;
    if (seq)
        visit_arrive(visit, visit->start ? visit->start : seq, upstream);
    engine_unlock(engine);
    forget_error();
    return seq;
}

/* --- before and after ---------------------------------------------------------------------------------------------- */

/* Take note that this thread is running the node. */
static void enter(Visit *visit)
{
    PyObject *local = visit->visits->local, *outer = PyDict_GetItemWithError(local, backward_name);
    Py_XSETREF(visit->outer, Py_XNewRef(outer));
    PyDict_SetItem(local, backward_name, visit->visits->run);
    PyDict_SetItem(local, visit_name, (PyObject *)visit);
    forget_error();
}

static void leave(Visit *visit)
{
    PyObject *local = visit->visits->local;
    if (PyDict_GetItemWithError(local, visit_name) == (PyObject *)visit) {
        PyDict_SetItem(local, backward_name, visit->outer == NULL ? Py_None : visit->outer);
        PyDict_SetItem(local, visit_name, Py_None);
        Py_CLEAR(visit->outer);
    }
    forget_error();
}

static bool may_begin(Visit *visit, PyObject *gradients)
{
    Visits *visits = visit->visits;
    if (!PyTuple_CheckExact(gradients))
        return false;
    if (visit->filling != NULL)
        return PyTuple_GET_SIZE(gradients) == 1 &&
               filling_begin(visits, visit->filling, PyTuple_GET_ITEM(gradients, 0));
    return engine_refuses(visits->engine, visit->mark) && visits_are_plain(visits) &&
           !engine_reads_again(visits->engine, visit->node, visit->mark);
}

static void before(Visit *visit, PyObject *gradients)
{
    bool is_new = visit->python == NULL && !visit->start;
    if (is_new && may_begin(visit, gradients))
        visit->start = put_locked(visit, gradients, gradients, put_start);
    if (!is_new || !visit->start) {
        go_on(visit, before_name, gradients, NULL);
        return;
    }
    if (visit->visits == NULL) /* the script was held here, and all is over */
        return;
    enter(visit);
    if (GATE(&visit->visits->engine->state, LOOKS_IN) != Py_False) /* where it was held it was asked to show what it does */
        go_on(visit, look_in_name, gradients, NULL);
}

static void after(Visit *visit, PyObject *inputs, PyObject *outputs)
{
    bool is_done = false;
    if (visit->python == NULL && visit->start && visit->filling != NULL)
        is_done = filling_end(visit);
    else if (visit->python == NULL && visit->start)
        is_done = PyTuple_CheckExact(inputs) && visits_are_plain(visit->visits) &&
                  put_locked(visit, inputs, outputs, put_end) != 0;
    if (visit->visits == NULL)
        return;
    if (is_done) {
        leave(visit);
        visit->start = 0;
        forget_start(visit);
    } else if (visit->python != NULL || visit->start)
        go_on(visit, after_name, inputs, outputs);
}

/* Tell whether nothing is recorded now: what runs may be another run of the same node, in the midst of this visit. */
static bool is_aside(const Visit *visit)
{
    return visit->python == NULL && RECORDER(&visit->visits->engine->state, IS_ACTIVE) != Py_True;
}

static PyObject *visit_call(PyObject *self, PyObject *const *arguments, size_t flags, PyObject *keywords)
{
    Visit *visit = (Visit *)Py_NewRef(self);
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    bool is_ours = visit->visits != NULL && !is_aside(visit);
    if (is_ours && count == 1)
        before(visit, arguments[0]);
    else if (is_ours && count == 2)
        after(visit, arguments[0], arguments[1]);
    Py_DECREF(visit);
    Py_RETURN_NONE;
}

/* --- the type ------------------------------------------------------------------------------------------------------ */

Visit *visit_new(Visits *visits, PyObject *node, PyObject *mark)
{
    Engine *engine = visits->engine;
    bool is_leaf = MARK(engine, mark, MARK_IS_LEAF) == Py_True;
    Filling *filling = is_leaf ? filling_new(engine, node, mark) : NULL;
    if (is_leaf && filling == NULL)
        return NULL;
    Visit *visit = PyObject_GC_New(Visit, visit_class);
    if (visit == NULL) {
        filling_free(filling);
        return NULL;
    }
    memset((char *)visit + sizeof(PyObject), 0, sizeof *visit - sizeof(PyObject));
    visit->call = visit_call;
    visit->visits = (Visits *)Py_NewRef(visits);
    visit->node = Py_NewRef(node);
    visit->mark = Py_NewRef(mark);
    visit->filling = filling;
    PyObject_GC_Track(visit);
    return visit;
}

void visit_end(Visit *visit)
{
    forget_start(visit);
    for (int i = 0; i < 2; i++) {
        Py_CLEAR(visit->hooks[i]);
        Py_CLEAR(visit->keys[i]);
    }
    Py_CLEAR(visit->node);
    Py_CLEAR(visit->outer);
    Py_CLEAR(visit->python);
    Py_CLEAR(visit->visits);
    filling_free(visit->filling);
    visit->filling = NULL;
}

static int visit_traverse(PyObject *self, visitproc visit, void *arg)
{
    Visit *one = (Visit *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(one->visits);
    Py_VISIT(one->node);
    Py_VISIT(one->mark);
    Py_VISIT(one->outer);
    Py_VISIT(one->python);
    Py_VISIT(one->hooks[0]);
    Py_VISIT(one->hooks[1]);
    if (one->filling != NULL) {
        Py_VISIT(one->filling->leaf);
        Py_VISIT(one->filling->record);
    }
    return 0;
}

static int visit_clear(PyObject *self)
{
    visit_end((Visit *)self);
    Py_CLEAR(((Visit *)self)->mark);
    return 0;
}

static void visit_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    visit_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *visit_run(PyObject *self, void *unused)
{
    Visit *visit = (Visit *)self;
    return Py_NewRef(visit->visits == NULL ? Py_None : visit->visits->run);
}

static PyObject *visit_kept(PyObject *self, void *unused)
{
    Visit *visit = (Visit *)self;
    return visit->filling == NULL ? Py_NewRef(Py_None) : filling_kept(visit->filling);
}

static PyMethodDef methods[] = {{"fill", visit_fill, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static PyMemberDef members[] = {
    {"node", T_OBJECT, offsetof(Visit, node), READONLY, NULL},
    {"mark", T_OBJECT, offsetof(Visit, mark), READONLY, NULL},
    {"outer", T_OBJECT, offsetof(Visit, outer), READONLY, NULL},
    {"start", T_LONGLONG, offsetof(Visit, start), READONLY, NULL},
    {"odd", T_INT, offsetof(Visit, odd), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Visit, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef getters[] = {
    {"run", visit_run, NULL, NULL, NULL},
    {"kept", visit_kept, NULL, NULL, NULL},
    {"began", visit_began, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_traverse, visit_traverse}, {Py_tp_clear, visit_clear}, {Py_tp_dealloc, visit_dealloc},
    {Py_tp_methods, methods},         {Py_tp_members, members},   {Py_tp_getset, getters},
    {Py_tp_call, PyVectorcall_Call},  {0, NULL},
};

static PyType_Spec spec = {
    .name = "gradb.tracer.native._accelerator.Visit",
    .basicsize = sizeof(Visit),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

bool visit_check(PyObject *object)
{
    return Py_IS_TYPE(object, visit_class);
}

PyObject *visit_type(void)
{
    PyObject **const names[] = {&look_in_name, &running, &backward_name, &visit_name, &before_name, &after_name,
                                 &fill_name, &births_name, &sends_name};
    static const char *const texts[] = {"look_in", "running", "backward", "visit", "before", "after",
                                        "fill", "births", "sends"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if ((*names[i] = PyUnicode_InternFromString(texts[i])) == NULL)
            return NULL;
    if (!filling_names())
        return NULL;
    visit_class = (PyTypeObject *)PyType_FromSpec(&spec);
    return (PyObject *)visit_class;
}
