#include "measure.h"

#include <float.h>
#include <math.h>

#include "layouts.h"

#define LEAST_SQUARES 1e-200 /* squares whose sum is smaller may have been lost on the way */
#define EXACT 9007199254740992.0 /* whole numbers from here on may not be what they were */

int operand_kind(int found)
{
    static const int kinds[] = {
        [FOUND] = OPERAND_NUMBER, [MISSING] = OPERAND_UNKNOWN, [UNCLEAR] = OPERAND_ANY, [FAULTY] = OPERAND_FAULT};
    return kinds[found];
}

int operand_there(const Operand *operand)
{
    return operand->kind == OPERAND_UNKNOWN ? MISSING
           : operand->kind == OPERAND_ANY   ? UNCLEAR
           : operand->kind == OPERAND_FAULT ? FAULTY
                                            : FOUND;
}

static bool is_boolean(const Value *value)
{
    return strcmp(value->dtype->name, "bool") == 0;
}

static bool has_floats(const Value *value)
{
    return strstr(value->dtype->name, "float") != NULL;
}

/* Return bounds of an element: a large whole number may have been rounded. */
static Number bounds_of(const Value *value, double element)
{
    if (fabs(element) >= EXACT && !has_floats(value))
        return (Number){nextafter(element, -INFINITY), nextafter(element, INFINITY), NEVER};
    return number_exactly(element);
}

int operand_single(const Operand *operand, Number *number)
{
    const Value *value = &operand->value;
    switch (operand->kind) {
    case OPERAND_NUMBER:
    case OPERAND_POINT:
        *number = operand->number;
        return FOUND;
    case OPERAND_NONE:
    case OPERAND_UNKNOWN:
        return MISSING;
    case OPERAND_VALUE:
        if (value->elements == NULL)
            return MISSING;
        if (value->count != 1 || is_boolean(value))
            return FAULTY;
        *number = bounds_of(value, value->dtype->element(value->elements));
        *number = value->is_absolute ? number_absolute(*number) : *number;
        return FOUND;
    case OPERAND_ANY:
        return UNCLEAR;
    default:
        return FAULTY;
    }
}

int operand_item(const Operand *operand, Py_ssize_t index, Value *value)
{
    if (operand->kind == OPERAND_NONE || operand_there(operand) != FOUND)
        return operand->kind == OPERAND_NONE ? MISSING : operand_there(operand);
    if (operand->kind == OPERAND_LIST)
        return items_get(&operand->items, index, value) == FOUND ? FOUND : UNCLEAR;
    if (operand->kind != OPERAND_VALUE)
        return UNCLEAR;
    *value = operand->value;
    if (value->elements == NULL)
        return MISSING;
    if (value->dim == 0 || index >= value->sizes[0])
        return UNCLEAR;
    value->count /= value->sizes[0];
    value->elements += index * value->count * value->dtype->size;
    value->dim--;
    memmove(value->sizes, value->sizes + 1, (size_t)value->dim * sizeof *value->sizes);
    return FOUND;
}

Py_ssize_t items_count(const Items *items)
{
    Reading reading = items->list;
    Py_ssize_t count = 0;
    if (!reading_enter(&reading))
        return reading.at == NULL ? -1 : 0;
    do
        count += items->has_null || !reading_is_null(&reading);
    while (reading_next(&reading));
    return count;
}

int items_get(const Items *items, Py_ssize_t index, Value *value)
{
    Reading reading = items->list;
    if (!reading_enter(&reading))
        return UNCLEAR;
    do
        if ((items->has_null || !reading_is_null(&reading)) && index-- == 0)
            return value_of_tensor(reading, value);
    while (reading_next(&reading));
    return UNCLEAR;
}

/* --- numbers that are taken together ------------------------------------------------------------------------------- */

typedef struct {
    int code;
    Py_ssize_t parts, nones;
    Number least, greatest;   /* of all so far, where `count` is not 0 */
    double sum, squares;      /* of those that are finite */
    double largest;           /* a bound of their magnitudes */
    int64_t count, nan, posinf, neginf;
} Taken;

