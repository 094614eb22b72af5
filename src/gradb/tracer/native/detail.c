#include "detail.h"

#include "layouts.h"

#define MOST_NAME 24 /* of a dtype */

/* --- going through the text ---------------------------------------------------------------------------------------- */

/* Return what stands behind the text that begins here, or NULL. */
static const char *past_text(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '\\')
            at++;
        else if (*at == '"')
            return at + 1;
    }
    return NULL;
}

/* What a character does to how deep one is: a list begins, one ends, or a text begins. */
enum { NOTHING, BEGINS, ENDS, QUOTES };
static const unsigned char deeds[256] = {['['] = BEGINS, ['{'] = BEGINS, [']'] = ENDS, ['}'] = ENDS, ['"'] = QUOTES};

static const char *past_list(const char *at, const char *end)
{
    int depth = 0;
    while (at != NULL && at < end) {
        unsigned char deed = deeds[(unsigned char)*at];
        if (deed == QUOTES) {
            at = past_text(at, end);
            continue;
        }
        at++;
        if (deed == NOTHING)
            continue;
        depth += deed == BEGINS ? 1 : -1;
        if (depth == 0)
            return at;
    }
    return NULL;
}

static const char *past(const char *at, const char *end)
{
    if (at == NULL || at >= end)
        return NULL;
    if (*at == '"')
        return past_text(at, end);
    if (*at == '[' || *at == '{')
        return past_list(at, end);
    while (at < end && *at != ',' && *at != ']')
        at++;
    return at;
}

bool reading_enter(Reading *reading)
{
    bool is_list = reading->at != NULL && reading->at < reading->end && *reading->at == '[';
    reading->at = is_list ? reading->at + 1 : NULL;
    return is_list && reading->at < reading->end && *reading->at != ']';
}

bool reading_next(Reading *reading)
{
    const char *at = past(reading->at, reading->end);
    bool is_more = at != NULL && at < reading->end && *at == ',';
    reading->at = is_more ? at + 1 : NULL;
    return is_more;
}

static bool skip(Reading *reading, int count)
{
    while (count-- > 0)
        if (!reading_next(reading))
            return false;
    return reading->at != NULL;
}

Reading reading_field(const Detail *detail, int number)
{
    Reading reading = {detail->text, detail->text + detail->text_size, detail};
    if (!reading_enter(&reading) || !skip(&reading, number))
        reading.at = NULL;
    return reading;
}

bool reading_is_null(const Reading *reading)
{
    return reading->at != NULL && reading->at < reading->end && *reading->at == 'n';
}

double reading_number(Reading *reading)
{
    if (reading->at == NULL || reading->at >= reading->end || reading->end[-1] != ']')
        return Py_NAN;
    double found = PyOS_string_to_double(reading->at, (char **)&(char *){NULL}, NULL);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return Py_NAN;
    }
    return found;
}

static bool read_integer(const Reading *reading, int64_t *number)
{
    const char *at = reading->at;
    *number = 0;
    if (at == NULL)
        return false;
    for (; at < reading->end && *at >= '0' && *at <= '9' && *number < INT64_MAX / 16; at++)
        *number = *number * 10 + (*at - '0');
    return at > reading->at && at < reading->end && (*at == ',' || *at == ']');
}

/* --- values -------------------------------------------------------------------------------------------------------- */

static bool read_shape(Reading reading, Value *value)
{
    value->dim = 0;
    value->count = 1;
    if (!reading_enter(&reading))
        return reading.at != NULL;
    do {
        int64_t size;
        if (value->dim == MOST_DIM || !read_integer(&reading, &size) ||
            __builtin_mul_overflow(value->count, size, &value->count))
            return false;
        value->sizes[value->dim++] = size;
    } while (reading_next(&reading));
    return true;
}

static const Dtype *read_dtype(const Reading *reading)
{
    char name[MOST_NAME];
    const char *end = past(reading->at, reading->end);
    size_t length = end == NULL ? 0 : (size_t)(end - reading->at);
    if (length < 2 || length - 2 >= MOST_NAME || *reading->at != '"')
        return NULL;
    memcpy(name, reading->at + 1, length - 2);
    name[length - 2] = '\0';
    return dtype_named(name);
}

/* Find where the elements lie; false where they lie outside of the data. */
static bool find_elements(const Reading *reading, Value *value)
{
    const Detail *detail = reading->detail;
    int64_t offset, size;
    if (!read_integer(reading, &offset) || __builtin_mul_overflow(value->count, value->dtype->size, &size) ||
        offset > (int64_t)detail->data_size || size > (int64_t)detail->data_size - offset)
        return false;
    value->elements = detail->data == NULL ? "" : detail->data + offset;
    return true;
}

int value_read(Reading reading, Value *value)
{
    *value = (Value){0};
    if (reading.at == NULL || reading_is_null(&reading))
        return reading.at == NULL ? UNCLEAR : MISSING;
    if (!reading_enter(&reading) || !read_shape(reading, value) || !skip(&reading, 1) ||
        (value->dtype = read_dtype(&reading)) == NULL || !skip(&reading, 1))
        return UNCLEAR;
    if (!reading_is_null(&reading))
        return find_elements(&reading, value) ? FOUND : UNCLEAR;
    if (!skip(&reading, 1))
        return UNCLEAR;
    if (!reading_is_null(&reading))
        value->statistics = reading;
    return FOUND;
}

