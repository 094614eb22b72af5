#include "op.h"

#include "graph.h"
#include "layouts.h"
#include "lock.h"
#include "pen.h"
#include "places.h"
#include "reader.h"
#include "records.h"

typedef struct {
    PyObject *call, *args, *kwargs, *result;
    Inputs inputs;
    Origin origins[MAX_INPUTS];
    PyObject *found, *place, *scope;        /* borrowed but for `found` */
    PyObject *argument_names, *result_names; /* rows of names, borrowed; NULL where there are none */
    PyObject *maker;                         /* the grad_fn of the result, owned, or None */
    int64_t event, iteration;
    uint16_t thread, given; /* what is odd about the inputs */
    Draft *draft;           /* and in it, what is about the result */
    PyObject *told;         /* the event, owned, where the script may be held at it; else NULL */
} Op;

/* --- whether it is the common case --------------------------------------------------------------------------------- */

/* Each of these returns 1 for yes, 0 for no, -1 with an error set. */

static int is_answer_none(PyObject *function, PyObject *argument)
{
    PyObject *answer = argument == NULL ? PyObject_CallNoArgs(function) : PyObject_CallOneArg(function, argument);
    int is_it = answer == NULL ? -1 : answer == Py_None;
    Py_XDECREF(answer);
    return is_it;
}

static int is_answer_false(PyObject *function)
{
    PyObject *answer = PyObject_CallNoArgs(function);
    int is_it = answer == NULL ? -1 : !PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    return is_it;
}

#define REQUIRE(question)                                                                                             \
    do {                                                                                                              \
        int answer_ = (question);                                                                                     \
        if (answer_ <= 0)                                                                                             \
            return answer_;                                                                                           \
    } while (0)

/* Tell whether nobody but us sees what happens here, and nothing is to be written before the event. */
static int is_undisturbed(Context *context)
{
    const State *state = &context->state;
    if (RECORDER(state, IS_ACTIVE) != Py_True || !state_is_settled(state) || GATE(state, IS_STEPPING) != Py_False ||
        SLOT(context->iterations, context->is_updated) != Py_False || PyDict_GET_SIZE(context->blanks))
        return 0;
    REQUIRE(is_answer_none(context->transform, NULL));
    REQUIRE(is_answer_false(context->count_modes));
    REQUIRE(is_answer_false(context->is_profiling));
    REQUIRE(is_answer_false(context->count_function_modes));
    return is_answer_none(context->saved_hooks, Py_True);
}

static PyObject *last_of(PyObject *dict, PyObject *name)
{
    PyObject *list = PyDict_GetItemWithError(dict, name);
    Py_ssize_t count = list != NULL && PyList_Check(list) ? PyList_GET_SIZE(list) : 0;
    return count ? PyList_GET_ITEM(list, count - 1) : NULL;
}

/* Find where the script is, and in which module; nowhere within a backward. */
static int is_located(Context *context, Op *op)
{
    PyObject *local = PyObject_GetAttr(context->local, words.__dict__);
    if (local == NULL)
        return -1;
    int is_it = PyDict_GetItemWithError(local, words.recomputing) == Py_None &&
                PyDict_GetItemWithError(local, words.inside) == Py_None;
    PyObject *within = is_it ? last_of(local, words.calls) : NULL;
    if (within != NULL && !(PyTuple_Check(within) && PyTuple_GET_SIZE(within) == 2))
        is_it = 0;
    op->scope = is_it ? last_of(local, words.scopes) : NULL;
    if (op->scope == NULL)
        op->scope = words.empty;
    Py_XINCREF(within); /* the dict may be let go of, not what its lists hold: this thread is in these calls */
    Py_DECREF(local);
    if (is_it && !PyErr_Occurred())
        op->found = places_find(context, within);
    Py_XDECREF(within);
    if (op->found != NULL)
        op->place = SLOT(SLOT(op->found, found_slots.place), place_slots.row);
    return PyErr_Occurred() ? -1 : op->found != NULL;
}

