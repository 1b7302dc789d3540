/* nnseq for C99 and for every language that can call C: load a model, run it, train it, save it.
 *
 * Every call that can fail returns a status and, where `error` is not NULL, writes one line of text
 * there. Nothing is printed, nothing aborts, nothing is global: contexts and models are handles
 * that are destroyed by their owner. A struct with a `size` begins with its sizeof, so that a
 * program goes on working with a later library. Arrays are contiguous, one row per sample. */
#ifndef NNSEQ_C_H
#define NNSEQ_C_H

#include <stddef.h>
#include <stdint.h>

#include "nnseq/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when a program that was compiled before would no longer work. */
#define NNSEQ_C_ABI 1
#define NNSEQ_MAX_RANK 8
#define NNSEQ_MESSAGE_SIZE 512

NNSEQ_API int32_t nnseq_abi_version(void);
NNSEQ_API const char* nnseq_version(void);

typedef enum nnseq_status {
  NNSEQ_OK = 0,
  NNSEQ_VALUE = 1,       /* wrong shape, name, size or data */
  NNSEQ_TYPE = 2,        /* wrong dtype */
  NNSEQ_UNSUPPORTED = 3, /* a thing that nnseq, or this file, does not do */
  NNSEQ_MEMORY = 4,      /* an allocation failed */
  NNSEQ_NOT_FINITE = 5,  /* infinity or NaN where the model checks for them */
  NNSEQ_CANCELLED = 6,   /* nnseq_context_set_cancelled */
  NNSEQ_FILE = 7,        /* a file that cannot be read, trusted or written */
  NNSEQ_INTERNAL = 8     /* a bug in nnseq */
} nnseq_status;

typedef struct nnseq_error {
  char message[NNSEQ_MESSAGE_SIZE]; /* always ends with 0; "" after a call that succeeded */
} nnseq_error;

typedef enum nnseq_dtype {
  NNSEQ_FLOAT32 = 0,
  NNSEQ_FLOAT64 = 1,
  NNSEQ_INT32 = 2,
  NNSEQ_INT64 = 3,
  NNSEQ_UINT8 = 4,
  NNSEQ_BOOL = 5
} nnseq_dtype;

typedef struct nnseq_context nnseq_context;
typedef struct nnseq_model nnseq_model;
typedef struct nnseq_predictor nnseq_predictor;

/* --- contexts ------------------------------------------------------------------------------- */

typedef struct nnseq_context_options {
  size_t size;     /* sizeof(nnseq_context_options) */
  int32_t threads; /* 0: what the machine, its limits and NNSEQ_NUM_THREADS allow */
  const char* isa; /* NULL: the best of this machine */
  uint64_t seed;   /* of the order of samples */
  void (*log)(const char* text, void* user); /* NULL: nothing is told */
  void* log_user;
  /* Memory of tensors; NULL: the C library's. Called from any thread. */
  void* (*allocate)(size_t bytes, size_t alignment, void* user);
  void (*deallocate)(void* data, size_t bytes, void* user);
  void* allocator_user;
  /* The application's threads; NULL: the context starts its own. Calls task(arg, i) once for each i
   * in [0, tasks), at one time or in turn, and returns when all are done. */
  void (*parallel_for)(int tasks, void (*task)(void* arg, int i), void* arg, void* user);
  void* parallel_user;
} nnseq_context_options;

/* `options` may be NULL. */
NNSEQ_API nnseq_status nnseq_context_create(const nnseq_context_options* options,
                                            nnseq_context** out, nnseq_error* error);
/* Models keep what they need of their context. NULL is allowed, here and below. */
NNSEQ_API void nnseq_context_destroy(nnseq_context* context);
NNSEQ_API int32_t nnseq_context_threads(const nnseq_context* context);
/* While it is set, runs end with NNSEQ_CANCELLED. From any thread or signal handler. */
NNSEQ_API void nnseq_context_set_cancelled(nnseq_context* context, int cancelled);

/* --- models --------------------------------------------------------------------------------- */

NNSEQ_API nnseq_status nnseq_model_load(nnseq_context* context, const char* path, nnseq_model** out,
                                        nnseq_error* error);
/* The bytes of a file; they are not referred to afterwards. */
NNSEQ_API nnseq_status nnseq_model_load_memory(nnseq_context* context, const void* data,
                                               size_t bytes, nnseq_model** out, nnseq_error* error);
NNSEQ_API void nnseq_model_destroy(nnseq_model* model);
/* The file appears whole or not at all. */
NNSEQ_API nnseq_status nnseq_model_save(const nnseq_model* model, const char* path,
                                        nnseq_error* error);

typedef enum nnseq_part {
  NNSEQ_INPUTS = 0,
  NNSEQ_OUTPUTS = 1,
  NNSEQ_TARGETS = 2, /* what a training step takes after the inputs */
  NNSEQ_PARAMETERS = 3
} nnseq_part;

