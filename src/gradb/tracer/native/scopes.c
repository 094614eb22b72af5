#include "scopes.h"

#include "forward.h"
#include "lock.h"
#include "op.h"
#include "pen.h"
#include "places.h"
#include "records.h"

typedef struct {
    Py_ssize_t is_named, names, ref;
} TreeSlots;

typedef struct {
    PyObject_HEAD
    PyObject *forward, *trees, *call_class, *tree_class, *callee, *torn;
    TreeSlots tree;
    Py_ssize_t is_module_call; /* a slot of what a walk has found */
} Scopes;

/* The calls that this thread is in: three lists, which are as long as each other. */
typedef struct {
    PyObject *roots, *scopes, *calls;
} Stacks;

static PyObject *roots_name, *is_torn_name;

/* Each of these returns 1 for yes, 0 for no, -1 with an error set. */

static int is_recording(Scopes *scopes, Context *context)
{
    int is_it = RECORDER(&context->state, IS_ACTIVE) == Py_True && RECORDER(&context->state, IS_FULL) == Py_True;
    if (is_it > 0) {
        int is_torn = is_true(scopes->torn, is_torn_name);
        is_it = is_torn < 0 ? -1 : !is_torn;
    }
    return is_it > 0 ? !forward_is_traced(context) : is_it;
}

static PyObject *list_in(PyObject *dict, PyObject *name)
{
    PyObject *list = PyDict_GetItemWithError(dict, name);
    return list != NULL && PyList_CheckExact(list) ? list : NULL;
}

/* Look up what this thread is in; this thread keeps the lists. */
static int has_stacks(Context *context, Stacks *stacks)
{
    PyObject *local = PyObject_GetAttr(context->local, words.__dict__);
    if (local == NULL)
        return -1;
    stacks->roots = list_in(local, roots_name);
    stacks->scopes = list_in(local, words.scopes);
    stacks->calls = list_in(local, words.calls);
    Py_DECREF(local);
    return stacks->roots != NULL && stacks->scopes != NULL && stacks->calls != NULL &&
           PyList_GET_SIZE(stacks->roots) == PyList_GET_SIZE(stacks->calls) &&
           PyList_GET_SIZE(stacks->scopes) == PyList_GET_SIZE(stacks->calls);
}

static PyObject *last_of(PyObject *list)
{
    Py_ssize_t count = PyList_GET_SIZE(list);
    return count ? PyList_GET_ITEM(list, count - 1) : NULL;
}

static PyObject *value_at(PyObject *dict, PyObject *object)
{
    PyObject *key = PyLong_FromVoidPtr(object);
    PyObject *value = key == NULL ? NULL : PyDict_GetItemWithError(dict, key);
    Py_XDECREF(key);
    return value;
}

static bool refers_to(PyObject *ref, PyObject *object)
{
    return ref != NULL && PyWeakref_CheckRefExact(ref) && PyWeakref_GET_OBJECT(ref) == object;
}

/* Return the path of a module below a root (borrowed); NULL, mostly without an error set, where that is for Python. */
static PyObject *path_of(Scopes *scopes, PyObject *root, PyObject *module, bool is_outermost)
{
    PyObject *tree = value_at(scopes->trees, root);
    if (tree == NULL || !Py_IS_TYPE(tree, (PyTypeObject *)scopes->tree_class) ||
        !refers_to(SLOT(tree, scopes->tree.ref), root) ||
        (is_outermost && SLOT(tree, scopes->tree.is_named) != Py_True))
        return NULL;
    PyObject *names = SLOT(tree, scopes->tree.names);
    PyObject *row = names != NULL && PyDict_CheckExact(names) ? value_at(names, module) : NULL;
    if (row == NULL || !PyTuple_CheckExact(row) || PyTuple_GET_SIZE(row) != 2 ||
        !refers_to(PyTuple_GET_ITEM(row, 0), module))
        return NULL;
    return PyTuple_GET_ITEM(row, 1);
}

/* Make a `ModuleCall`: a named tuple, whose own `__new__` is Python's. */
static PyObject *make_call(Scopes *scopes, PyObject *number, PyObject *found)
{
    PyObject *fields = PyTuple_Pack(2, number, found), *given = fields == NULL ? NULL : PyTuple_Pack(1, fields);
    PyObject *call = given == NULL ? NULL : PyTuple_Type.tp_new((PyTypeObject *)scopes->call_class, given, NULL);
    Py_XDECREF(fields);
    Py_XDECREF(given);
    return call;
}

static void cut(PyObject *list, Py_ssize_t size)
{
    if (PyList_GET_SIZE(list) > size)
        PyList_SetSlice(list, size, PyList_GET_SIZE(list), NULL);
}