int value_of_tensor(Reading reading, Value *value)
{
    if (reading_is_null(&reading))
        return MISSING;
    return reading_enter(&reading) && skip(&reading, 5) ? value_read(reading, value) : UNCLEAR;
}

/* --- by name ------------------------------------------------------------------------------------------------------- */

bool detail_mentions(const Detail *detail, const char *mark, size_t size)
{
    const char *at = detail->text, *end = detail->text + detail->text_size;
    while (at != NULL && (size_t)(end - at) >= size) {
        at = memchr(at, *mark, (size_t)(end - at) - size + 1);
        if (at == NULL)
            return false;
        if (memcmp(at, mark, size) == 0)
            return true;
        at++;
    }
    return false;
}

/* What was found of a name so far: nothing, one that is called so in full, or others whose names end so. */
typedef struct {
    const char *mark, *name;
    size_t size, name_size;
    bool is_whole, is_ambiguous;
    Reading where;
} Search;

static void look(Search *search, Reading name, Reading where)
{
    const char *end = past(name.at, name.end);
    if (end == NULL || *name.at != '"' || search->is_whole)
        return;
    const char *first = name.at + 1;
    size_t size = (size_t)(end - first);
    if (size < search->size || memcmp(end - search->size, search->mark, search->size) != 0)
        return;
    search->is_whole = size == search->size;
    if (!search->is_whole && first[size - search->size - 1] != '.')
        return;
    bool is_other = search->name != NULL && (search->name_size != size || memcmp(search->name, first, size) != 0);
    if (search->is_whole)
        search->is_ambiguous = false;
    else if (search->name != NULL) {
        search->is_ambiguous |= is_other;
        return; /* of one name the first counts */
    }
    search->name = first;
    search->name_size = size;
    search->where = where;
}

static void look_at_tensor(Search *search, Reading tensor)
{
    Reading name = tensor;
    if (!reading_is_null(&tensor) && reading_enter(&name) && skip(&name, 1))
        look(search, name, tensor);
}

/* Look at each tensor of a field that is a list of them. */
static void look_in(Search *search, const Detail *detail, int field)
{
    Reading reading = reading_field(detail, field);
    if (reading_is_null(&reading) || !reading_enter(&reading))
        return;
    do
        look_at_tensor(search, reading);
    while (!search->is_whole && reading_next(&reading));
}

int detail_tensor(const Detail *detail, int kind, const char *mark, size_t size, Value *value)
{
    Search search = {.mark = mark, .size = size};
    if (!detail_mentions(detail, mark, size))
        return MISSING;
    switch (kind) {
    case OP_KIND:
        look_in(&search, detail, 2);
        look_in(&search, detail, 1);
        break;
    case LEAF_KIND:
        look_at_tensor(&search, reading_field(detail, 0));
        break;
    case STEP_KIND:
    case DEPTH_KIND:
        look_in(&search, detail, 2);
        break;
    case BACKWARD_START_KIND:
        look_in(&search, detail, 1);
        look_in(&search, detail, 5);
        break;
    case BACKWARD_END_KIND:
        look_in(&search, detail, 1);
        break;
    default:
        break;
    }
    return search.name == NULL || search.is_ambiguous ? MISSING : value_of_tensor(search.where, value);
}

/* Look at each buffer that was changed: `[tensor, name, before, after]`. */
static void look_at_buffers(Search *search, const Detail *detail)
{
    Reading reading = reading_field(detail, 1);
    if (!reading_enter(&reading))
        return;
    do {
        Reading name = reading, after;
        if (!reading_enter(&name) || !skip(&name, 1))
            return;
        after = name;
        if (skip(&after, 2))
            look(search, name, after);
    } while (!search->is_whole && reading_next(&reading));
}

/* Look at the gradients of a step, which stand beside its parameters. */
static void look_at_step(Search *search, const Detail *detail)
{
    Reading tensors = reading_field(detail, 2), grads = reading_field(detail, 4);
    if (!reading_enter(&tensors) || !reading_enter(&grads))
        return;
    do {
        Reading name = tensors;
        if (reading_enter(&name) && skip(&name, 1))
            look(search, name, grads);
    } while (!search->is_whole && reading_next(&tensors) && reading_next(&grads));
}

int detail_grad(const Detail *detail, int kind, const char *mark, size_t size, Value *value)
{
    Search search = {.mark = mark, .size = size};
    if (!detail_mentions(detail, mark, size))
        return MISSING;
    if (kind == ACCUMULATE_KIND)
        look(&search, reading_field(detail, 1), reading_field(detail, 4));
    else if (kind == GRAD_CHANGE_KIND || kind == ZERO_GRAD_KIND)
        look_at_buffers(&search, detail);
    else if (kind == STEP_KIND)
        look_at_step(&search, detail);
    if (search.name == NULL || search.is_ambiguous)
        return MISSING;
    int found = value_read(search.where, value);
    return found == MISSING ? FOUND : found;
}

bool detail_step_size(const Detail *detail, double *change, double *whole)
{
    Reading reading = reading_field(detail, 9);
    if (!reading_enter(&reading))
        return false;
    *change = reading_number(&reading);
    bool is_there = reading_next(&reading);
    *whole = reading_number(&reading);
    return is_there;
}
