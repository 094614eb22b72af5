#include "condition.h"

#include <math.h>

#include "layouts.h"
#include "measure.h"
#include "slots.h"

#define ANYTHING (TRUE_BIT | FALSE_BIT | UNKNOWN_BIT | FAULT_BIT)

typedef struct {
    const Moment *moment;
    Operand stack[MOST_HIGH];
    Py_ssize_t used;
} Machine;

typedef void (*Act)(Machine *machine, const ConditionStep *step);

static Operand *push(Machine *machine, int kind)
{
    Operand *top = &machine->stack[machine->used++];
    top->kind = kind;
    return top;
}

static void push_number(Machine *machine, double number)
{
    push(machine, OPERAND_NUMBER)->number = number_exactly(number);
}

/* Put one operand in the place of the topmost ones. */
static Operand *replace(Machine *machine, Py_ssize_t count, int kind)
{
    machine->used -= count;
    return push(machine, kind);
}

static void replace_with_bits(Machine *machine, Py_ssize_t count, unsigned bits)
{
    replace(machine, count, OPERAND_TEST)->bits = bits;
}

/* --- what is pushed ------------------------------------------------------------------------------------------------ */

static void do_any(Machine *machine, const ConditionStep *step)
{
    push(machine, OPERAND_ANY);
}

static void do_number(Machine *machine, const ConditionStep *step)
{
    push_number(machine, step->number);
}

static void do_none(Machine *machine, const ConditionStep *step)
{
    push(machine, OPERAND_NONE);
}

static void do_text(Machine *machine, const ConditionStep *step)
{
    push(machine, OPERAND_TEXT)->text = PyTuple_GET_ITEM(step->texts, 0);
}

/* Tell whether a mark, the end of a name, stands in the detail. */
static bool is_mentioned(const Machine *machine, PyObject *mark)
{
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(mark, &size);
    return text == NULL || (size > 0 && detail_mentions(&machine->moment->detail, text, (size_t)size));
}

static void push_integer(Machine *machine, int64_t number)
{
    if (number == NO_NUMBER)
        push(machine, OPERAND_NONE);
    else
        push_number(machine, (double)number);
}

static void push_line(Machine *machine, PyObject *place)
{
    PyObject *line = PyTuple_Check(place) && PyTuple_GET_SIZE(place) > 1 ? PyTuple_GET_ITEM(place, 1) : NULL;
    if (line == Py_None)
        push(machine, OPERAND_NONE);
    else if (line == NULL || !PyLong_Check(line))
        push(machine, OPERAND_ANY);
    else
        push_integer(machine, PyLong_AsLongLong(line));
}

static void do_field(Machine *machine, const ConditionStep *step)
{
    const PenEvent *event = machine->moment->event;
    PyObject *const texts[] = {event->kind, event->name, event->scope, event->phase};
    if (PyTuple_GET_SIZE(step->texts) && is_mentioned(machine, PyTuple_GET_ITEM(step->texts, 0)))
        push(machine, OPERAND_ANY);
    else if (step->count <= FIELD_PHASE)
        push(machine, OPERAND_TEXT)->text = texts[step->count];
    else if (step->count == FIELD_LINE)
        push_line(machine, event->place);
    else
        push_integer(machine, step->count == FIELD_SEQ ? machine->moment->seq
                              : step->count == FIELD_NODE ? event->node : event->iteration);
}

static void do_series(Machine *machine, const ConditionStep *step)
{
    PyObject *levels = machine->moment->levels, *level = NULL;
    if (levels != NULL && PyList_CheckExact(levels) && step->count < PyList_GET_SIZE(levels))
        level = PyList_GET_ITEM(levels, step->count);
    if (level == Py_None)
        push(machine, OPERAND_UNKNOWN);
    else if (level == NULL || !PyFloat_CheckExact(level))
        push(machine, OPERAND_ANY);
    else
        push(machine, OPERAND_POINT)->number = number_exactly(PyFloat_AS_DOUBLE(level));
}