static void take_extremes(Taken *taken, Number least, Number greatest)
{
    if (taken->count == 0) {
        taken->least = least;
        taken->greatest = greatest;
        return;
    }
    taken->least.low = fmin(taken->least.low, least.low);
    taken->least.high = fmin(taken->least.high, least.high);
    taken->greatest.low = fmax(taken->greatest.low, greatest.low);
    taken->greatest.high = fmax(taken->greatest.high, greatest.high);
}

static int take_number(Taken *taken, Number number)
{
    bool is_one = number.low == number.high && number.nan != PERHAPS;
    if (number.nan == SURELY)
        taken->nan++;
    else if (number.nan == PERHAPS || (!is_one && taken->code != DO_MIN && taken->code != DO_MAX))
        return UNCLEAR;
    else
        take_extremes(taken, number, number);
    if (is_one && isinf(number.low))
        *(number.low > 0 ? &taken->posinf : &taken->neginf) += 1;
    else if (is_one && number.nan == NEVER) {
        taken->sum += number.low;
        taken->squares += number.low * number.low;
        taken->largest = fmax(taken->largest, fabs(number.low));
    }
    taken->count++;
    return FOUND;
}

static int take_each(Taken *taken, const Value *value)
{
    for (int64_t i = 0; i < value->count; i++) {
        Number number = bounds_of(value, value->dtype->element(value->elements + i * value->dtype->size));
        if (take_number(taken, value->is_absolute ? number_absolute(number) : number) != FOUND)
            return UNCLEAR;
    }
    return FOUND;
}

static void tally(const Value *value, Tally *found)
{
    const char *elements = value->elements;
    int64_t size = value->dtype->size, block[BLOCK];
    *found = (Tally){.low = INT64_MAX, .high = INT64_MIN};
    for (int64_t done = 0; done < value->count; done += BLOCK) {
        int64_t part = value->count - done < BLOCK ? value->count - done : BLOCK;
        const char *from = elements + done * size;
        if ((uintptr_t)from % (uintptr_t)size)
            from = memcpy(block, from, (size_t)(part * size));
        value->dtype->tally(from, part, found);
    }
}

/* Take the extremes of what is finite and what is not. */
static void take_bounds(Taken *taken, const Value *value, double low, double high, const Tally *odd)
{
    bool has_finite = low <= high;
    if (has_finite)
        taken->largest = fmax(taken->largest, fmax(fabs(low), fabs(high)));
    if (value->is_absolute && has_finite) { /* of magnitudes the least is not known here, and nobody asks for it */
        high = fmax(fabs(low), fabs(high));
        low = 0;
    }
    bool is_endless = odd->posinf || (value->is_absolute && odd->neginf);
    Number least = odd->neginf && !value->is_absolute ? number_exactly(-INFINITY)
                   : has_finite                       ? bounds_of(value, low)
                                                      : number_exactly(INFINITY);
    Number greatest = is_endless ? number_exactly(INFINITY) : has_finite ? bounds_of(value, high) : number_exactly(-INFINITY);
    if (has_finite || odd->posinf || odd->neginf)
        take_extremes(taken, least, greatest);
    taken->nan += odd->nan;
    taken->posinf += odd->posinf;
    taken->neginf += odd->neginf;
}

static int take_whole(Taken *taken, const Value *value)
{
    bool is_extreme = taken->code == DO_MIN || taken->code == DO_MAX;
    if (is_extreme && is_boolean(value))
        return UNCLEAR; /* it would be true or false */
    if (value->is_absolute && taken->code != DO_MAX && taken->code != DO_NORM)
        return take_each(taken, value);
    Tally found;
    tally(value, &found);
    bool has_finite = found.low <= found.high;
    take_bounds(taken, value, has_finite ? value->dtype->number(found.low) : 1,
                has_finite ? value->dtype->number(found.high) : 0, &found);
    taken->sum += found.sum;
    taken->squares += found.squares;
    taken->count += value->count;
    return FOUND;
}

