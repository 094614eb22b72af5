/* Operands of conditions, and what the functions of conditions make of them. */

#ifndef GRADB_MEASURE_H
#define GRADB_MEASURE_H

#include "detail.h"

/* Gradients of a list. */
typedef struct {
    Reading list;
    bool has_null; /* one that is null counts */
} Items;

enum {
    OPERAND_ANY,     /* anything, or a fault */
    OPERAND_FAULT,   /* what makes no sense */
    OPERAND_UNKNOWN, /* what has no value, or none that is known */
    OPERAND_NUMBER,
    OPERAND_POINT,   /* of a series: a number that equals what rounds to it */
    OPERAND_NONE,
    OPERAND_TEXT,
    OPERAND_VALUE,
    OPERAND_LIST,
    OPERAND_TEST,
};

typedef struct {
    int kind;
    union {
        Number number;
        Value value;
        Items items;
        PyObject *text; /* borrowed */
        unsigned bits;  /* what a test may come to */
    };
} Operand;

/* Return the kind of an operand that was found or not: a number, where it was. */
int operand_kind(int found);

/* Tell whether there is an operand at all, before one asks what it is. */
int operand_there(const Operand *operand);

/* Read an operand as a single number. */
int operand_single(const Operand *operand, Number *number);

/* Read an element of an operand. */
int operand_item(const Operand *operand, Py_ssize_t index, Value *value);

/* Return how many there are, or -1 where that cannot be told. */
Py_ssize_t items_count(const Items *items);
int items_get(const Items *items, Py_ssize_t index, Value *value);

/* Have a function, by the code of its step, make one operand of several. */
void measure(int code, const Operand *operands, Py_ssize_t count, Operand *result);

#endif