static void do_update(Machine *machine, const ConditionStep *step)
{
    double change, whole;
    if (machine->moment->kind != STEP_KIND)
        push(machine, OPERAND_UNKNOWN);
    else if (!detail_step_size(&machine->moment->detail, &change, &whole))
        push(machine, OPERAND_ANY);
    else
        push_number(machine, whole != 0 ? change / whole : change > 0 ? INFINITY : NAN);
}

static void push_found(Machine *machine, int found, const Value *value)
{
    if (found != FOUND)
        push(machine, found == MISSING ? OPERAND_UNKNOWN : OPERAND_ANY);
    else if (value->dtype == NULL)
        push(machine, OPERAND_NONE);
    else
        push(machine, OPERAND_VALUE)->value = *value;
}

/* Push a value that may be None. */
static void push_value(Machine *machine, int found, const Value *value)
{
    if (found == MISSING)
        push(machine, OPERAND_NONE);
    else
        push_found(machine, found, value);
}

/* Push the gradients of a list: the only one itself, or all of them. Those that are null may not count. */
static void push_gradients(Machine *machine, Reading list, bool has_null)
{
    Items items = {list, has_null};
    Value value;
    Py_ssize_t count = items_count(&items);
    if (count < 0)
        push(machine, OPERAND_ANY);
    else if (count != 1)
        push(machine, OPERAND_LIST)->items = items;
    else
        push_value(machine, items_get(&items, 0, &value), &value);
}

static void do_upstream(Machine *machine, const ConditionStep *step)
{
    const Moment *moment = machine->moment;
    Value value;
    if (moment->kind == ACCUMULATE_KIND) {
        push_value(machine, value_read(reading_field(&moment->detail, 3), &value), &value);
    } else if (moment->kind == NODE_START_KIND)
        push_gradients(machine, reading_field(&moment->detail, 1), true);
    else if (moment->kind != NODE_KIND)
        push(machine, OPERAND_UNKNOWN);
    else if (moment->began == NULL)
        push(machine, OPERAND_ANY);
    else
        push_gradients(machine, reading_field(moment->began, 1), true);
}

static void do_downstream(Machine *machine, const ConditionStep *step)
{
    if (machine->moment->kind == NODE_KIND)
        push_gradients(machine, reading_field(&machine->moment->detail, 1), false);
    else
        push(machine, OPERAND_UNKNOWN);
}

/* Find what a mark says; UNCLEAR where it cannot be read. */
static int find(const Machine *machine, PyObject *mark, bool is_grad, Value *value)
{
    const Moment *moment = machine->moment;
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(mark, &size);
    if (text == NULL || size == 0)
        return UNCLEAR;
    return (is_grad ? detail_grad : detail_tensor)(&moment->detail, moment->kind, text, (size_t)size, value);
}

/* Push the tensor that is called by the first mark. Where only a beginning of the name is a tensor, a field of it may be
   meant, or nothing that makes sense. */
static void do_tensor(Machine *machine, const ConditionStep *step)
{
    Value value;
    int found = find(machine, PyTuple_GET_ITEM(step->texts, 0), false, &value);
    for (Py_ssize_t i = 1; found == MISSING && i < PyTuple_GET_SIZE(step->texts); i++)
        if (is_mentioned(machine, PyTuple_GET_ITEM(step->texts, i)))
            found = UNCLEAR;
    push_found(machine, found, &value);
}

static void do_grad(Machine *machine, const ConditionStep *step)
{
    Value value;
    int found = is_mentioned(machine, PyTuple_GET_ITEM(step->texts, 1))
                    ? UNCLEAR
                    : find(machine, PyTuple_GET_ITEM(step->texts, 0), true, &value);
    push_found(machine, found, &value);
}

/* Push an element, or the tensor that is called `x[0]` itself. */
static void do_index(Machine *machine, const ConditionStep *step)
{
    Operand given = machine->stack[machine->used - 1];
    PyObject *mark = PyTuple_GET_SIZE(step->texts) ? PyTuple_GET_ITEM(step->texts, 0) : NULL;
    Value value;
    int found = UNCLEAR;
    machine->used--;
    if (mark != NULL && is_mentioned(machine, mark))
        found = find(machine, mark, false, &value) == FOUND ? FOUND : UNCLEAR;
    else
        found = operand_item(&given, step->count, &value);
    push_found(machine, found, &value);
}