int op_has_row(Context *context, PyObject *names, PyObject *callee, Py_ssize_t count, bool is_it,
               bool is_of_arguments, PyObject **row)
{
    long kind = (long)count << 2 | is_it << 1 | is_of_arguments;
    if ((*row = memo_find(&context->rows, names, callee, kind)) != NULL)
        return 1;
    PyObject *number = PyLong_FromSsize_t(count);
    PyObject *key = number == NULL ? NULL : PyTuple_Pack(4, callee, number, is_it ? Py_True : Py_False,
                                                         is_of_arguments ? Py_True : Py_False);
    *row = key == NULL ? NULL : PyDict_GetItemWithError(SLOT(names, names_slots.known), key);
    Py_XDECREF(number);
    Py_XDECREF(key);
    if (*row == NULL || !PyTuple_Check(*row))
        return PyErr_Occurred() ? -1 : 0;
    memo_keep(&context->rows, names, callee, kind, *row);
    return 1;
}

static int is_nameable(Context *context, Op *op)
{
    PyObject *names = SLOT(SLOT(op->found, found_slots.place), place_slots.names);
    PyObject *callee = SLOT(op->call, call_slots.callee);
    op->argument_names = op->result_names = NULL;
    if (!Py_IS_TYPE(names, names_class))
        return 0;
    if (SLOT(op->found, found_slots.is_direct) != Py_True)
        return 1;
    if (PyTuple_GET_SIZE(SLOT(names, names_slots.operands))) {
        Py_ssize_t count = PyTuple_GET_SIZE(op->args);
        bool is_pair = count == 2 && is_tensor(context, PyTuple_GET_ITEM(op->args, 0)) &&
                       is_tensor(context, PyTuple_GET_ITEM(op->args, 1));
        REQUIRE(op_has_row(context, names, callee, count, is_pair, true, &op->argument_names));
    }
    if (PyTuple_GET_SIZE(SLOT(names, names_slots.targets)))
        REQUIRE(op_has_row(context, names, callee, 1, true, false, &op->result_names));
    return 1;
}

/* Find out which node's output a tensor is; nothing where the node has no mark. */
static bool find_node(PyObject *tensor, PyObject *maker, Origin *origin)
{
    PyObject *number = ask(output_nr_getter, tensor);
    origin->output_nr = number == NULL ? 0 : PyLong_AsLongLong(number);
    Py_XDECREF(number);
    PyObject *mark = PyErr_Occurred() ? NULL : mark_of(maker);
    if (mark != NULL)
        origin->node = number_in(mark, mark_slots.id);
    return !PyErr_Occurred();
}

int op_find_origin(Context *context, PyObject *tensor, Origin *origin)
{
    *origin = (Origin){.node = NO_NUMBER};
    int requires_grad = is_requiring_grad(tensor);
    if (requires_grad <= 0)
        return requires_grad < 0 ? -1 : 1;
    origin->requires_grad = true;
    PyObject *maker = maker_of(tensor);
    if (maker == NULL)
        return -1;
    if (maker == Py_None) {
        PyObject *record = record_known(context, tensor), *mark = NULL;
        if (record != NULL && SLOT(record, record_slots.is_leaf) == Py_True)
            mark = SLOT(record, record_slots.mark);
        if (mark != NULL && Py_IS_TYPE(mark, mark_class))
            origin->node = number_in(mark, mark_slots.id);
    }
    else
        find_node(tensor, maker, origin);
    Py_DECREF(maker);
    return PyErr_Occurred() ? -1 : origin->node != NO_NUMBER;
}

/* Tell whether the result is a tensor that an op has made, or needs no gradient. */
static int is_made(Op *op)
{
    op->maker = maker_of(op->result);
    if (op->maker == NULL)
        return -1;
    if (op->maker != Py_None)
        return 1;
    int requires_grad = is_requiring_grad(op->result);
    return requires_grad < 0 ? -1 : !requires_grad;
}

static int is_numbered(Context *context, Op *op)
{
    PyObject *ident = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
    PyObject *thread = ident == NULL ? NULL : PyDict_GetItemWithError(context->threads, ident);
    op->thread = thread == NULL ? 0 : (uint16_t)PyLong_AsLong(thread);
    op->iteration = number_in(context->recorder, context->state.recorder_slots[ITERATION]);
    Py_XDECREF(ident);
    return PyErr_Occurred() ? -1 : thread != NULL;
}

