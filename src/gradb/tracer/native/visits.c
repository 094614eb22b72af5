#include "visit.h"

#include <structmember.h>

#define OURS ((long long)(((uint64_t)1 << 62) - 1)) /* where the keys of our hooks begin, downwards */

static PyTypeObject *visits_class, *registrar_class;
static PyObject *prehook_name, *hook_name, *task_name, *backward_name, *awaiting_name, *remove_name, *usual_key;

/* --- registering --------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *otherwise; /* registers what is not ours */
} Registrar;

/* Return a key that a dict of hooks does not have: the same for nearly all of ours. */
static PyObject *free_key(PyObject *hooks)
{
    PyObject *key = Py_NewRef(usual_key);
    for (long long number = OURS - 1; key != NULL && PyDict_Contains(hooks, key) == 1; number--)
        Py_SETREF(key, PyLong_FromLongLong(number));
    return key;
}

/* Put a visit behind the hooks that a node has; false with an error set. */
static bool put_behind(PyObject *hooks, Visit *visit)
{
    PyObject *key = free_key(hooks);
    if (key == NULL || PyObject_SetItem(hooks, key, (PyObject *)visit) < 0) {
        Py_XDECREF(key);
        return false;
    }
    visit->hooks[visit->hooked] = Py_NewRef(hooks);
    visit->keys[visit->hooked++] = key;
    return true;
}

/* Put a visit behind the hooks that torch knows of a node, and return them with what stands for a handle. */
static PyObject *put_in(PyObject *given, Visit *visit)
{
    PyObject *hooks = given == Py_None ? PyODict_New() : Py_NewRef(given), *pair = NULL;
    if (hooks != NULL && PyDict_Check(hooks) && visit->hooked < 2 && (pair = PyTuple_Pack(2, hooks, Py_None)) != NULL &&
        !put_behind(hooks, visit))
        Py_CLEAR(pair);
    if (pair == NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "there is no such way to register a hook");
    Py_XDECREF(hooks);
    return pair;
}

static PyObject *registrar_call(PyObject *self, PyObject *const *arguments, size_t flags, PyObject *keywords)
{
    if (PyVectorcall_NARGS(flags) == 2 && keywords == NULL && visit_check(arguments[1]))
        return put_in(arguments[0], (Visit *)arguments[1]);
    return PyObject_Vectorcall(((Registrar *)self)->otherwise, arguments, flags, keywords);
}

/* Take a visit out of the hooks of its node again. */
static void take_out(Visit *visit)
{
    while (visit->hooked) {
        PyObject *hooks = visit->hooks[--visit->hooked], *key = visit->keys[visit->hooked];
        if (hooks != NULL && PyDict_GetItemWithError(hooks, key) == (PyObject *)visit)
            PyObject_DelItem(hooks, key);
        forget_error();
        Py_CLEAR(visit->hooks[visit->hooked]);
        Py_CLEAR(visit->keys[visit->hooked]);
    }
}

/* --- one call of the engine ---------------------------------------------------------------------------------------- */

/* Tell whether it is this call that runs a node; false where Python has to find that out. */
static bool is_running(Visits *visits)
{
    PyObject *found = PyObject_CallNoArgs(visits->engine->task);
    int64_t task;
    bool is_known = take_number(found, &task);
    if (is_known && visits->task < 0) {
        is_known = is_attribute(visits->run, task_name, Py_None)
                       ? PyDict_GetItemWithError(visits->local, backward_name) == visits->run &&
                             PyObject_SetAttr(visits->run, task_name, found) == 0
                       : take_attribute(visits->run, task_name, &visits->task);
        if (is_known && visits->task < 0)
            visits->task = task;
    }
    forget_error();
    Py_XDECREF(found);
    return is_known && task == visits->task;
}

static bool awaits_nothing(const Visits *visits)
{
    PyObject *awaiting = PyDict_GetItemWithError(visits->local, awaiting_name);
    return awaiting != NULL && PyList_CheckExact(awaiting) && PyList_GET_SIZE(awaiting) == 0;
}

bool visits_are_plain(Visits *visits)
{
    return !visits->is_over && visits->start && visits->thread == PyThread_get_thread_ident() &&
           awaits_nothing(visits) && engine_is_plain(visits->engine) && is_running(visits);
}

static bool keep(Visits *visits, Visit *visit)
{
    if (visits->count == visits->size) {
        Py_ssize_t size = visits->size ? 2 * visits->size : 32;
        Visit **all = PyMem_Realloc(visits->all, (size_t)size * sizeof *all);
        if (all == NULL)
            return false;
        visits->all = all;
        visits->size = size;
    }
    visits->all[visits->count++] = visit;
    return true;
}

