#include "reach.h"

#include "graph.h"

/* A node on the way from a root, and how many of its edges have not been followed yet. */
typedef struct {
    PyObject *node, *edges; /* owned */
    Py_ssize_t left;
} Level;

typedef struct {
    PyTypeObject *custom;                          /* of nodes that are a Python Function's */
    PyObject *seen, *nodes, *marks, *customs;      /* a set, and three lists that are as long as each other */
    Level *levels;
    Py_ssize_t count, size;
    bool are_plain;
} Reach;

static bool has_room(Reach *reach)
{
    if (reach->count < reach->size)
        return true;
    Py_ssize_t size = reach->size ? 2 * reach->size : 64;
    Level *levels = PyMem_Realloc(reach->levels, (size_t)size * sizeof *levels);
    if (levels == NULL) {
        PyErr_NoMemory();
        return false;
    }
    reach->levels = levels;
    reach->size = size;
    return true;
}

/* Come to a node, which counts the first time; false with an error set. */
static bool come_to(Reach *reach, PyObject *node)
{
    int is_seen = PySet_Contains(reach->seen, node);
    if (is_seen)
        return is_seen > 0;
    PyObject *edges = PySet_Add(reach->seen, node) < 0 || !has_room(reach) ? NULL
                                                                           : PyObject_GetAttr(node, words.next_functions);
    if (edges != NULL && !PyTuple_Check(edges)) {
        PyErr_SetString(PyExc_TypeError, "the edges of a node are a tuple");
        Py_CLEAR(edges);
    }
    if (edges == NULL)
        return false;
    reach->levels[reach->count++] = (Level){Py_NewRef(node), edges, PyTuple_GET_SIZE(edges)};
    return true;
}

/* Leave the last node, whose edges have all been followed; false with an error set. */
static bool leave(Reach *reach)
{
    Level level = reach->levels[--reach->count];
    PyObject *mark = mark_of(level.node);
    bool is_custom = PyObject_TypeCheck(level.node, reach->custom);
    bool is_done = !PyErr_Occurred() && PyList_Append(reach->nodes, level.node) == 0 &&
                   PyList_Append(reach->marks, mark == NULL ? Py_None : mark) == 0 &&
                   PyList_Append(reach->customs, is_custom ? Py_True : Py_False) == 0;
    if (is_custom || mark == NULL || SLOT(mark, mark_slots.is_hooked) != Py_False)
        reach->are_plain = false;
    Py_DECREF(level.edges);
    Py_DECREF(level.node);
    return is_done;
}

static bool follow(Reach *reach, PyObject *edge)
{
    if (!PyTuple_Check(edge) || PyTuple_GET_SIZE(edge) != 2) {
        PyErr_SetString(PyExc_TypeError, "an edge is a node and a number");
        return false;
    }
    PyObject *node = PyTuple_GET_ITEM(edge, 0);
    return node == Py_None || come_to(reach, node);
}

/* Go to all nodes below a root, from the last edge of each to its first; false with an error set. */
static bool go(Reach *reach, PyObject *root)
{
    bool is_done = come_to(reach, root);
    while (is_done && reach->count) {
        Level *level = &reach->levels[reach->count - 1];
        is_done = level->left ? follow(reach, PyTuple_GET_ITEM(level->edges, --level->left)) : leave(reach);
    }
    return is_done;
}

static PyObject *reach_from(Reach *reach, PyObject *roots)
{
    bool is_done = true;
    for (Py_ssize_t i = 0; is_done && i < PyList_GET_SIZE(roots); i++)
        is_done = go(reach, PyList_GET_ITEM(roots, i));
    while (reach->count) {
        Level level = reach->levels[--reach->count];
        Py_DECREF(level.edges);
        Py_DECREF(level.node);
    }
    PyMem_Free(reach->levels);
    return !is_done ? NULL
                    : PyTuple_Pack(4, reach->nodes, reach->marks, reach->customs, reach->are_plain ? Py_True : Py_False);
}

PyObject *reach_all(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2 || !PyList_Check(arguments[0]) || !PyType_Check(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "a list of nodes and a class are needed");
        return NULL;
    }
    if (mark_class == NULL)
        Py_RETURN_NONE;
    Reach reach = {.custom = (PyTypeObject *)arguments[1], .seen = PySet_New(NULL), .nodes = PyList_New(0),
                   .marks = PyList_New(0), .customs = PyList_New(0), .are_plain = true};
    PyObject *found = reach.seen == NULL || reach.nodes == NULL || reach.marks == NULL || reach.customs == NULL
                          ? NULL
                          : reach_from(&reach, arguments[0]);
    Py_XDECREF(reach.seen);
    Py_XDECREF(reach.nodes);
    Py_XDECREF(reach.marks);
    Py_XDECREF(reach.customs);
    return found;
}
