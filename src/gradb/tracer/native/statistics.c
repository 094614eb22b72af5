#include "statistics.h"

#include <math.h>

#include "walk.h"

#define LEAST_SQUARES 1e-200 /* squares of doubles whose sum is smaller may have been lost on the way */
#define LONG_RUN 256 /* elements that are better looked at where they lie than copied side by side first */

typedef struct {
    const Dtype *dtype;
    Tally tally;
    int64_t waiting; /* elements in the buffer */
    int64_t buffer[BLOCK];
} Pass;

typedef struct {
    const Dtype *dtype;
    int64_t passed, found;
} Search;

typedef struct {
    const Dtype *dtype;
    double scale, squares;
} Scaling;

static void tally_side_by_side(Pass *pass, const char *start, int64_t count)
{
    for (int64_t done = 0; done < count; done += BLOCK) {
        int64_t part = count - done < BLOCK ? count - done : BLOCK;
        pass->dtype->tally(start + done * pass->dtype->size, part, &pass->tally);
    }
}

static void tally_waiting(Pass *pass)
{
    if (pass->waiting)
        pass->dtype->tally(pass->buffer, pass->waiting, &pass->tally);
    pass->waiting = 0;
}

static bool tally_run(void *context, const char *start, int64_t count, int64_t stride)
{
    Pass *pass = context;
    int64_t size = pass->dtype->size;
    if (stride == size && count >= LONG_RUN) {
        tally_side_by_side(pass, start, count);
        return true;
    }
    while (count > 0) {
        int64_t part = count < BLOCK - pass->waiting ? count : BLOCK - pass->waiting;
        copy_side_by_side((char *)pass->buffer + pass->waiting * size, start, part, stride, size);
        pass->waiting += part;
        start += part * stride;
        count -= part;
        if (pass->waiting == BLOCK)
            tally_waiting(pass);
    }
    return true;
}

static bool search_run(void *context, const char *start, int64_t count, int64_t stride)
{
    Search *search = context;
    int64_t buffer[BLOCK], size = search->dtype->size;
    for (int64_t done = 0; done < count; done += BLOCK) {
        int64_t part = count - done < BLOCK ? count - done : BLOCK;
        copy_side_by_side((char *)buffer, start + done * stride, part, stride, size);
        int64_t at = search->dtype->first_nonfinite(buffer, part);
        if (at >= 0) {
            search->found = search->passed + done + at;
            return false;
        }
    }
    search->passed += count;
    return true;
}

static bool scale_run(void *context, const char *start, int64_t count, int64_t stride)
{
    Scaling *scaling = context;
    for (int64_t i = 0; i < count; i++) {
        double scaled = scaling->dtype->element(start + i * stride) * scaling->scale;
        scaling->squares += scaled * scaled;
    }
    return true;
}

static int64_t first_nonfinite(const View *view)
{
    Walk walk;
    Search search = {view->dtype, 0, -1};
    walk_rows(view, &walk);
    walk_go(&walk, view->data, search_run, &search);
    return search.found;
}

static int64_t seen(const Walk *walk)
{
    int64_t count = 1;
    for (int dim = 0; dim < walk->dim; dim++)
        count *= walk->sizes[dim];
    return count;
}

static double mean_of(const Tally *tally, int64_t count)
{
    if (tally->nan || (tally->posinf && tally->neginf))
        return NAN;
    if (tally->posinf || tally->neginf)
        return tally->posinf ? INFINITY : -INFINITY;
    return tally->sum / (double)count;
}

/* Return the 2-norm of the elements of a walk, of which `largest` is the largest magnitude. */
static double norm_of(const View *view, const Walk *walk, const Tally *tally, double largest)
{
    int exponent;
    if (tally->nan || tally->posinf || tally->neginf)
        return tally->nan ? NAN : INFINITY;
    if (largest == 0 || (tally->squares >= LEAST_SQUARES && isfinite(tally->squares)))
        return sqrt(tally->squares);
    frexp(largest, &exponent);
    exponent = exponent < -1000 ? -1000 : exponent; /* 2^1000 is a double, and makes of the smallest one what has a square */
    Scaling scaling = {view->dtype, ldexp(1, -exponent), 0};
    walk_go(walk, view->data, scale_run, &scaling);
    return sqrt(scaling.squares) / scaling.scale;
}

static void take_corner(const View *view, Statistics *found)
{
    int64_t elements[CORNER];
    walk_copy(view, (char *)elements, CORNER);
    found->corner_count = view->count < CORNER ? (int)view->count : CORNER;
    for (int i = 0; i < found->corner_count; i++)
        found->corner[i] = view->dtype->element((const char *)elements + i * view->dtype->size);
}

bool statistics_fill(const View *view)
{
    Walk walk;
    walk_memory(view, &walk);
    return walk.dim == 1 && walk.sizes[0] == view->count && walk.strides[0] == view->dtype->size;
}

static bool is_aligned(const View *view)
{
    return (uintptr_t)view->data % (uintptr_t)view->dtype->size == 0; /* as the machine would have its elements lie */
}

bool statistics_are_certain(const View *view)
{
    return view->count > 0 && is_aligned(view) && !(view->dtype->is_wide && view->dtype->size == sizeof(double));
}

void statistics_reorder(const View *view, Statistics *found)
{
    take_corner(view, found);
}

bool statistics_take(const View *view, Statistics *found)
{
    Walk walk;
    Pass pass; /* the buffer stays as it is: to clear it took as long as to read a tensor of its size */
    pass.dtype = view->dtype;
    pass.tally = (Tally){.low = INT64_MAX, .high = INT64_MIN};
    pass.waiting = 0;
    if (!is_aligned(view))
        return false;
    walk_memory(view, &walk);
    walk_go(&walk, view->data, tally_run, &pass);
    tally_waiting(&pass);
    const Tally *tally = &pass.tally;
    int64_t count = seen(&walk), times = view->count / count; /* each stands in for its expanded twins */
    found->has_finite = tally->low <= tally->high;
    found->low = found->has_finite ? view->dtype->number(tally->low) : 0;
    found->high = found->has_finite ? view->dtype->number(tally->high) : 0;
    double largest = found->high > -found->low ? found->high : -found->low;
    if (!isfinite(largest * (double)view->count))
        return false; /* what becomes of a sum beyond the largest double hangs on the order of adding */
    found->mean = mean_of(tally, count);
    found->norm = norm_of(view, &walk, tally, largest) * sqrt((double)times);
    found->nan = tally->nan * times;
    found->posinf = tally->posinf * times;
    found->neginf = tally->neginf * times;
    found->first = found->nan || found->posinf || found->neginf ? first_nonfinite(view) : -1;
    take_corner(view, found);
    found->numbers_size = 0;
    return true;
}