/* Register a visit on its node as one kind of hook; false where the registrar was not asked. */
static bool register_as(Visit *visit, PyObject *name)
{
    int before = visit->hooked;
    PyObject *handle = PyObject_CallMethodOneArg(visit->node, name, (PyObject *)visit);
    if (handle != NULL && visit->hooked == before) {
        PyObject *done = PyObject_CallMethodNoArgs(handle, remove_name);
        Py_XDECREF(done);
    }
    forget_error();
    Py_XDECREF(handle);
    return visit->hooked == before + 1;
}

/* Put a visit behind the hooks that the node of a leaf has had since an earlier call, which it keeps as long as it lives;
   false where they are not known. */
static bool hook_again(Visit *visit)
{
    PyObject *kept = MARK(visit->visits->engine, visit->mark, MARK_HOOKS);
    bool is_done = kept != NULL && PyTuple_CheckExact(kept) && PyTuple_GET_SIZE(kept) == 2;
    for (int i = 0; is_done && i < 2; i++) {
        PyObject *hooks = PyWeakref_GetObject(PyTuple_GET_ITEM(kept, i));
        is_done = hooks != NULL && hooks != Py_None && put_behind(hooks, visit);
    }
    forget_error();
    return is_done;
}

/* Remember the hooks of the node of a leaf, as long as torch has them: a mark that held them could never be collected. */
static void keep_hooks(const Visit *visit)
{
    const Engine *engine = visit->visits->engine;
    if (MARK(engine, visit->mark, MARK_IS_LEAF) != Py_True)
        return;
    PyObject *before = PyWeakref_NewRef(visit->hooks[0], NULL), *after = PyWeakref_NewRef(visit->hooks[1], NULL);
    PyObject *kept = before == NULL || after == NULL ? NULL : PyTuple_Pack(2, before, after);
    if (kept != NULL)
        slot_set(visit->mark, engine->mark_slots[MARK_HOOKS], kept);
    forget_error();
    Py_XDECREF(before);
    Py_XDECREF(after);
}

/* Hook one node; false where it has to be done in Python. */
static bool hook(Visits *visits, PyObject *node, PyObject *mark)
{
    Visit *visit = visit_new(visits, node, mark);
    if (visit == NULL || !keep(visits, visit)) {
        PyErr_Clear();
        Py_XDECREF(visit);
        return false;
    }
    if (hook_again(visit))
        return true;
    take_out(visit);
    if (register_as(visit, prehook_name) && register_as(visit, hook_name)) {
        keep_hooks(visit);
        return true;
    }
    take_out(visit);
    visit_end(visit);
    return false;
}

static bool is_usual(const Visits *visits, PyObject *mark, PyObject *is_custom, PyObject *retained)
{
    const Engine *engine = visits->engine;
    if (!Py_IS_TYPE(mark, engine->mark_class) || is_custom != Py_False ||
        MARK(engine, mark, MARK_IS_HOOKED) != Py_False)
        return false;
    int is_kept = PyDict_Contains(retained, MARK(engine, mark, MARK_ID));
    forget_error();
    return is_kept == 0;
}

static PyObject *visits_hook(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    if (count != 4 || !PyList_Check(given[0]) || !PyList_Check(given[1]) || !PyList_Check(given[2]) ||
        !PyDict_Check(given[3]) || PyList_GET_SIZE(given[1]) != PyList_GET_SIZE(given[0]) ||
        PyList_GET_SIZE(given[2]) != PyList_GET_SIZE(given[0])) {
        PyErr_SetString(PyExc_TypeError, "three lists of one length and a dict are needed");
        return NULL;
    }
    PyObject *left = PyList_New(0);
    for (Py_ssize_t i = 0; left != NULL && i < PyList_GET_SIZE(given[0]); i++) {
        PyObject *mark = PyList_GET_ITEM(given[1], i);
        if (mark == Py_None || (is_usual((Visits *)self, mark, PyList_GET_ITEM(given[2], i), given[3]) &&
                                hook((Visits *)self, PyList_GET_ITEM(given[0], i), mark)))
            continue;
        PyObject *index = PyLong_FromSsize_t(i);
        if (index == NULL || PyList_Append(left, index) < 0)
            Py_CLEAR(left);
        Py_XDECREF(index);
    }
    return left;
}

static PyObject *visits_begin(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    Visits *visits = (Visits *)self;
    int64_t flags;
    if (count != 4 || !take_number(given[0], &visits->start) || !take_number(given[1], &visits->number) ||
        !PyDict_CheckExact(given[2]) || !take_number(given[3], &flags)) {
        PyErr_SetString(PyExc_TypeError, "two numbers, a dict and flags are needed");
        return NULL;
    }
    Py_XSETREF(visits->sent, Py_NewRef(given[2]));
    visits->flags = (uint16_t)flags;
    Py_RETURN_NONE;
}

