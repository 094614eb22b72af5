/* The dtypes that are read, and what is done with elements that lie side by side.

   Whether an element is a NaN or an infinity is decided by its bits, never by arithmetic. Elements are compared by their
   `order`: a signed integer that is greater where the number is. */

#ifndef GRADB_DTYPE_H
#define GRADB_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK 1024 /* elements that are looked at more than once while they are in the fastest cache */

typedef struct {
    int64_t low, high; /* orders of the smallest and largest finite element; low > high where there is none */
    double sum;        /* of the finite elements */
    double squares;    /* sum of their squares, where all of a block are finite */
    int64_t nan, posinf, neginf;
} Tally;

typedef struct {
    const char *name;
    int64_t size;                                                   /* bytes of an element */
    void (*tally)(const void *elements, int64_t count, Tally *);    /* adds at most BLOCK elements to a tally */
    int64_t (*first_nonfinite)(const void *elements, int64_t count); /* returns an index, or -1 */
    uint16_t (*odd)(const void *elements, int64_t count);            /* returns flags: NANS, INFINITIES */
    double (*number)(int64_t order);
    double (*element)(const void *element);
    bool is_wide; /* float32 or float64 */
} Dtype;

/* Return the dtype of a name, or NULL. */
const Dtype *dtype_named(const char *name);

#endif
