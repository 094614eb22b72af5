#include "walk.h"

typedef struct {
    char *target;
    int64_t size; /* bytes of an element */
    int64_t left; /* elements */
} Copy;

/* Put one more dimension inside the others; two that are walked as one become one. */
static void append(Walk *walk, int64_t size, int64_t stride)
{
    int last = walk->dim - 1;
    if (last >= 0 && walk->strides[last] == size * stride) {
        walk->sizes[last] *= size;
        walk->strides[last] = stride;
    } else {
        walk->sizes[walk->dim] = size;
        walk->strides[walk->dim++] = stride;
    }
}

static void at_least_one(Walk *walk)
{
    if (walk->dim == 0)
        append(walk, 1, 0);
}

void walk_rows(const View *view, Walk *walk)
{
    walk->dim = 0;
    for (int64_t i = 0; i < view->dim; i++)
        if (view->sizes[i] != 1)
            append(walk, view->sizes[i], view->strides[i] * view->dtype->size);
    at_least_one(walk);
}

void walk_memory(const View *view, Walk *walk)
{
    int order[MAX_DIM], count = 0;
    for (int i = 0; i < (int)view->dim; i++) {
        int place = count;
        if (view->sizes[i] == 1 || view->strides[i] == 0)
            continue;
        for (; place > 0 && view->strides[order[place - 1]] < view->strides[i]; place--)
            order[place] = order[place - 1];
        order[place] = i;
        count++;
    }
    walk->dim = 0;
    for (int i = 0; i < count; i++)
        append(walk, view->sizes[order[i]], view->strides[order[i]] * view->dtype->size);
    at_least_one(walk);
}

void walk_go(const Walk *walk, const char *data, Run run, void *context)
{
    int64_t index[MAX_DIM] = {0};
    int last = walk->dim - 1, dim;
    do {
        if (!run(context, data, walk->sizes[last], walk->strides[last]))
            return;
        for (dim = last - 1; dim >= 0; dim--) {
            data += walk->strides[dim];
            if (++index[dim] < walk->sizes[dim])
                break;
            data -= walk->strides[dim] * walk->sizes[dim];
            index[dim] = 0;
        }
    } while (dim >= 0);
}

#define COPY_EACH(TYPE)                                                                                                \
    for (int64_t i = 0; i < count; i++)                                                                                \
        memcpy(target + i * (int64_t)sizeof(TYPE), start + i * stride, sizeof(TYPE));

void copy_side_by_side(char *target, const char *start, int64_t count, int64_t stride, int64_t size)
{
    if (stride == size)
        memcpy(target, start, (size_t)(count * size));
    else if (size == 8)
        COPY_EACH(int64_t)
    else if (size == 4)
        COPY_EACH(int32_t)
    else if (size == 2)
        COPY_EACH(int16_t)
    else
        COPY_EACH(int8_t)
}

static bool copy_run(void *context, const char *start, int64_t count, int64_t stride)
{
    Copy *copy = context;
    if (count > copy->left)
        count = copy->left;
    copy_side_by_side(copy->target, start, count, stride, copy->size);
    copy->target += count * copy->size;
    copy->left -= count;
    return copy->left > 0;
}

void walk_copy(const View *view, char *target, int64_t most)
{
    Walk walk;
    Copy copy = {target, view->dtype->size, most < view->count ? most : view->count};
    if (copy.left == 0)
        return;
    walk_rows(view, &walk);
    walk_go(&walk, view->data, copy_run, &copy);
}
