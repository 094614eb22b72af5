/* The module gradb.tracer.native._accelerator: see _accelerator.pyi for what each name does.

   SOURCES is the digest of the sources that it was compiled from, given by whoever compiles it. */

#include "apart.h"
#include "audit.h"
#include "blob.h"
#include "change.h"
#include "context.h"
#include "engine.h"
#include "forward.h"
#include "graph.h"
#include "leaves.h"
#include "lock.h"
#include "mark.h"
#include "pen.h"
#include "places.h"
#include "reach.h"
#include "reader.h"
#include "records.h"
#include "scopes.h"
#include "sifter.h"
#include "starting.h"
#include "tensor.h"
#include "unseen.h"
#include "visit.h"

#ifndef SOURCES
#error "compile with -DSOURCES=\"the digest that sources.py computes\""
#endif

static PyMethodDef functions[] = {
    {"audit", (PyCFunction)(void (*)(void))audit_begin, METH_FASTCALL, NULL},
    {"fork_apart", apart_fork, METH_O, NULL},
    {"known_place", (PyCFunction)(void (*)(void))places_known, METH_FASTCALL, NULL},
    {"learn", tensor_learn, METH_VARARGS, NULL},
    {"learn_classes", context_learn, METH_O, NULL},
    {"learn_leaves", filling_learn, METH_VARARGS, NULL},
    {"learn_descriptors", graph_learn, METH_VARARGS, NULL},
    {"look", reader_look, METH_O, NULL},
    {"knows", reader_knows, METH_O, NULL},
    {"extend", (PyCFunction)(void (*)(void))reader_extend, METH_FASTCALL, NULL},
    {"floats", (PyCFunction)(void (*)(void))reader_floats, METH_FASTCALL, NULL},
    {"norm", reader_norm, METH_O, NULL},
    {"content", reader_content, METH_O, NULL},
    {"keep", change_begin, METH_O, NULL},
    {"change", (PyCFunction)(void (*)(void))change_end, METH_FASTCALL, NULL},
    {"summarise", reader_summarise, METH_O, NULL},
    {"may_begin", (PyCFunction)(void (*)(void))starting_may, METH_FASTCALL, NULL},
    {"begin_backward", (PyCFunction)(void (*)(void))starting_begin, METH_FASTCALL, NULL},
    {"end_backward", (PyCFunction)(void (*)(void))starting_end, METH_FASTCALL, NULL},
    {"reach", (PyCFunction)(void (*)(void))reach_all, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_accelerator", .m_size = -1, .m_methods = functions};

/* Add a type under its name; takes it over. */
static bool add_type(PyObject *module, const char *name, PyObject *type)
{
    bool is_done = type != NULL && PyModule_AddObjectRef(module, name, type) == 0;
    Py_XDECREF(type);
    return is_done;
}

PyMODINIT_FUNC PyInit__accelerator(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL &&
        !(unseen_prepare() && blob_prepare() && context_prepare() && records_prepare() && starting_prepare() && add_type(module, "Reader", reader_type()) &&
          add_type(module, "Mark", mark_type()) &&
          add_type(module, "Pen", pen_type()) && add_type(module, "Forward", forward_type()) &&
          add_type(module, "Engine", engine_type()) && add_type(module, "Visits", visits_type()) &&
          add_type(module, "Visit", visit_type()) && add_type(module, "Registrar", registrar_type()) &&
          add_type(module, "Leaves", leaves_type()) && add_type(module, "Lock", lock_type()) && add_type(module, "Scopes", scopes_type()) && add_type(module, "Sifter", sifter_type()) &&
          PyModule_AddStringConstant(module, "SOURCES", SOURCES) == 0))
        Py_CLEAR(module);
    return module;
}
