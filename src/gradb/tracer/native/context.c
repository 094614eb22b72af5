#include "context.h"

#include "lock.h"

Words words;
RecordSlots record_slots;
MarkSlots mark_slots;
PlaceSlots place_slots;
FoundSlots found_slots;
NamesSlots names_slots;
CallSlots call_slots;
Layout record_layout, mark_layout;
PyTypeObject *record_class, *mark_class, *place_class, *found_class, *names_class, *call_class;

#define INTERN(name) && (words.name = PyUnicode_InternFromString(#name)) != NULL

bool context_prepare(void)
{
    return true NAMES(INTERN) && (words.op = PyUnicode_InternFromString("op")) != NULL &&
           (words.forward = PyUnicode_InternFromString("forward")) != NULL &&
           (words.builtin = PyUnicode_InternFromString("builtin")) != NULL &&
           (words.self_dot = PyUnicode_InternFromString("self.")) != NULL &&
           (words.register_ = PyUnicode_InternFromString("register")) != NULL &&
           (words.empty = PyUnicode_InternFromString("")) != NULL;
}

typedef struct {
    PyTypeObject **class;
    void *slots;
    const char *const *names;
} Class;

#define SLOT_NAMES(...) (const char *const[]){__VA_ARGS__, NULL}

/* In the order in which the members of the structures stand. */
static const Class classes[] = {
    {&record_class, &record_slots,
     SLOT_NAMES("id", "ref", "name", "head", "is_leaf", "is_settled", "scope", "mark", "grad_id", "memory_key", "odd")},
    {&mark_class, &mark_slots,
     SLOT_NAMES("id", "name", "is_leaf", "place", "scope", "edges", "is_hooked", "writer", "has_run")},
    {&place_class, &place_slots, SLOT_NAMES("row", "names")},
    {&found_class, &found_slots, SLOT_NAMES("place", "is_direct", "is_optimizer")},
    {&names_class, &names_slots, SLOT_NAMES("operands", "targets", "scope", "_known")},
    {&call_class, &call_slots,
     SLOT_NAMES("kind", "callee", "is_inplace", "clears", "is_blank", "genuine", "quoted", "display")},
};

PyObject *context_learn(PyObject *module, PyObject *given)
{
    Py_ssize_t count = sizeof classes / sizeof *classes;
    if (!PyTuple_Check(given) || PyTuple_GET_SIZE(given) != count) {
        PyErr_SetString(PyExc_ValueError, "not the right number of classes");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *class = PyTuple_GET_ITEM(given, i);
        if (!slots_find(class, classes[i].names, classes[i].slots))
            return NULL;
        Py_XSETREF(*classes[i].class, (PyTypeObject *)Py_NewRef(class));
    }
    if (!slots_all((PyObject *)record_class, &record_layout))
        return NULL;
    mark_layout.count = sizeof mark_slots / sizeof(Py_ssize_t);
    memcpy(mark_layout.offsets, &mark_slots, sizeof mark_slots);
    Py_RETURN_NONE;
}

static bool take_part(PyObject *parts, const char *name, PyObject **part)
{
    PyObject *found = PyDict_GetItemString(parts, name);
    if (found == NULL)
        PyErr_Format(PyExc_KeyError, "%s", name);
    Py_XSETREF(*part, Py_XNewRef(found));
    return found != NULL;
}

#define TAKE(name) && take_part(parts, #name, &context->name)

bool context_fill(Context *context, PyObject *parts)
{
    if (!PyDict_Check(parts) || call_class == NULL) {
        PyErr_SetString(PyExc_TypeError, "a dict is needed, and that classes were learnt");
        return false;
    }
    if (!(true PARTS(TAKE)))
        return false;
    if (!(PyTuple_Check(context->literals) && PyDict_CheckExact(context->place_walks) &&
          PyList_CheckExact(context->place_end) && PyDict_CheckExact(context->blanks) && lock_check(context->lock))) {
        PyErr_SetString(PyExc_TypeError, "literals are a tuple, walks and blanks dicts, the end is a list, the lock a Lock");
        return false;
    }
    static const char *const names[] = {"is_updated", NULL};
    return state_find(&context->state, context->recorder, context->gate) &&
           slots_find((PyObject *)Py_TYPE(context->iterations), names, &context->is_updated);
}

#define VISIT(name) Py_VISIT(context->name);

int context_traverse(Context *context, visitproc visit, void *arg)
{
    PARTS(VISIT)
    return 0;
}

#define CLEAR(name) Py_CLEAR(context->name);

void context_clear(Context *context)
{
    PARTS(CLEAR)
    memo_clear(&context->rows);
    memo_clear(&context->read);
    memo_clear(&context->texts);
    sieve_clear(&context->passing);
}

int is_true(PyObject *object, PyObject *name)
{
    PyObject *found = PyObject_GetAttr(object, name);
    int answer = found == NULL ? -1 : PyObject_IsTrue(found);
    Py_XDECREF(found);
    return answer;
}
