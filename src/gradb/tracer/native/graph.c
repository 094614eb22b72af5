#include "graph.h"

#include "pen.h"
#include "records.h"

#define MAX_STACK 64
#define MAX_EDGES 256
#define ENOUGH_VISITS 8 /* `saving.VISITS`: so often what a place saves is read in a free run */

PyGetSetDescrObject *output_nr_getter;
static PyGetSetDescrObject *requires_grad_getter, *grad_fn_getter;

PyObject *graph_learn(PyObject *module, PyObject *descriptors)
{
    PyObject *requires_grad, *grad_fn, *output_nr;
    if (!PyArg_ParseTuple(descriptors, "O!O!O!", &PyGetSetDescr_Type, &requires_grad, &PyGetSetDescr_Type, &grad_fn,
                          &PyGetSetDescr_Type, &output_nr))
        return NULL;
    Py_XSETREF(requires_grad_getter, (PyGetSetDescrObject *)Py_NewRef(requires_grad));
    Py_XSETREF(grad_fn_getter, (PyGetSetDescrObject *)Py_NewRef(grad_fn));
    Py_XSETREF(output_nr_getter, (PyGetSetDescrObject *)Py_NewRef(output_nr));
    Py_RETURN_NONE;
}

int is_requiring_grad(PyObject *tensor)
{
    PyObject *answer = ask(requires_grad_getter, tensor);
    int is_it = answer == NULL ? -1 : answer == Py_True;
    Py_XDECREF(answer);
    return is_it;
}

PyObject *maker_of(PyObject *tensor)
{
    PyObject *node = ask(grad_fn_getter, tensor);
    if (node == NULL && PyErr_ExceptionMatches(PyExc_RuntimeError)) {
        PyErr_Clear();
        return Py_NewRef(Py_None);
    }
    return node;
}

/* Look for the mark in a node's metadata, which is a dict that the node holds. */
static PyObject *mark_in(PyObject *metadata)
{
    if (!PyDict_Check(metadata)) {
        PyErr_SetString(PyExc_TypeError, "metadata of a node is no dict");
        return NULL;
    }
    PyObject *mark = PyDict_GetItemWithError(metadata, words.gradb);
    return mark != NULL && Py_IS_TYPE(mark, mark_class) ? mark : NULL;
}

PyObject *mark_of(PyObject *node)
{
    PyObject *metadata = PyObject_GetAttr(node, words.metadata);
    PyObject *mark = metadata == NULL ? NULL : mark_in(metadata);
    Py_XDECREF(metadata);
    return mark;
}

/* Return the name of a node's class, without its module. */
static const char *short_name(PyObject *node)
{
    const char *name = Py_TYPE(node)->tp_name, *dot = strrchr(name, '.');
    return dot == NULL ? name : dot + 1;
}

static bool is_accumulate(PyObject *node)
{
    return strcmp(short_name(node), "AccumulateGrad") == 0;
}

/* --- one new node ------------------------------------------------------------------------------------------------ */

typedef enum { DONE, FOR_PYTHON, FAILED } Outcome;

static Outcome while_free(Context *context)
{
    if (context->is_stepping == Py_None)
        return DONE;
    PyObject *answer = PyObject_CallNoArgs(context->is_stepping);
    int is_stepping = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    return is_stepping < 0 ? FAILED : is_stepping ? FOR_PYTHON : DONE;
}

/* Tell whether what nodes of this name save here has been read often enough. */
static Outcome has_been_read(Context *context, PyObject *name, const Making *making)
{
    PyObject *key = PyTuple_Pack(3, making->place, making->scope, name);
    PyObject *visits = key == NULL ? NULL : PyDict_GetItemWithError(context->saved, key);
    Py_XDECREF(key);
    if (visits == NULL)
        return PyErr_Occurred() ? FAILED : FOR_PYTHON;
    return PyLong_AsLong(visits) < ENOUGH_VISITS ? FOR_PYTHON : while_free(context);
}

/* Return whether nodes of a class save tensors, -1 where Python has not found out yet or it is no class of torch's own. */
static int saves_of(Context *context, PyObject *node)
{
    PyObject *known = PyDict_GetItemWithError(context->node_kinds, (PyObject *)Py_TYPE(node));
    if (known == NULL || !PyTuple_Check(known) || PyTuple_GET_SIZE(known) != 2 ||
        PyUnicode_Compare(PyTuple_GET_ITEM(known, 0), words.builtin) != 0)
        return -1;
    return PyTuple_GET_ITEM(known, 1) == Py_True;
}