static PyObject *visits_unhook(PyObject *self, PyObject *unused)
{
    Visits *visits = (Visits *)self;
    visits->is_over = true;
    while (visits->count) {
        Visit *visit = visits->all[--visits->count];
        take_out(visit);
        visit_end(visit);
        Py_DECREF(visit);
    }
    Py_RETURN_NONE;
}

/* --- the types ----------------------------------------------------------------------------------------------------- */

static int visits_init(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    Visits *visits = (Visits *)self;
    PyObject *engine, *run, *local;
    if (!PyArg_ParseTuple(arguments, "OOO!", &engine, &run, &PyDict_Type, &local))
        return -1;
    if (!engine_check(engine)) {
        PyErr_SetString(PyExc_TypeError, "an Engine is needed");
        return -1;
    }
    Py_XSETREF(visits->engine, (Engine *)Py_NewRef(engine));
    Py_XSETREF(visits->run, Py_NewRef(run));
    Py_XSETREF(visits->local, Py_NewRef(local));
    visits->thread = PyThread_get_thread_ident();
    visits->task = -1;
    return 0;
}

static int visits_traverse(PyObject *self, visitproc visit, void *arg)
{
    Visits *visits = (Visits *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(visits->engine);
    Py_VISIT(visits->run);
    Py_VISIT(visits->local);
    Py_VISIT(visits->sent);
    for (Py_ssize_t i = 0; i < visits->count; i++)
        Py_VISIT(visits->all[i]);
    return 0;
}

static int visits_clear(PyObject *self)
{
    Visits *visits = (Visits *)self;
    visits->is_over = true;
    while (visits->count)
        Py_DECREF(visits->all[--visits->count]);
    Py_CLEAR(visits->run);
    Py_CLEAR(visits->local);
    Py_CLEAR(visits->sent);
    return 0;
}

static void visits_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    visits_clear(self);
    Py_CLEAR(((Visits *)self)->engine);
    PyMem_Free(((Visits *)self)->all);
    type->tp_free(self);
    Py_DECREF(type);
}

static int registrar_init(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    Registrar *registrar = (Registrar *)self;
    PyObject *otherwise;
    if (!PyArg_ParseTuple(arguments, "O", &otherwise))
        return -1;
    registrar->call = registrar_call;
    Py_XSETREF(registrar->otherwise, Py_NewRef(otherwise));
    return 0;
}

static int registrar_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Registrar *)self)->otherwise);
    return 0;
}

static int registrar_clear(PyObject *self)
{
    Py_CLEAR(((Registrar *)self)->otherwise);
    return 0;
}

static void registrar_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    registrar_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"hook", (PyCFunction)(void (*)(void))visits_hook, METH_FASTCALL, NULL},
    {"begin", (PyCFunction)(void (*)(void))visits_begin, METH_FASTCALL, NULL},
    {"unhook", visits_unhook, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot visits_slots[] = {
    {Py_tp_init, visits_init},       {Py_tp_traverse, visits_traverse}, {Py_tp_clear, visits_clear},
    {Py_tp_dealloc, visits_dealloc}, {Py_tp_methods, methods},          {0, NULL},
};

static PyMemberDef registrar_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Registrar, call), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot registrar_slots[] = {
    {Py_tp_init, registrar_init},       {Py_tp_traverse, registrar_traverse}, {Py_tp_clear, registrar_clear},
    {Py_tp_dealloc, registrar_dealloc}, {Py_tp_members, registrar_members},   {Py_tp_call, PyVectorcall_Call},
    {0, NULL},
};

static PyType_Spec visits_spec = {
    .name = "gradb.tracer.native._accelerator.Visits",
    .basicsize = sizeof(Visits),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = visits_slots,
};

static PyType_Spec registrar_spec = {
    .name = "gradb.tracer.native._accelerator.Registrar",
    .basicsize = sizeof(Registrar),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = registrar_slots,
};

PyObject *visits_type(void)
{
    PyObject **const names[] = {&prehook_name, &hook_name, &task_name, &backward_name, &awaiting_name, &remove_name};
    static const char *const texts[] = {"register_prehook", "register_hook", "task", "backward", "awaiting", "remove"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if ((*names[i] = PyUnicode_InternFromString(texts[i])) == NULL)
            return NULL;
    if ((usual_key = PyLong_FromLongLong(OURS)) == NULL)
        return NULL;
    visits_class = (PyTypeObject *)PyType_FromSpec(&visits_spec);
    return (PyObject *)visits_class;
}

PyObject *registrar_type(void)
{
    registrar_class = (PyTypeObject *)PyType_FromSpec(&registrar_spec);
    return (PyObject *)registrar_class;
}