static int is_common(Context *context, Op *op)
{
    if (!is_tensor(context, op->result) || !arguments_collect(context, op->args, op->kwargs, &op->inputs))
        return 0;
    REQUIRE(is_undisturbed(context));
    REQUIRE(is_located(context, op));
    REQUIRE(is_nameable(context, op));
    for (int i = 0; i < op->inputs.count; i++)
        REQUIRE(op_find_origin(context, op->inputs.tensors[i], &op->origins[i]));
    REQUIRE(is_made(op));
    return is_numbered(context, op);
}

/* --- its text ------------------------------------------------------------------------------------------------------ */

/* Remember what is odd about a tensor, and add to it what Python tells of that; `role` is a method of `Rare`. */
static bool judge(Context *context, PyObject *record, PyObject *tensor, PyObject *role, uint16_t *odd)
{
    PyObject *number = PyLong_FromLong(*odd), *told = NULL;
    if (number != NULL && !*odd) { /* one and the same object: as a rule it is there already */
        if (SLOT(record, record_slots.odd) != number)
            slot_set(record, record_slots.odd, Py_NewRef(number));
    }
    else if (number != NULL) {
        Py_INCREF(record);
        told = PyObject_CallMethodObjArgs(context->rare, role, record, tensor, number, NULL);
        Py_DECREF(record);
        if (told != NULL)
            *odd |= (uint16_t)PyLong_AsLong(told);
        Py_XDECREF(told);
    }
    Py_XDECREF(number);
    return !PyErr_Occurred();
}

PyObject *op_add_tensor(Context *context, PyObject *tensor, const Origin *origin, PyObject *role, Draft *draft)
{
    PyObject *record = record_of(context, tensor);
    uint16_t before = draft->odd;
    Buffer *text = &draft->text;
    bool is_done = record != NULL && buffer_add_string(text, SLOT(record, record_slots.head)) &&
                   buffer_add_text(text, origin->requires_grad ? "true," : "false,") &&
                   (origin->node == NO_NUMBER ? buffer_add_text(text, "null")
                                              : buffer_add_integer(text, origin->node)) &&
                   buffer_add(text, ",", 1) && buffer_add_integer(text, origin->output_nr) && buffer_add(text, ",", 1);
    draft->odd = 0;
    is_done = is_done && reader_add(context->reader, tensor, false, draft) && buffer_add(text, "]", 1) &&
              judge(context, record, tensor, role, &draft->odd);
    draft->odd |= before;
    return is_done ? record : NULL;
}

static bool add_inputs(Context *context, Op *op)
{
    bool is_done = true;
    for (int i = 0; is_done && i < op->inputs.count; i++)
        is_done = (i == 0 || buffer_add(&op->draft->text, ",", 1)) &&
                  op_add_tensor(context, op->inputs.tensors[i], &op->origins[i], words.arrives, op->draft) != NULL;
    return is_done;
}

/* Write the nodes that the call has made, and find out where its result comes from. */
static bool add_nodes(Context *context, Op *op, Origin *origin, NewNodes *new_nodes)
{
    *origin = (Origin){.node = NO_NUMBER, .requires_grad = op->maker != Py_None};
    if (op->maker == Py_None)
        return true;
    PyObject *inputs = PyTuple_New(op->inputs.count), *results = PyTuple_Pack(1, op->result);
    bool is_done = inputs != NULL && results != NULL;
    for (int i = 0; is_done && i < op->inputs.count; i++)
        PyTuple_SET_ITEM(inputs, i, Py_NewRef(op->inputs.tensors[i]));
    Making making = {.event = op->event, .place = op->place, .scope = op->scope, .inputs = inputs,
                     .results = results};
    is_done = is_done && graph_register(context, op->maker, &making, new_nodes);
    Py_XDECREF(inputs);
    Py_XDECREF(results);
    return is_done && find_node(op->result, op->maker, origin);
}