/* Read statistics: `[min, max, mean, norm, nan, posinf, neginf, ...]`; false where there is no norm among them. */
static bool read_statistics(const Value *value, double bounds[4], bool are_there[4], Tally *odd)
{
    Reading reading = value->statistics;
    int64_t *const counts[] = {&odd->nan, &odd->posinf, &odd->neginf};
    *odd = (Tally){0};
    bool is_there = reading_enter(&reading);
    for (int i = 0; is_there && i < 4; i++) {
        are_there[i] = !reading_is_null(&reading);
        bounds[i] = are_there[i] ? reading_number(&reading) : 0;
        is_there = reading_next(&reading);
    }
    for (int i = 0; is_there && i < 3; i++) {
        *counts[i] = (int64_t)reading_number(&reading);
        is_there = reading_next(&reading);
    }
    for (int i = 0; is_there && i < 2; i++) /* where the corner lies, and how many they are */
        is_there = reading_next(&reading);
    return is_there;
}

enum { LOW, HIGH, MEAN, NORM };

static int take_told_norm(Taken *taken, const Value *value, const double told[4], const bool are_there[4], const Tally *odd)
{
    bool is_one = are_there[LOW] && are_there[HIGH] && told[LOW] == told[HIGH];
    if (odd->nan)
        return take_number(taken, number_exactly(NAN));
    if (odd->posinf || odd->neginf)
        return take_number(taken, number_exactly(INFINITY));
    if (are_there[NORM])
        return take_number(taken, number_exactly(told[NORM]));
    return is_one ? take_number(taken, number_exactly(fabs(told[LOW]) * sqrt((double)value->count))) : MISSING;
}

static int take_told(Taken *taken, const Value *value)
{
    double told[4];
    bool are_there[4];
    Tally odd;
    if (value->statistics.at == NULL || taken->code == DO_SUM)
        return MISSING;
    if (!read_statistics(value, told, are_there, &odd))
        return UNCLEAR;
    if (taken->code == DO_NORM)
        return take_told_norm(taken, value, told, are_there, &odd);
    if (taken->code == DO_MEAN)
        return are_there[MEAN] ? take_number(taken, number_exactly(told[MEAN])) : MISSING;
    bool is_known = taken->code == DO_MIN ? odd.neginf || are_there[LOW] || odd.posinf
                                          : odd.posinf || are_there[HIGH] || odd.neginf;
    if (!is_known && !odd.nan)
        return MISSING;
    bool has_finite = are_there[LOW] && are_there[HIGH];
    take_bounds(taken, value, has_finite ? told[LOW] : 1, has_finite ? told[HIGH] : 0, &odd);
    taken->count += value->count;
    return FOUND;
}

static int take(Taken *taken, const Operand *operand);

static int take_list(Taken *taken, const Items *items)
{
    Operand item = {.kind = OPERAND_VALUE};
    Py_ssize_t count = items_count(items);
    int found = count < 0 ? UNCLEAR : FOUND;
    for (Py_ssize_t i = 0; found == FOUND && i < count; i++) {
        found = items_get(items, i, &item.value);
        item.kind = found == MISSING ? OPERAND_NONE : OPERAND_VALUE;
        if (found != UNCLEAR)
            found = take(taken, &item);
    }
    return found;
}

static int take(Taken *taken, const Operand *operand)
{
    taken->parts += operand->kind != OPERAND_LIST;
    switch (operand->kind) {
    case OPERAND_NONE:
        taken->nones++;
        return FOUND;
    case OPERAND_NUMBER:
    case OPERAND_POINT:
        return take_number(taken, operand->number);
    case OPERAND_VALUE:
        return operand->value.elements == NULL ? take_told(taken, &operand->value) : take_whole(taken, &operand->value);
    case OPERAND_LIST:
        return take_list(taken, &operand->items);
    default:
        return UNCLEAR;
    }
}

/* --- what is made of them ------------------------------------------------------------------------------------------ */