typedef struct nnseq_tensor_info {
  size_t size;      /* sizeof(nnseq_tensor_info) */
  const char* name; /* as long as the model lives */
  int32_t dtype;    /* nnseq_dtype */
  int32_t rank;
  int64_t dims[NNSEQ_MAX_RANK]; /* -1: any size */
  int32_t trainable;            /* of a parameter: 1 where it is trained and not frozen */
} nnseq_tensor_info;

NNSEQ_API size_t nnseq_model_count(const nnseq_model* model, nnseq_part part);
NNSEQ_API nnseq_status nnseq_model_info(const nnseq_model* model, nnseq_part part, size_t index,
                                        nnseq_tensor_info* out, nnseq_error* error);
NNSEQ_API const char* nnseq_model_name(const nnseq_model* model);
NNSEQ_API size_t nnseq_model_class_count(const nnseq_model* model);
/* NULL where there is no such class. */
NNSEQ_API const char* nnseq_model_class_name(const nnseq_model* model, size_t index);

/* `bytes` must be those of the parameter. */
NNSEQ_API nnseq_status nnseq_model_get_weights(const nnseq_model* model, const char* name,
                                               void* data, size_t bytes, nnseq_error* error);
NNSEQ_API nnseq_status nnseq_model_set_weights(nnseq_model* model, const char* name,
                                               const void* data, size_t bytes, nnseq_error* error);
/* By the names of parameters, layers or models; all of them are trained again after unfreeze. */
NNSEQ_API nnseq_status nnseq_model_freeze(nnseq_model* model, const char* const* names,
                                          size_t count, nnseq_error* error);
NNSEQ_API nnseq_status nnseq_model_unfreeze(nnseq_model* model, nnseq_error* error);

/* --- prediction ----------------------------------------------------------------------------- */

/* For `samples` rows at a time. The model must outlive no predictor: each keeps what it needs. */
NNSEQ_API nnseq_status nnseq_predictor_create(const nnseq_model* model, int64_t samples,
                                              nnseq_predictor** out, nnseq_error* error);
NNSEQ_API void nnseq_predictor_destroy(nnseq_predictor* predictor);
/* Bytes of input or output `index` (part: NNSEQ_INPUTS, NNSEQ_OUTPUTS), 0 where there is none. */
NNSEQ_API size_t nnseq_predictor_bytes(const nnseq_predictor* predictor, nnseq_part part,
                                       size_t index);
/* Allocates nothing. One thread at a time; predictors of one model run beside each other. */
NNSEQ_API nnseq_status nnseq_predictor_run(nnseq_predictor* predictor, const void* const* inputs,
                                           size_t num_inputs, void* const* outputs,
                                           size_t num_outputs, nnseq_error* error);

typedef struct nnseq_array {
  const void* data;
  int32_t dtype; /* nnseq_dtype; converted as far as that loses nothing of its kind */
  int32_t rank;
  int64_t dims[NNSEQ_MAX_RANK]; /* dims[0]: samples */
} nnseq_array;

/* All rows; outputs[i] has room for as many rows of output i. */
NNSEQ_API nnseq_status nnseq_model_predict(const nnseq_model* model, const nnseq_array* inputs,
                                           size_t num_inputs, void* const* outputs,
                                           size_t num_outputs, int64_t batch_size,
                                           nnseq_error* error);

/* --- training ------------------------------------------------------------------------------- */

typedef struct nnseq_metric {
  const char* name; /* as long as the model lives and until the next call that computes metrics */
  double value;
} nnseq_metric;

typedef struct nnseq_progress {
  int64_t epoch, epochs; /* the one under way, from 0 */
  int64_t step, steps;   /* done, of this epoch */
  const nnseq_metric* metrics;
  size_t num_metrics;
} nnseq_progress;

typedef struct nnseq_fit_options {
  size_t size; /* sizeof(nnseq_fit_options) */
  int64_t batch_size;
  int64_t epochs;
  int64_t first_epoch;
  int32_t shuffle;
  /* Called after each step; anything but 0 ends the training there. NULL: many steps at a time. */
  int32_t (*progress)(const nnseq_progress* now, void* user);
  void* user;
} nnseq_fit_options;

/* Batches of 32, one epoch, shuffled. */
NNSEQ_API nnseq_fit_options nnseq_fit_defaults(void);

/* Arrays: the inputs, then the targets. `options` may be NULL. */
NNSEQ_API nnseq_status nnseq_model_fit(nnseq_model* model, const nnseq_array* arrays, size_t count,
                                       const nnseq_fit_options* options, nnseq_error* error);
NNSEQ_API nnseq_status nnseq_model_train_step(nnseq_model* model, const nnseq_array* arrays,
                                              size_t count, nnseq_error* error);
NNSEQ_API nnseq_status nnseq_model_evaluate(nnseq_model* model, const nnseq_array* arrays,
                                            size_t count, int64_t batch_size, nnseq_error* error);
/* What the last fit (its last epoch), train_step or evaluate computed. */
NNSEQ_API const nnseq_metric* nnseq_model_metrics(const nnseq_model* model, size_t* count);

#ifdef __cplusplus
}
#endif

#endif
