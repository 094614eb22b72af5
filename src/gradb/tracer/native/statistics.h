/* What is kept of a tensor that is too large to be stored whole, found in one pass over its memory. */

#ifndef GRADB_STATISTICS_H
#define GRADB_STATISTICS_H

#include "tensor.h"

#define CORNER 8
#define NUMBERS 200 /* bytes */

typedef struct {
    double low, high; /* of the finite elements; a zero has no sign */
    bool has_finite;
    double mean;      /* of all elements: NaN or infinite where they are */
    double norm;      /* 2-norm of all elements: NaN where one is, else infinite where one is */
    int64_t nan, posinf, neginf;
    int64_t first;    /* flat index of the first element that is not finite, or -1 */
    int corner_count;
    double corner[CORNER];
    int numbers_size;      /* 0: not written yet */
    char numbers[NUMBERS]; /* the text of all but first and corner */
} Statistics;

/* Tell whether elements fill a piece of memory, in whatever order. */
bool statistics_fill(const View *view);

/* Make of the statistics of elements, all finite, those of the same elements in the order of a view. */
void statistics_reorder(const View *view, Statistics *found);

/* Tell whether the statistics of elements are certain to be what `statistics_take` can tell, whatever they are. */
bool statistics_are_certain(const View *view);

/* Take the statistics of at least one element; false where they are not what arithmetic in double can tell. */
bool statistics_take(const View *view, Statistics *found);

#endif