/* --- what is made of it -------------------------------------------------------------------------------------------- */

static void do_single(Machine *machine, const ConditionStep *step)
{
    Operand given = machine->stack[machine->used - 1];
    Number number;
    int found = operand_single(&given, &number);
    Operand *made = replace(machine, 1, operand_kind(found));
    if (found == FOUND)
        made->number = step->code == DO_NEGATE ? number_negated(number) : number;
}

static bool calculate(int code, Number one, Number other, Number *result)
{
    switch (code) {
    case DO_ADD:
        return number_add(one, other, result);
    case DO_SUBTRACT:
        return number_add(one, number_negated(other), result);
    case DO_MULTIPLY:
        return number_multiply(one, other, result);
    default:
        return number_divide(one, other, result);
    }
}

/* Tell whether there are two operands: both are evaluated before one is looked at. */
static int are_there(const Operand *one, const Operand *other)
{
    int found = operand_there(one);
    return found == FOUND ? operand_there(other) : found;
}

/* Read the two operands on top as single numbers, the left one first. */
static int pair(const Machine *machine, Number *left, Number *right)
{
    const Operand *one = &machine->stack[machine->used - 2], *other = one + 1;
    int found = are_there(one, other);
    if (found == FOUND)
        found = operand_single(one, left);
    return found == FOUND ? operand_single(other, right) : found;
}

static void do_calculate(Machine *machine, const ConditionStep *step)
{
    Number left, right, result;
    int found = pair(machine, &left, &right);
    if (found == FOUND && !calculate(step->code, left, right, &result))
        found = UNCLEAR;
    Operand *made = replace(machine, 2, operand_kind(found));
    if (found == FOUND)
        made->number = result;
}

static void do_measure(Machine *machine, const ConditionStep *step)
{
    Operand result;
    measure(step->code, &machine->stack[machine->used - step->count], step->count, &result);
    machine->used -= step->count;
    machine->stack[machine->used++] = result;
}

/* --- tests --------------------------------------------------------------------------------------------------------- */

static unsigned bits_of(int found)
{
    return found == MISSING ? UNKNOWN_BIT : found == FAULTY ? FAULT_BIT : ANYTHING;
}

static void do_order(Machine *machine, const ConditionStep *step)
{
    Number left, right;
    int found = pair(machine, &left, &right);
    unsigned bits = bits_of(found);
    if (found == FOUND)
        bits = step->code == DO_MORE       ? number_more(left, right)
               : step->code == DO_LESS     ? number_more(right, left)
               : step->code == DO_AT_LEAST ? number_at_least(left, right)
                                           : number_at_least(right, left);
    replace_with_bits(machine, 2, bits);
}

static unsigned turned(unsigned bits)
{
    return (bits & ~(TRUE_BIT | FALSE_BIT)) | (bits & TRUE_BIT ? FALSE_BIT : 0u) | (bits & FALSE_BIT ? TRUE_BIT : 0u);
}

static unsigned equal(const Operand *one, const Operand *other)
{
    int found = are_there(one, other);
    if (found != FOUND)
        return bits_of(found);
    if (one->kind == OPERAND_NUMBER && other->kind == OPERAND_NUMBER)
        return number_equal(one->number, other->number);
    if (one->kind == OPERAND_TEXT && other->kind == OPERAND_TEXT)
        return PyUnicode_Compare(one->text, other->text) == 0 ? TRUE_BIT : FALSE_BIT;
    return ANYTHING;
}

static void do_equal(Machine *machine, const ConditionStep *step)
{
    const Operand *one = &machine->stack[machine->used - 2];
    unsigned bits = equal(one, one + 1);
    replace_with_bits(machine, 2, step->code == DO_EQUAL ? bits : turned(bits));
}