static Outcome new_mark(Context *context, PyObject *name, int64_t id, size_t edges, const Making *making,
                        PyObject *metadata)
{
    PyObject *mark = slots_copy(context->mark, &mark_layout);
    PyObject *number = PyLong_FromLongLong(id), *count = PyLong_FromSize_t(edges);
    if (mark == NULL || number == NULL || count == NULL) {
        Py_XDECREF(mark);
        Py_XDECREF(number);
        Py_XDECREF(count);
        return FAILED;
    }
    slot_set(mark, mark_slots.id, number);
    slot_set(mark, mark_slots.edges, count);
    slot_set(mark, mark_slots.name, Py_NewRef(name));
    slot_set(mark, mark_slots.place, Py_NewRef(making->place));
    slot_set(mark, mark_slots.scope, Py_NewRef(making->scope));
    slot_set(mark, mark_slots.writer, Py_NewRef(context->writer));
    bool is_done = PyDict_SetItem(metadata, words.gradb, mark) == 0 &&
                   PyObject_SetAttr(context->nodes, words.newest, number) == 0;
    Py_DECREF(mark);
    return is_done ? DONE : FAILED;
}

/* Which class a node is of, as a number of the memo. */
static long class_of(PyObject *node)
{
    return (long)(uintptr_t)Py_TYPE(node);
}

/* Find the name of a node (a new reference), and whether what it saved has to be read: then it is for Python. */
static Outcome find_name(Context *context, PyObject *node, const Making *making, PyObject **name)
{
    PyObject *known = memo_find(&context->read, making->place, making->scope, class_of(node));
    if (known != NULL) {
        *name = Py_NewRef(known);
        return while_free(context);
    }
    *name = PyObject_CallMethodNoArgs(node, words.name);
    if (*name == NULL)
        return FAILED;
    if (!PyUnicode_Check(*name))
        return FOR_PYTHON;
    Outcome outcome = has_been_read(context, *name, making);
    if (outcome == DONE && PyUnicode_CompareWithASCIIString(*name, short_name(node)) == 0)
        memo_keep(&context->read, making->place, making->scope, class_of(node), *name); /* else a class of many */
    return outcome;
}

static Outcome write_named(Context *context, PyObject *node, PyObject *name, PyObject *metadata, const PenEdge *edges,
                           size_t count, const Making *making, bool saves, NewNodes *new_nodes)
{
    PyObject *number = PyIter_Next(context->node_numbers);
    int64_t id = number == NULL ? -1 : PyLong_AsLongLong(number);
    Py_XDECREF(number);
    if (id < 0 || !pen_put_node(context->pen, id, name, making->event, words.builtin, saves, NO_NUMBER, edges, count))
        return FAILED;
    if (!buffer_add(&new_nodes->ids, &id, sizeof id))
        return FAILED;
    return new_mark(context, name, id, count, making, metadata);
}

static Outcome write_leaf(Context *context, PyObject *node, PyObject *metadata)
{
    PyObject *leaf = PyObject_GetAttr(node, words.variable);
    PyObject *record = leaf == NULL || !is_tensor(context, leaf) ? NULL : record_of(context, leaf);
    Py_XDECREF(leaf);
    if (record == NULL)
        return PyErr_Occurred() ? FAILED : FOR_PYTHON;
    PyObject *mark = SLOT(record, record_slots.mark);
    if (mark == NULL || !Py_IS_TYPE(mark, mark_class))
        return FOR_PYTHON;
    return PyDict_SetItem(metadata, words.gradb, mark) == 0 ? DONE : FAILED;
}

static Outcome write_node(Context *context, PyObject *node, PyObject *metadata, const PenEdge *edges, size_t count,
                          const Making *making, bool is_root, NewNodes *new_nodes)
{
    if (is_accumulate(node))
        return write_leaf(context, node, metadata);
    int saves = saves_of(context, node);
    if (saves < 0 || (saves && !is_root)) /* hooks may have packed what a node saved that was not seen being made */
        return PyErr_Occurred() ? FAILED : FOR_PYTHON;
    PyObject *name = NULL;
    Outcome outcome = find_name(context, node, making, &name);
    if (outcome == DONE)
        outcome = write_named(context, node, name, metadata, edges, count, making, saves, new_nodes);
    Py_XDECREF(name);
    return outcome;
}