static bool add_result(Context *context, Op *op, const Origin *origin)
{
    PyObject *record = op_add_tensor(context, op->result, origin, words.made, op->draft);
    return record != NULL &&
           pen_put_tensor(context->pen, number_in(record, record_slots.id), op->event, origin->node,
                          origin->output_nr);
}

static bool add_ids(const NewNodes *new_nodes, Buffer *text)
{
    bool is_done = buffer_add(text, "[", 1);
    for (size_t i = 0; is_done && i < count_new(new_nodes); i++) {
        int64_t id;
        memcpy(&id, new_nodes->ids.bytes + i * sizeof id, sizeof id);
        is_done = (i == 0 || buffer_add_text(text, ", ")) && buffer_add_integer(text, id);
    }
    return is_done && buffer_add_text(text, "],false]");
}

static bool compose(Context *context, Op *op, Origin *origin, NewNodes *new_nodes)
{
    PyObject *names = SLOT(SLOT(op->found, found_slots.place), place_slots.names);
    PyObject *scope = SLOT(names, names_slots.scope);
    Buffer *text = &op->draft->text;
    bool is_done = buffer_add(text, "[", 1) && buffer_add_string(text, SLOT(op->call, call_slots.quoted)) &&
                   buffer_add_text(text, ",[");
    if (op->argument_names != NULL)
        is_done = is_done && name_each(context, &PyTuple_GET_ITEM(op->args, 0), PyTuple_GET_SIZE(op->args),
                                       op->argument_names, op->event, scope);
    is_done = is_done && add_inputs(context, op) && buffer_add_text(text, "],[");
    op->given = op->draft->odd;
    op->draft->odd = 0;
    is_done = is_done && add_nodes(context, op, origin, new_nodes);
    if (op->result_names != NULL)
        is_done = is_done && name_each(context, &op->result, 1, op->result_names, op->event, scope);
    return is_done && add_result(context, op, origin) && buffer_add_text(text, "],[") &&
           arguments_add(context, op->args, op->kwargs, &op->inputs, text) && buffer_add_text(text, "],") &&
           add_ids(new_nodes, text);
}

/* Return what the event is called: as the node that was made, else as the function. */
static PyObject *name_of(const Op *op, const NewNodes *new_nodes)
{
    if (op->maker != Py_None && count_new(new_nodes))
        return PyObject_CallMethodNoArgs(op->maker, words.name);
    return Py_NewRef(SLOT(op->call, call_slots.display));
}

/* Find out the grad mode of the call, as a flag: what has a grad_fn was made with gradients on. -1 with an error set. */
static int mode_of(Context *context, const Op *op)
{
    if (op->maker != Py_None)
        return 0;
    int is_usual = is_answer_false(context->is_inference);
    if (is_usual <= 0)
        return is_usual < 0 ? -1 : INFERENCE;
    int is_off = is_answer_false(context->is_grad_enabled);
    return is_off < 0 ? -1 : is_off ? GRAD_OFF : 0;
}

/* Tell whether something that is not finite is born here, as flags; -1 with an error set. */
static int birth_of(Context *context, const Op *op)
{
    uint16_t made = op->draft->odd & (NANS | INFINITIES), given = op->given | (op->draft->odd & UNREAD);
    if (!made)
        return 0;
    PyObject *kwargs = op->kwargs == NULL ? PyDict_New() : Py_NewRef(op->kwargs), *answer = NULL;
    if (kwargs != NULL)
        answer = PyObject_CallMethod(context->rare, "of_call", "iiOO", (int)made, (int)given, op->args, kwargs);
    int birth = answer == NULL ? -1 : (int)PyLong_AsLong(answer);
    Py_XDECREF(kwargs);
    Py_XDECREF(answer);
    return birth;
}

/* Put the event, and keep what Python is told of it where the gate has to be asked. */
static bool put(Context *context, Op *op, const PenEvent *event)
{
    int64_t seq = pen_put_event(context->pen, event);
    if (seq >= 0 && sieve_passes(&context->passing, GATE(&context->state, SIEVE), OP_KIND, event, seq, NULL))
        op->told = sieve_told(event, seq);
    return !PyErr_Occurred();
}