static void do_is(Machine *machine, const ConditionStep *step)
{
    const Operand *one = &machine->stack[machine->used - 2], *other = one + 1;
    int found = are_there(one, other);
    bool is_first = one->kind == OPERAND_NONE, is_second = other->kind == OPERAND_NONE;
    bool holds = step->code == DO_IS ? is_first && is_second : is_first != is_second;
    replace_with_bits(machine, 2, found != FOUND ? bits_of(found) : holds ? TRUE_BIT : FALSE_BIT);
}

static void do_test(Machine *machine, const ConditionStep *step)
{
    const Operand *top = &machine->stack[machine->used - 1];
    unsigned bits = ANYTHING;
    if (top->kind == OPERAND_TEST)
        bits = top->bits;
    else if (operand_there(top) != FOUND)
        bits = bits_of(operand_there(top));
    else if (top->kind == OPERAND_VALUE || top->kind == OPERAND_POINT)
        bits = FAULT_BIT;
    else if (top->kind == OPERAND_NONE)
        bits = FALSE_BIT;
    else if (top->kind == OPERAND_NUMBER)
        bits = turned(top->number.nan == SURELY ? FALSE_BIT : number_equal(top->number, number_exactly(0)));
    replace_with_bits(machine, 1, bits);
}

static void do_not(Machine *machine, const ConditionStep *step)
{
    replace_with_bits(machine, 1, turned(machine->stack[machine->used - 1].bits));
}

/* Combine tests that are looked at one after the other, up to one that is `decisive`. */
static unsigned joined(const Operand *tests, Py_ssize_t count, unsigned decisive)
{
    unsigned made = 0, before = decisive ^ (TRUE_BIT | FALSE_BIT); /* what it has come to, where it goes on */
    for (Py_ssize_t i = 0; i < count && before; i++) {
        unsigned bits = tests[i].bits, other = decisive ^ (TRUE_BIT | FALSE_BIT);
        made |= bits & (decisive | FAULT_BIT);
        before = (bits & other ? before : 0u) | (bits & UNKNOWN_BIT ? UNKNOWN_BIT : 0u);
    }
    return made | before;
}

static void do_join(Machine *machine, const ConditionStep *step)
{
    const Operand *tests = &machine->stack[machine->used - step->count];
    unsigned bits = joined(tests, step->count, step->code == DO_OR ? TRUE_BIT : FALSE_BIT);
    for (Py_ssize_t i = 0; step->code == DO_ALL && i < step->count; i++) /* its sides are evaluated before it is tested */
        bits |= tests[i].bits & FAULT_BIT;
    replace_with_bits(machine, step->count, bits);
}

/* --- programs ------------------------------------------------------------------------------------------------------ */

typedef struct {
    Act act;
    int taken; /* from the stack; -1: as many as the step says */
    int texts; /* that it needs at least */
    bool is_test; /* it takes tests alone */
} Doing;

static const Doing doings[] = {
    [DO_ANY] = {do_any, 0, 0, false},           [DO_NUMBER] = {do_number, 0, 0, false},
    [DO_NONE] = {do_none, 0, 0, false},         [DO_TEXT] = {do_text, 0, 1, false},
    [DO_FIELD] = {do_field, 0, 0, false},       [DO_SERIES] = {do_series, 0, 0, false},
    [DO_UPDATE] = {do_update, 0, 0, false},     [DO_UPSTREAM] = {do_upstream, 0, 0, false},
    [DO_DOWNSTREAM] = {do_downstream, 0, 0, false}, [DO_TENSOR] = {do_tensor, 0, 1, false},
    [DO_GRAD] = {do_grad, 0, 2, false},         [DO_INDEX] = {do_index, 1, 0, false},
    [DO_SINGLE] = {do_single, 1, 0, false},     [DO_NEGATE] = {do_single, 1, 0, false},
    [DO_ADD] = {do_calculate, 2, 0, false},     [DO_SUBTRACT] = {do_calculate, 2, 0, false},
    [DO_MULTIPLY] = {do_calculate, 2, 0, false}, [DO_DIVIDE] = {do_calculate, 2, 0, false},
    [DO_NORM] = {do_measure, -1, 0, false},     [DO_MIN] = {do_measure, -1, 0, false},
    [DO_MAX] = {do_measure, -1, 0, false},      [DO_SUM] = {do_measure, -1, 0, false},
    [DO_MEAN] = {do_measure, -1, 0, false},     [DO_ABS] = {do_measure, -1, 0, false},
    [DO_LESS] = {do_order, 2, 0, false},        [DO_AT_MOST] = {do_order, 2, 0, false},
    [DO_MORE] = {do_order, 2, 0, false},        [DO_AT_LEAST] = {do_order, 2, 0, false},
    [DO_EQUAL] = {do_equal, 2, 0, false},       [DO_UNEQUAL] = {do_equal, 2, 0, false},
    [DO_IS] = {do_is, 2, 0, false},             [DO_IS_NOT] = {do_is, 2, 0, false},
    [DO_TEST] = {do_test, 1, 0, false},         [DO_NOT] = {do_not, 1, 0, true},
    [DO_AND] = {do_join, -1, 0, true},          [DO_OR] = {do_join, -1, 0, true},
    [DO_ALL] = {do_join, -1, 0, true},
};

