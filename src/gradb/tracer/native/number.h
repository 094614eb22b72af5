/* Numbers of which only bounds are known: whatever Python's arithmetic comes to lies between them. */

#ifndef GRADB_NUMBER_H
#define GRADB_NUMBER_H

#include <stdbool.h>

typedef struct {
    double low, high; /* of what is no NaN; may be infinite */
    int nan;          /* NEVER, PERHAPS or SURELY */
} Number;

enum { NEVER, PERHAPS, SURELY };
enum { TRUE_BIT = 1, FALSE_BIT = 2, UNKNOWN_BIT = 4, FAULT_BIT = 8 }; /* what a test may come to */

Number number_exactly(double value);
Number number_around(double value, double relative); /* within a relative error, of a value that is not negative */
Number number_any(void);

Number number_negated(Number one);
Number number_absolute(Number one);

/* False where whole numbers of Python's may be larger than any double. */
bool number_add(Number one, Number other, Number *sum);
bool number_multiply(Number one, Number other, Number *product);
bool number_divide(Number one, Number other, Number *quotient);

/* Tell what `one > other`, `one >= other`, `one == other` may come to: bits. A NaN equals a NaN. */
unsigned number_more(Number one, Number other);
unsigned number_at_least(Number one, Number other);
unsigned number_equal(Number one, Number other);

#endif
