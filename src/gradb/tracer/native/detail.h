/* What stands in the detail of an event: values of tensors and of gradients, found in the wire form without decoding it.

   It reads what was just written here, by C or by Python; what it does not know how to read is not found. */

#ifndef GRADB_DETAIL_H
#define GRADB_DETAIL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "dtype.h"
#include "number.h"

#define MOST_DIM 8

/* A detail in its wire form, and the bytes of its values. */
typedef struct {
    const char *text, *data; /* NULL: there is none */
    size_t text_size, data_size;
} Detail;

/* Where one reads on in a text of JSON; `at` is NULL where something was not as expected. */
typedef struct {
    const char *at, *end;
    const Detail *detail;
} Reading;

/* A value. */
typedef struct {
    const Dtype *dtype;   /* NULL: it is not known here */
    int64_t dim, sizes[MOST_DIM], count;
    const char *elements; /* NULL: not kept whole */
    Reading statistics;   /* `at` is NULL: there are none */
    bool is_absolute;     /* of each element its magnitude is meant */
} Value;

/* A value; None or nothing of that name; what is not looked into here; what surely makes no sense. */
enum { FOUND, MISSING, UNCLEAR, FAULTY };

Reading reading_field(const Detail *detail, int number);
bool reading_enter(Reading *reading); /* into a list; false where it is empty, or none */
bool reading_next(Reading *reading);  /* past one item of it, to the next; false at the end */
bool reading_is_null(const Reading *reading);
double reading_number(Reading *reading); /* NaN where it is none */

/* Read `V`, or what is of interest of `T`; what was found is told as above. */
int value_read(Reading reading, Value *value);
int value_of_tensor(Reading reading, Value *value);

/* Tell whether something is called by a mark, the end of its name as JSON. */
bool detail_mentions(const Detail *detail, const char *mark, size_t size);

/* Find what is called so: a tensor that an event of a kind tells of, or a gradient, whose `dtype` is NULL where it is FOUND
   to be None. */
int detail_tensor(const Detail *detail, int kind, const char *mark, size_t size, Value *value);
int detail_grad(const Detail *detail, int kind, const char *mark, size_t size, Value *value);

/* Find how much a step has changed: 2-norms of the changes and of the parameters; false where that does not stand there. */
bool detail_step_size(const Detail *detail, double *change, double *whole);

#endif