static bool read_step(PyObject *given, ConditionStep *step)
{
    if (!PyTuple_Check(given) ||
        !PyArg_ParseTuple(given, "indO!", &step->code, &step->count, &step->number, &PyTuple_Type, &step->texts))
        return false;
    bool is_known = step->code >= 0 && step->code < (int)(sizeof doings / sizeof *doings) && step->count >= 0 &&
                    PyTuple_GET_SIZE(step->texts) >= doings[step->code].texts &&
                    (step->code != DO_FIELD || step->count <= FIELD_NODE);
    for (Py_ssize_t i = 0; is_known && i < PyTuple_GET_SIZE(step->texts); i++)
        is_known = PyUnicode_Check(PyTuple_GET_ITEM(step->texts, i));
    return is_known;
}

/* Tell whether a program leaves one test and nothing else, and never takes what is not there. */
static bool is_sound(const Condition *condition)
{
    bool are_tests[MOST_HIGH];
    Py_ssize_t used = 0;
    for (Py_ssize_t i = 0; i < condition->count; i++) {
        const ConditionStep *step = &condition->steps[i];
        const Doing *doing = &doings[step->code];
        Py_ssize_t taken = doing->taken < 0 ? step->count : doing->taken;
        if (taken > used || (doing->taken < 0 && taken == 0))
            return false;
        for (Py_ssize_t at = used - taken; doing->is_test && at < used; at++)
            if (!are_tests[at])
                return false;
        used -= taken;
        if (used == MOST_HIGH)
            return false;
        are_tests[used++] = step->code >= DO_LESS;
    }
    return used == 1 && are_tests[0];
}

bool condition_read(Condition *condition, PyObject *given)
{
    *condition = (Condition){0};
    Py_ssize_t count = PyTuple_Check(given) ? PyTuple_GET_SIZE(given) : 0;
    condition->steps = count ? PyMem_New(ConditionStep, (size_t)count) : NULL;
    bool is_done = condition->steps != NULL;
    for (; is_done && condition->count < count; condition->count++)
        is_done = read_step(PyTuple_GET_ITEM(given, condition->count), &condition->steps[condition->count]);
    if (is_done && is_sound(condition)) {
        condition->given = Py_NewRef(given);
        return true;
    }
    condition_free(condition);
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "this is no program");
    return false;
}

void condition_free(Condition *condition)
{
    Py_CLEAR(condition->given);
    PyMem_Free(condition->steps);
    condition->steps = NULL;
    condition->count = 0;
}

bool condition_may_hold(const Condition *condition, const Moment *moment)
{
    Machine machine;
    machine.moment = moment;
    machine.used = 0;
    for (Py_ssize_t i = 0; i < condition->count; i++)
        doings[condition->steps[i].code].act(&machine, &condition->steps[i]);
    forget_error();
    bool has_told = condition->steps[condition->count - 1].count != 0;
    return machine.stack[0].bits & (has_told ? TRUE_BIT : TRUE_BIT | FAULT_BIT);
}