static double slack(int64_t count)
{
    return (double)(count + 8) * DBL_EPSILON;
}

static int norm(const Taken *taken, Number *result)
{
    double most = taken->largest * sqrt((double)taken->count);
    if (taken->nan || taken->posinf || taken->neginf)
        *result = number_exactly(taken->nan ? NAN : INFINITY);
    else if (taken->largest == 0)
        *result = number_exactly(0);
    else if (taken->squares >= LEAST_SQUARES && isfinite(taken->squares))
        *result = number_around(sqrt(taken->squares), slack(taken->count));
    else
        *result = (Number){taken->largest * (1 - slack(0)), most * (1 + slack(0)), NEVER};
    return FOUND;
}

static int extreme(const Taken *taken, Number *result)
{
    if (taken->count == 0)
        return MISSING;
    *result = taken->nan ? number_exactly(NAN) : taken->code == DO_MIN ? taken->least : taken->greatest;
    return FOUND;
}

static int sum(const Taken *taken, Number *result)
{
    double error = slack(taken->count) * (double)taken->count * taken->largest;
    if (taken->nan || (taken->posinf && taken->neginf))
        *result = number_exactly(NAN);
    else if (taken->posinf || taken->neginf)
        *result = number_exactly(taken->posinf ? INFINITY : -INFINITY);
    else if (!isfinite(taken->sum) || !isfinite(error))
        return UNCLEAR;
    else
        *result = (Number){taken->sum - error, taken->sum + error, NEVER};
    return FOUND;
}

static int mean(const Taken *taken, Number *result)
{
    Number total;
    if (taken->count == 0) {
        *result = number_exactly(NAN);
        return FOUND;
    }
    if (sum(taken, &total) != FOUND || !number_divide(total, number_exactly((double)taken->count), result))
        return UNCLEAR;
    return FOUND;
}

static int finish(const Taken *taken, Number *result)
{
    switch (taken->code) {
    case DO_NORM:
        return norm(taken, result);
    case DO_SUM:
        return sum(taken, result);
    case DO_MEAN:
        return mean(taken, result);
    default:
        return extreme(taken, result);
    }
}

/* Take the magnitude: of a number, or of each element of a value. */
static void absolute(const Operand *operand, Operand *result)
{
    Number number;
    *result = *operand;
    if (operand->kind == OPERAND_VALUE && operand->value.elements != NULL && !has_floats(&operand->value)) {
        result->kind = OPERAND_ANY; /* the least whole number of a dtype has no magnitude in it */
        return;
    }
    if (operand->kind == OPERAND_VALUE && operand->value.elements != NULL && operand->value.dim > 0) {
        result->value.is_absolute = true;
        return;
    }
    int found = operand_single(operand, &number);
    result->kind = operand_kind(found);
    if (found == FOUND)
        result->number = number_absolute(number);
}

/* Tell what is known before anything is taken: the first that has no value, or may be a fault, has the last word. */
static int readiness(const Operand *operands, Py_ssize_t count)
{
    int found = FOUND;
    for (Py_ssize_t i = 0; found == FOUND && i < count; i++)
        found = operand_there(&operands[i]);
    return found;
}

void measure(int code, const Operand *operands, Py_ssize_t count, Operand *result)
{
    Taken taken = {.code = code};
    int found = readiness(operands, count);
    if (code == DO_ABS && found == FOUND) {
        absolute(operands, result);
        return;
    }
    for (Py_ssize_t i = 0; found == FOUND && i < count; i++)
        found = take(&taken, &operands[i]);
    if (found == FOUND && taken.parts == taken.nones)
        found = MISSING;
    else if (found == FOUND && code == DO_MEAN && (taken.parts > 1 || operands->kind == OPERAND_LIST))
        found = UNCLEAR; /* of several the mean is known where each is kept whole */
    Number number;
    if (found == FOUND)
        found = finish(&taken, &number);
    result->kind = operand_kind(found);
    if (found == FOUND)
        result->number = number;
}
