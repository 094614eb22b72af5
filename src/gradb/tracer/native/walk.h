/* The ways through the elements of a tensor: runs of elements that lie at equal distances, one after the other. */

#ifndef GRADB_WALK_H
#define GRADB_WALK_H

#include "tensor.h"

typedef struct {
    int dim; /* at least 1; the last dimension is the run */
    int64_t sizes[MAX_DIM];
    int64_t strides[MAX_DIM]; /* in bytes */
} Walk;

/* Does something with a run: `count` elements, `stride` bytes apart. Returns false to end the walk. */
typedef bool (*Run)(void *context, const char *start, int64_t count, int64_t stride);

/* Plan to see all elements in row-major order. */
void walk_rows(const View *view, Walk *walk);

/* Plan to see each place in memory once for each set of indices that differ in more than an expanded dimension, in
   about the order in which they lie. */
void walk_memory(const View *view, Walk *walk);

/* Go; there is at least one element. */
void walk_go(const Walk *walk, const char *data, Run run, void *context);

/* Copy elements that lie `stride` bytes apart, `size` bytes each, so that they lie side by side. */
void copy_side_by_side(char *target, const char *start, int64_t count, int64_t stride, int64_t size);

/* Copy up to `most` elements, row-major. */
void walk_copy(const View *view, char *target, int64_t most);

#endif