static bool emit(Context *context, Op *op, const Origin *origin, const NewNodes *new_nodes)
{
    const Draft *draft = op->draft;
    int mode = mode_of(context, op), birth = birth_of(context, op);
    PyObject *name = mode < 0 || birth < 0 ? NULL : name_of(op, new_nodes);
    if (name == NULL)
        return false;
    PenEvent event = {
        .kind = words.op, .name = name, .place = op->place, .scope = op->scope, .phase = words.forward,
        .iteration = op->iteration, .node = origin->node, .thread = op->thread,
        .flags = (uint16_t)((op->maker == Py_None ? QUIET : 0) | ((draft->odd | op->given) & (NANS | INFINITIES | BIRTH)) | mode | birth),
        .detail = draft->text.bytes, .detail_size = draft->text.used,
        .data = draft->data.used ? draft->data.bytes : NULL, .data_size = draft->data.used};
    state_set_phase(&context->state, words.forward);
    bool is_done = put(context, op, &event);
    Py_DECREF(name);
    return is_done;
}

/* Have Python ask the gate, which may hold the script here; this thread does other things meanwhile. */
static bool arrive(Context *context, Op *op)
{
    PyObject *done = op->told == NULL ? Py_NewRef(Py_None) : PyObject_CallOneArg(context->arrived, op->told);
    Py_XDECREF(done);
    return done != NULL;
}

static bool record_common(Context *context, Op *op)
{
    Origin origin;
    NewNodes new_nodes = {context->ids};
    new_nodes.ids.used = 0;
    op->event = pen_head(context->pen) + 1;
    op->draft->text.used = op->draft->data.used = 0;
    op->draft->odd = 0;
    context->is_busy = true;
    bool is_done = compose(context, op, &origin, &new_nodes) && emit(context, op, &origin, &new_nodes);
    context->is_busy = false;
    context->ids = new_nodes.ids;
    return is_done && arrive(context, op);
}

/* --- all of it ----------------------------------------------------------------------------------------------------- */

OpOutcome op_record(Context *context, PyObject *call, PyObject *args, PyObject *kwargs, PyObject *result)
{
    Op op = {.call = call, .args = args, .kwargs = kwargs, .result = result, .draft = &context->draft};
    OpOutcome outcome = OP_FAILED;
    int is_it = is_common(context, &op);
    if (is_it > 0)
        is_it = lock_take(context->lock);
    if (is_it > 0) {
        outcome = context->is_busy ? OP_FOR_PYTHON : record_common(context, &op) ? OP_RECORDED : OP_FAILED;
        lock_let_go(context->lock);
    }
    else if (is_it == 0)
        outcome = OP_FOR_PYTHON;
    arguments_release(&op.inputs);
    Py_XDECREF(op.found);
    Py_XDECREF(op.maker);
    Py_XDECREF(op.told);
    return outcome;
}

static int name_alone(Context *context, Op *op)
{
    PyObject *value = PyTuple_GET_SIZE(op->args) == 1 ? PyTuple_GET_ITEM(op->args, 0) : Py_None;
    if (!is_tensor(context, value) || !state_is_settled(&context->state))
        return 0;
    REQUIRE(is_located(context, op));
    REQUIRE(is_nameable(context, op));
    if (op->argument_names == NULL)
        return 1;
    if (!lock_take(context->lock))
        return 0;
    PyObject *names = SLOT(SLOT(op->found, found_slots.place), place_slots.names);
    int is_it = context->is_busy ? 0
                : name_each(context, &value, 1, op->argument_names, pen_head(context->pen) + 1,
                            SLOT(names, names_slots.scope))
                    ? 1
                    : -1;
    lock_let_go(context->lock);
    return is_it;
}

OpOutcome op_name(Context *context, PyObject *call, PyObject *args)
{
    Op op = {.call = call, .args = args};
    int is_it = name_alone(context, &op);
    forget_error(); /* Python finds it again, and tells it */
    Py_XDECREF(op.found);
    return is_it > 0 ? OP_RECORDED : OP_FOR_PYTHON;
}
