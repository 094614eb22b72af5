/* How records lie in the log: printed from gradb.log.layouts by gradb.log.header, not written by hand. */

#ifndef GRADB_LAYOUTS_H
#define GRADB_LAYOUTS_H

#include <stdint.h>

#define ABSENT UINT32_C(4294967295)
#define NO_NUMBER INT64_MIN
#define NOWHERE (-1)
#define ALIGNMENT 8

/* Flags of events, as in gradb.tape.schema. */
enum { QUIET = 1, NANS = 2, INFINITIES = 4, BIRTH = 8, GRAD_OFF = 16, INFERENCE = 32, SCALED = 64 };

/* Numbers of the kinds that C knows, as in gradb.tape.kinds.registry. */
enum { LEAF_KIND = 0, OP_KIND = 1, BACKWARD_START_KIND = 2, NODE_START_KIND = 3, NODE_KIND = 5, ACCUMULATE_KIND = 7, BACKWARD_END_KIND = 9, ZERO_GRAD_KIND = 10, GRAD_CHANGE_KIND = 11, STEP_KIND = 12, DEPTH_KIND = 15 };

/* Steps of conditions, as in gradb.tape.conditions.program, and the fields of headers that they push. */
enum { DO_ANY = 0, DO_NUMBER = 1, DO_NONE = 2, DO_TEXT = 3, DO_FIELD = 4, DO_SERIES = 5, DO_UPDATE = 6, DO_UPSTREAM = 7, DO_DOWNSTREAM = 8, DO_TENSOR = 9, DO_GRAD = 10, DO_INDEX = 11, DO_SINGLE = 12, DO_NEGATE = 13, DO_ADD = 14, DO_SUBTRACT = 15, DO_MULTIPLY = 16, DO_DIVIDE = 17, DO_NORM = 18, DO_MIN = 19, DO_MAX = 20, DO_SUM = 21, DO_MEAN = 22, DO_ABS = 23, DO_LESS = 24, DO_AT_MOST = 25, DO_MORE = 26, DO_AT_LEAST = 27, DO_EQUAL = 28, DO_UNEQUAL = 29, DO_IS = 30, DO_IS_NOT = 31, DO_TEST = 32, DO_NOT = 33, DO_AND = 34, DO_OR = 35, DO_ALL = 36 };
enum { FIELD_KIND = 0, FIELD_NAME = 1, FIELD_SCOPE = 2, FIELD_PHASE = 3, FIELD_SEQ = 4, FIELD_ITERATION = 5, FIELD_LINE = 6, FIELD_NODE = 7 };
#define MOST_HIGH 32

#define TEXT_CODE 1
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    uint32_t id;
    uint32_t text_size;
} TextRecord;
_Static_assert(sizeof(TextRecord) == 16, "text");

#define PLACE_CODE 2
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    uint32_t id;
    int32_t source;
    int32_t line;
    int32_t end_line;
    int32_t column;
    int32_t end_column;
    int32_t library_source;
    int32_t library_line;
    uint32_t stack;
} PlaceRecord;
_Static_assert(sizeof(PlaceRecord) == 44, "place");

#define EVENT_CODE 3
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    int64_t seq;
    uint32_t kind;
    uint32_t name;
    uint32_t place;
    uint32_t scope;
    uint32_t phase;
    uint32_t iteration;
    int64_t node;
    uint16_t flags;
    uint16_t thread;
    uint32_t detail_size;
    uint32_t data_size;
} EventRecord;
_Static_assert(sizeof(EventRecord) == 60, "event");

#define RUN_CODE 4
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    uint32_t key_size;
    uint32_t value_size;
} RunRecord;
_Static_assert(sizeof(RunRecord) == 16, "run");

#define SOURCE_CODE 5
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    uint32_t id;
    uint32_t path_size;
    uint32_t text_size;
} SourceRecord;
_Static_assert(sizeof(SourceRecord) == 20, "source");

#define SERIES_CODE 6
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    uint32_t id;
    int32_t source;
    int32_t line;
    uint32_t kind_size;
    uint32_t name_size;
} SeriesRecord;
_Static_assert(sizeof(SeriesRecord) == 28, "series");

#define RENUMBERED_CODE 7
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    int64_t event;
    uint32_t numbers_size;
} RenumberedRecord;
_Static_assert(sizeof(RenumberedRecord) == 20, "renumbered");

#define NODE_CODE 8
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    int64_t id;
    int64_t event;
    uint32_t name;
    uint32_t kind;
    int64_t tensor;
    uint8_t saves;
    uint32_t edges_size;
} NodeRecord;
_Static_assert(sizeof(NodeRecord) == 45, "node");

#define SAVED_CODE 9
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    int64_t node;
    uint32_t detail_size;
    uint32_t data_size;
} SavedRecord;
_Static_assert(sizeof(SavedRecord) == 24, "saved");

#define USED_CODE 10
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    int64_t node;
    int64_t event;
    uint32_t detail_size;
    uint32_t data_size;
} UsedRecord;
_Static_assert(sizeof(UsedRecord) == 32, "used");

#define TOUCHED_CODE 11
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    int64_t storage;
    int64_t event;
} TouchedRecord;
_Static_assert(sizeof(TouchedRecord) == 24, "touched");

#define GONE_CODE 12
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    int64_t first;
    int64_t last;
    int64_t event;
} GoneRecord;
_Static_assert(sizeof(GoneRecord) == 32, "gone");

#define REMARK_CODE 13
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    int64_t node;
    int64_t event;
    uint32_t kind;
    uint32_t text_size;
} RemarkRecord;
_Static_assert(sizeof(RemarkRecord) == 32, "remark");

#define MISSING_CODE 14
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    int64_t event;
    uint32_t part_size;
    uint32_t why_size;
    uint32_t hides_size;
} MissingRecord;
_Static_assert(sizeof(MissingRecord) == 28, "missing");

#define TENSOR_CODE 15
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    int64_t tensor;
    int64_t event;
    int64_t node;
    int64_t output_nr;
} TensorRecord;
_Static_assert(sizeof(TensorRecord) == 40, "tensor");

#define NAME_CODE 16
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    int64_t tensor;
    int64_t event;
    uint32_t name;
} NameRecord;
_Static_assert(sizeof(NameRecord) == 28, "name");

#define GRAD_CODE 17
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    int64_t tensor;
    int64_t event;
    int64_t fills;
    int64_t since;
} GradRecord;
_Static_assert(sizeof(GradRecord) == 40, "grad");

#define POINT_CODE 18
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    uint32_t series;
    int64_t event;
    int64_t iteration;
    double value;
} PointRecord;
_Static_assert(sizeof(PointRecord) == 36, "point");

#define CLOSED_CODE 19
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
} ClosedRecord;
_Static_assert(sizeof(ClosedRecord) == 8, "closed");

#define NEXT_CODE 20
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
} NextRecord;
_Static_assert(sizeof(NextRecord) == 8, "next");

#define STACK_CODE 21
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    uint32_t id;
    int32_t outer;
    uint32_t others;
    int32_t source;
    int32_t line;
    int32_t end_line;
    int32_t column;
    int32_t end_column;
    uint32_t function_size;
    uint32_t packages_size;
} StackRecord;
_Static_assert(sizeof(StackRecord) == 48, "stack");

#define MARK_CODE 22
typedef struct __attribute__((packed)) {
    uint32_t length;
    uint16_t code;
    uint16_t zero;
    uint32_t number;
} MarkRecord;
_Static_assert(sizeof(MarkRecord) == 12, "mark");

#endif
