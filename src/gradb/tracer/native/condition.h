/* Conditions as postfix programs: whether one may hold at an event that was just recorded.

   The program is made by gradb.tape.conditions.program, which says what its steps are. Every number has bounds, every test
   is a set of what it may come to: true, false, not known, or a fault that has to be told. What is not looked into here
   may be anything, so that the answer is "no" only where Python's would be. */

#ifndef GRADB_CONDITION_H
#define GRADB_CONDITION_H

#include "detail.h"
#include "pen.h"

typedef struct {
    int code;
    Py_ssize_t count;
    double number;
    PyObject *texts;         /* a tuple of strings, which the program holds */
} ConditionStep;

typedef struct {
    PyObject *given;         /* the tuple that it was read from */
    ConditionStep *steps;
    Py_ssize_t count;
} Condition;

/* What a condition is asked about. */
typedef struct {
    const PenEvent *event;
    int kind;
    int64_t seq;
    Detail detail;
    const Detail *began;     /* of the event that the node of a node event began with; NULL: not known here */
    PyObject *levels;        /* the newest point of each series, a list of floats and None */
} Moment;

/* Read a program; false with an error set. */
bool condition_read(Condition *condition, PyObject *given);
void condition_free(Condition *condition);

/* Tell whether it may hold, or may have a fault to tell. No error is set. */
bool condition_may_hold(const Condition *condition, const Moment *moment);

#endif
