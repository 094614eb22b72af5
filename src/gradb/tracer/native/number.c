#include "number.h"

#include <math.h>

Number number_exactly(double value)
{
    return isnan(value) ? (Number){0, 0, SURELY} : (Number){value, value, NEVER};
}

Number number_around(double value, double relative)
{
    return isfinite(value) ? (Number){value * (1 - relative), value * (1 + relative), NEVER} : number_exactly(value);
}

Number number_any(void)
{
    return (Number){-INFINITY, INFINITY, PERHAPS};
}

static int nan_of(Number one, Number other)
{
    return one.nan > other.nan ? one.nan : other.nan;
}

static bool is_finite(Number one)
{
    return isfinite(one.low) && isfinite(one.high);
}

/* Make the bounds wider by what rounding may have taken off; false where they have become infinite. */
static bool widen(Number one, Number other, double low, double high, Number *result)
{
    bool is_odd = isnan(low) || isnan(high);
    *result = is_odd ? number_any() : (Number){nextafter(low, -INFINITY), nextafter(high, INFINITY), nan_of(one, other)};
    if (nan_of(one, other) == SURELY)
        result->nan = SURELY;
    return is_finite(*result) || !is_finite(one) || !is_finite(other);
}

Number number_negated(Number one)
{
    return (Number){-one.high, -one.low, one.nan};
}

Number number_absolute(Number one)
{
    if (one.low >= 0)
        return one;
    if (one.high <= 0)
        return number_negated(one);
    return (Number){0, -one.low > one.high ? -one.low : one.high, one.nan};
}

bool number_add(Number one, Number other, Number *sum)
{
    return widen(one, other, one.low + other.low, one.high + other.high, sum);
}

static bool corners(Number one, Number other, const double all[4], Number *result)
{
    double low = all[0], high = all[0];
    for (int i = 1; i < 4; i++) {
        low = all[i] < low || isnan(all[i]) ? all[i] : low;
        high = all[i] > high || isnan(all[i]) ? all[i] : high;
        if (isnan(all[i]))
            break;
    }
    return widen(one, other, low, high, result);
}

bool number_multiply(Number one, Number other, Number *product)
{
    const double all[] = {one.low * other.low, one.low * other.high, one.high * other.low, one.high * other.high};
    return corners(one, other, all, product);
}

bool number_divide(Number one, Number other, Number *quotient)
{
    *quotient = number_any();
    if (nan_of(one, other) == SURELY)
        quotient->nan = SURELY;
    if ((other.low <= 0 && other.high >= 0) || !is_finite(other))
        return true;
    const double all[] = {one.low / other.low, one.low / other.high, one.high / other.low, one.high / other.high};
    return corners(one, other, all, quotient);
}

static unsigned bits(Number one, Number other, bool may_hold, bool must_hold)
{
    int nan = nan_of(one, other);
    if (nan == SURELY)
        return FALSE_BIT;
    return (may_hold ? TRUE_BIT : 0u) | (must_hold && nan == NEVER ? 0u : FALSE_BIT);
}

unsigned number_more(Number one, Number other)
{
    return bits(one, other, one.high > other.low, one.low > other.high);
}

unsigned number_at_least(Number one, Number other)
{
    return bits(one, other, one.high >= other.low, one.low >= other.high);
}

unsigned number_equal(Number one, Number other)
{
    if (one.nan != NEVER && other.nan != NEVER)
        return TRUE_BIT | (one.nan == SURELY && other.nan == SURELY ? 0u : FALSE_BIT);
    bool is_one = one.low == one.high && other.low == other.high && one.low == other.low;
    return bits(one, other, one.low <= other.high && other.low <= one.high, is_one);
}
