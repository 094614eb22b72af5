/* The module gradb.tracer.native._accelerator: see _accelerator.pyi for what each name does.

   SOURCES is the digest of the sources that it was compiled from, given by whoever compiles it. */

#include "pen.h"
#include "reader.h"
#include "tensor.h"

#ifndef SOURCES
#error "compile with -DSOURCES=\"the digest that sources.py computes\""
#endif

static PyMethodDef functions[] = {
    {"learn", tensor_learn, METH_VARARGS, NULL},
    {"look", reader_look, METH_O, NULL},
    {"knows", reader_knows, METH_O, NULL},
    {"extend", (PyCFunction)(void (*)(void))reader_extend, METH_FASTCALL, NULL},
    {"content", reader_content, METH_O, NULL},
    {"summarise", reader_summarise, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_accelerator", .m_size = -1, .m_methods = functions};

PyMODINIT_FUNC PyInit__accelerator(void)
{
    PyObject *reader = reader_type(), *pen = pen_type();
    PyObject *module = reader == NULL || pen == NULL ? NULL : PyModule_Create(&definition);
    if (module != NULL &&
        (PyModule_AddObjectRef(module, "Reader", reader) < 0 || PyModule_AddObjectRef(module, "Pen", pen) < 0 ||
         PyModule_AddStringConstant(module, "SOURCES", SOURCES) < 0))
        Py_CLEAR(module);
    Py_XDECREF(reader);
    Py_XDECREF(pen);
    return module;
}