/* --- the walk ---------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject *nodes[MAX_STACK]; /* owned */
    int count;
} Stack;

static bool push(Stack *stack, PyObject *node)
{
    if (stack->count == MAX_STACK)
        return false;
    stack->nodes[stack->count++] = Py_NewRef(node);
    return true;
}

static void pop(Stack *stack)
{
    Py_DECREF(stack->nodes[--stack->count]);
}

/* Read the edges of a node; those who have no mark yet are pushed, the first on top. */
static Outcome read_edges(PyObject *children, Stack *stack, PenEdge *edges, size_t *count)
{
    if (!PyTuple_Check(children) || PyTuple_GET_SIZE(children) > MAX_EDGES)
        return FOR_PYTHON;
    *count = (size_t)PyTuple_GET_SIZE(children);
    for (size_t i = *count; i-- > 0;) {
        PyObject *pair = PyTuple_GET_ITEM(children, (Py_ssize_t)i);
        if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2)
            return FOR_PYTHON;
        PyObject *child = PyTuple_GET_ITEM(pair, 0);
        edges[i].node = NO_NUMBER;
        edges[i].number = PyLong_AsLongLong(PyTuple_GET_ITEM(pair, 1));
        PyObject *mark = child == Py_None ? NULL : mark_of(child);
        if (PyErr_Occurred())
            return FAILED;
        if (mark != NULL)
            edges[i].node = number_in(mark, mark_slots.id);
        else if (child != Py_None && !push(stack, child))
            return FOR_PYTHON;
    }
    return DONE;
}

static Outcome visit_top(Context *context, Stack *stack, const Making *making, NewNodes *new_nodes)
{
    PyObject *node = stack->nodes[stack->count - 1];
    PyObject *metadata = PyObject_GetAttr(node, words.metadata);
    if (metadata == NULL)
        return FAILED;
    if (mark_in(metadata) != NULL || PyErr_Occurred()) {
        Py_DECREF(metadata);
        pop(stack);
        return PyErr_Occurred() ? FAILED : DONE;
    }
    PenEdge edges[MAX_EDGES];
    size_t count = 0;
    int before = stack->count;
    PyObject *children = PyObject_GetAttr(node, words.next_functions);
    Outcome outcome = children == NULL ? FAILED : read_edges(children, stack, edges, &count);
    if (outcome == DONE && stack->count == before) {
        outcome = write_node(context, node, metadata, edges, count, making, before == 1, new_nodes);
        if (outcome == DONE)
            pop(stack);
    }
    Py_XDECREF(children);
    Py_DECREF(metadata);
    return outcome;
}

/* Have Python go on where it is not the common case. */
static bool register_in_python(Context *context, PyObject *root, const Making *making, NewNodes *new_nodes)
{
    PyObject *event = PyLong_FromLongLong(making->event), *at_hand = PyTuple_Pack(2, making->inputs, making->results);
    PyObject *found = event == NULL || at_hand == NULL
                          ? NULL
                          : PyObject_CallMethodObjArgs(context->rare, words.register_, root, event, making->place,
                                                       making->scope, at_hand, NULL);
    Py_XDECREF(event);
    Py_XDECREF(at_hand);
    bool is_done = found != NULL && PyList_Check(found);
    for (Py_ssize_t i = 0; is_done && i < PyList_GET_SIZE(found); i++) {
        int64_t id = PyLong_AsLongLong(PyList_GET_ITEM(found, i));
        is_done = buffer_add(&new_nodes->ids, &id, sizeof id);
    }
    Py_XDECREF(found);
    return is_done && !PyErr_Occurred();
}

bool graph_register(Context *context, PyObject *root, const Making *making, NewNodes *new_nodes)
{
    Stack stack = {.count = 0};
    Outcome outcome = DONE;
    push(&stack, root);
    while (outcome == DONE && stack.count)
        outcome = visit_top(context, &stack, making, new_nodes);
    while (stack.count)
        pop(&stack);
    if (outcome == FOR_PYTHON)
        return register_in_python(context, root, making, new_nodes);
    return outcome == DONE;
}
