#include "lock.h"

#include <pythread.h>

typedef struct {
    PyObject_HEAD
    PyThread_type_lock lock;
    unsigned long owner, count; /* which thread has it, and how often; the GIL guards both */
} Lock;

static PyTypeObject *lock_class;

bool lock_check(PyObject *object)
{
    return Py_IS_TYPE(object, lock_class);
}

static bool is_ours(const Lock *lock)
{
    return lock->count && lock->owner == PyThread_get_thread_ident();
}

static void own(Lock *lock)
{
    lock->owner = PyThread_get_thread_ident();
    lock->count = 1;
}

bool lock_take(PyObject *object)
{
    Lock *lock = (Lock *)object;
    if (is_ours(lock)) {
        lock->count++;
        return true;
    }
    if (lock->count || !PyThread_acquire_lock(lock->lock, NOWAIT_LOCK))
        return false;
    own(lock);
    return true;
}

void lock_let_go(PyObject *object)
{
    Lock *lock = (Lock *)object;
    if (--lock->count == 0)
        PyThread_release_lock(lock->lock);
}

/* Take it, however long another thread has it; false with an error set where a handler of a signal has raised. */
static bool wait_for(Lock *lock)
{
    PyLockStatus status;
    if (lock_take((PyObject *)lock))
        return true;
    do {
        Py_BEGIN_ALLOW_THREADS
        status = PyThread_acquire_lock_timed(lock->lock, -1, 1);
        Py_END_ALLOW_THREADS
        if (status == PY_LOCK_INTR && Py_MakePendingCalls() < 0)
            return false;
    } while (status != PY_LOCK_ACQUIRED);
    own(lock);
    return true;
}

static PyObject *lock_acquire(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"blocking", NULL};
    int is_blocking = 1;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|p", names, &is_blocking))
        return NULL;
    bool is_taken = is_blocking ? wait_for((Lock *)self) : lock_take(self);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(is_taken);
}

static PyObject *lock_release(PyObject *self, PyObject *unused)
{
    if (!is_ours((Lock *)self)) {
        PyErr_SetString(PyExc_RuntimeError, "cannot release un-acquired lock");
        return NULL;
    }
    lock_let_go(self);
    Py_RETURN_NONE;
}

static PyObject *lock_enter(PyObject *self, PyObject *unused)
{
    return wait_for((Lock *)self) ? Py_NewRef(Py_True) : NULL;
}

static PyObject *lock_exit(PyObject *self, PyObject *const *raised, Py_ssize_t count)
{
    return lock_release(self, NULL);
}

static PyObject *lock_is_owned(PyObject *self, PyObject *unused)
{
    return PyBool_FromLong(is_ours((Lock *)self));
}

/* --- the type ------------------------------------------------------------------------------------------------------ */

static PyObject *lock_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    Lock *lock = (Lock *)type->tp_alloc(type, 0);
    if (lock != NULL && (lock->lock = PyThread_allocate_lock()) == NULL) {
        Py_CLEAR(lock);
        PyErr_NoMemory();
    }
    return (PyObject *)lock;
}

static void lock_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Lock *lock = (Lock *)self;
    if (lock->lock != NULL && lock->count)
        PyThread_release_lock(lock->lock);
    if (lock->lock != NULL)
        PyThread_free_lock(lock->lock);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"acquire", (PyCFunction)(void (*)(void))lock_acquire, METH_VARARGS | METH_KEYWORDS, NULL},
    {"release", lock_release, METH_NOARGS, NULL},
    {"__enter__", lock_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))lock_exit, METH_FASTCALL, NULL},
    {"_is_owned", lock_is_owned, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, lock_new}, {Py_tp_dealloc, lock_dealloc}, {Py_tp_methods, methods}, {0, NULL},
};

static PyType_Spec spec = {
    .name = "gradb.tracer.native._accelerator.Lock",
    .basicsize = sizeof(Lock),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

PyObject *lock_type(void)
{
    lock_class = (PyTypeObject *)PyType_FromSpec(&spec);
    return (PyObject *)lock_class;
}