/* Push all three, or none. */
static bool push(const Stacks *stacks, PyObject *root, PyObject *path, PyObject *call)
{
    Py_ssize_t size = PyList_GET_SIZE(stacks->calls);
    if (PyList_Append(stacks->roots, root) == 0 && PyList_Append(stacks->scopes, path) == 0 &&
        PyList_Append(stacks->calls, call) == 0)
        return true;
    PyErr_Clear();
    cut(stacks->roots, size);
    cut(stacks->scopes, size);
    cut(stacks->calls, size);
    return false;
}

/* Enter a call; return what was found of its place (a new reference), NULL where nothing was done. */
static PyObject *enter(Scopes *scopes, Context *context, PyObject *module)
{
    Stacks stacks;
    if (is_recording(scopes, context) <= 0 || has_stacks(context, &stacks) <= 0)
        return NULL;
    PyObject *within = last_of(stacks.calls), *root = within == NULL ? module : PyList_GET_ITEM(stacks.roots, 0);
    PyObject *path = path_of(scopes, root, module, within == NULL);
    if (path == NULL || (within != NULL && !Py_IS_TYPE(within, (PyTypeObject *)scopes->call_class)))
        return NULL;
    Py_INCREF(path); /* the garbage collector may run the script's code at any time */
    Py_XINCREF(within);
    PyObject *found = places_find(context, within), *number = found == NULL ? NULL : places_call(context);
    PyObject *call = number == NULL ? NULL : make_call(scopes, number, found);
    if (call == NULL || !push(&stacks, within == NULL ? module : PyList_GET_ITEM(stacks.roots, 0), path, call))
        Py_CLEAR(found);
    Py_XDECREF(number);
    Py_XDECREF(call);
    Py_XDECREF(within);
    Py_DECREF(path);
    return found;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

/* Tell whether a value is a tensor that is named here, or none at all. */
static bool is_plain(const Context *context, PyObject *value)
{
    return is_tensor(context, value) || !PyObject_TypeCheck(value, (PyTypeObject *)context->tensor);
}

static bool are_plain(const Context *context, PyObject *const *values, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++)
        if (!is_plain(context, values[i]))
            return false;
    return true;
}

/* Name values by a row of names; false where that is, or the rest of it, for Python. */
static bool name_values(Context *context, PyObject *const *values, Py_ssize_t count, PyObject *row, PyObject *scope)
{
    if (!PyTuple_GET_SIZE(row))
        return true;
    if (!state_is_settled(&context->state) || !lock_take(context->lock))
        return false;
    bool is_done = !context->is_busy && name_each(context, values, count, row, pen_head(context->pen) + 1, scope);
    lock_let_go(context->lock);
    return is_done;
}

static bool name_arguments(Scopes *scopes, Context *context, PyObject *names, PyObject *args)
{
    PyObject *const *values = &PyTuple_GET_ITEM(args, 0), *row;
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    bool is_pair = count == 2 && is_tensor(context, values[0]) && is_tensor(context, values[1]);
    return are_plain(context, values, count) &&
           op_has_row(context, names, scopes->callee, count, is_pair, true, &row) > 0 &&
           name_values(context, values, count, row, SLOT(names, names_slots.scope));
}

static bool name_result(Scopes *scopes, Context *context, PyObject *names, PyObject *result)
{
    PyObject *row;
    return is_tensor(context, result) && op_has_row(context, names, scopes->callee, 1, true, false, &row) > 0 &&
           name_values(context, &result, 1, row, SLOT(names, names_slots.scope));
}

/* Return the names around the call of a module, NULL where what was found is none. */
static PyObject *names_of(const Scopes *scopes, PyObject *found)
{
    if (SLOT(found, scopes->is_module_call) != Py_True)
        return NULL;
    return SLOT(SLOT(found, found_slots.place), place_slots.names);
}

/* --- methods ----------------------------------------------------------------------------------------------------- */

static PyObject *scopes_enter(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    Scopes *scopes = (Scopes *)self;
    Context *context = forward_context(scopes->forward);
    if (count != 2 || !PyTuple_CheckExact(given[1])) {
        PyErr_SetString(PyExc_TypeError, "a module and the tuple of its arguments are needed");
        return NULL;
    }
    PyObject *found = enter(scopes, context, given[0]);
    if (found == NULL) {
        PyErr_Clear();
        Py_RETURN_FALSE;
    }
    PyObject *names = names_of(scopes, found);
    if (names == NULL || !PyTuple_GET_SIZE(given[1]) ||
        (Py_IS_TYPE(names, names_class) && (!PyTuple_GET_SIZE(SLOT(names, names_slots.operands)) ||
                                            name_arguments(scopes, context, names, given[1])))) {
        Py_DECREF(found);
        Py_RETURN_TRUE;
    }
    PyErr_Clear();
    return found;
}

/* Take the last of each off; return what was found of the call (a new reference), NULL where there is none. */
static PyObject *pop(Scopes *scopes, Context *context)
{
    Stacks stacks;
    PyObject *call = has_stacks(context, &stacks) > 0 ? last_of(stacks.calls) : NULL;
    if (call == NULL || !Py_IS_TYPE(call, (PyTypeObject *)scopes->call_class))
        return NULL;
    PyObject *found = Py_NewRef(PyTuple_GET_ITEM(call, 1));
    Py_ssize_t size = PyList_GET_SIZE(stacks.calls) - 1;
    cut(stacks.scopes, size);
    cut(stacks.roots, size);
    cut(stacks.calls, size);
    return found;
}

static PyObject *scopes_leave(PyObject *self, PyObject *result)
{
    Scopes *scopes = (Scopes *)self;
    Context *context = forward_context(scopes->forward);
    PyObject *found = pop(scopes, context);
    if (found == NULL) {
        PyErr_Clear();
        Py_RETURN_FALSE;
    }
    PyObject *names = Py_IS_TYPE(found, found_class) && result != Py_None ? names_of(scopes, found) : NULL;
    bool is_done = names == NULL;
    if (!is_done && Py_IS_TYPE(names, names_class))
        is_done = !PyTuple_GET_SIZE(SLOT(names, names_slots.targets)) ||
                  (is_recording(scopes, context) > 0 && name_result(scopes, context, names, result));
    PyErr_Clear();
    if (!is_done)
        return found;
    Py_DECREF(found);
    Py_RETURN_TRUE;
}

/* --- the type ------------------------------------------------------------------------------------------------------ */

static int scopes_init(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static const char *const tree_names[] = {"is_named", "names", "ref", NULL}, *const found_names[] = {"is_module_call", NULL};
    Scopes *scopes = (Scopes *)self;
    PyObject *forward, *trees, *call_class, *tree_class, *callee, *torn;
    if (!PyArg_ParseTuple(arguments, "OO!O!O!OO", &forward, &PyDict_Type, &trees, &PyType_Type, &call_class,
                          &PyType_Type, &tree_class, &callee, &torn))
        return -1;
    if (forward_context(forward) == NULL || !PyType_IsSubtype((PyTypeObject *)call_class, &PyTuple_Type)) {
        PyErr_SetString(PyExc_TypeError, "no Forward, or no class of tuples");
        return -1;
    }
    if (!slots_find(tree_class, tree_names, &scopes->tree.is_named) ||
        !slots_find((PyObject *)found_class, found_names, &scopes->is_module_call))
        return -1;
    Py_XSETREF(scopes->forward, Py_NewRef(forward));
    Py_XSETREF(scopes->trees, Py_NewRef(trees));
    Py_XSETREF(scopes->call_class, Py_NewRef(call_class));
    Py_XSETREF(scopes->tree_class, Py_NewRef(tree_class));
    Py_XSETREF(scopes->callee, Py_NewRef(callee));
    Py_XSETREF(scopes->torn, Py_NewRef(torn));
    return 0;
}

static int scopes_traverse(PyObject *self, visitproc visit, void *arg)
{
    Scopes *scopes = (Scopes *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(scopes->forward);
    Py_VISIT(scopes->trees);
    Py_VISIT(scopes->call_class);
    Py_VISIT(scopes->tree_class);
    Py_VISIT(scopes->callee);
    Py_VISIT(scopes->torn);
    return 0;
}

static int scopes_clear(PyObject *self)
{
    Scopes *scopes = (Scopes *)self;
    Py_CLEAR(scopes->forward);
    Py_CLEAR(scopes->trees);
    Py_CLEAR(scopes->call_class);
    Py_CLEAR(scopes->tree_class);
    Py_CLEAR(scopes->callee);
    Py_CLEAR(scopes->torn);
    return 0;
}

static void scopes_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    scopes_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"enter", (PyCFunction)(void (*)(void))scopes_enter, METH_FASTCALL, NULL},
    {"leave", scopes_leave, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_init, scopes_init},       {Py_tp_traverse, scopes_traverse}, {Py_tp_clear, scopes_clear},
    {Py_tp_dealloc, scopes_dealloc}, {Py_tp_methods, methods},          {0, NULL},
};

static PyType_Spec spec = {
    .name = "gradb.tracer.native._accelerator.Scopes",
    .basicsize = sizeof(Scopes),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

PyObject *scopes_type(void)
{
    roots_name = PyUnicode_InternFromString("roots");
    is_torn_name = PyUnicode_InternFromString("is_torn");
    return roots_name == NULL || is_torn_name == NULL ? NULL : PyType_FromSpec(&spec);
}
