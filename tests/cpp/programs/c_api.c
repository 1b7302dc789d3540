/* The C API as a C99 program sees it: c_api MODEL OUT. MODEL: (N, 6) float32 -> (N, 3), trained
 * with int64 labels. Every call is made; what fails is told on stderr. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nnseq/nnseq_c.h"

#define ROWS 50

static int failures = 0;

#define CHECK(what)                                                            \
  do {                                                                         \
    if (!(what)) {                                                             \
      fprintf(stderr, "line %d: %s; error: %s\n", __LINE__, #what, e.message); \
      ++failures;                                                              \
    }                                                                          \
  } while (0)

static long blocks = 0;

static void* take(size_t bytes, size_t alignment, void* user) {
  void* data = NULL;
  ++*(long*)user;
  return posix_memalign(&data, alignment, bytes) == 0 ? data : NULL;
}

static void give(void* data, size_t bytes, void* user) {
  (void)bytes;
  --*(long*)user;
  free(data);
}

static void in_turn(int tasks, void (*task)(void* arg, int i), void* arg, void* user) {
  int i;
  (void)user;
  for (i = 0; i < tasks; ++i) task(arg, i);
}

static int32_t after_step(const nnseq_progress* now, void* user) {
  ++*(int*)user;
  return now->num_metrics == 0 || !(now->metrics[0].value >= 0);
}

int main(int argc, char** argv) {
  nnseq_error e = {""};
  nnseq_context_options options;
  nnseq_fit_options fit = nnseq_fit_defaults();
  nnseq_context* context = NULL;
  nnseq_model* model = NULL;
  nnseq_model* other = NULL;
  nnseq_predictor* predictor = NULL;
  nnseq_tensor_info info;
  nnseq_array arrays[2];
  float x[ROWS][6], y[ROWS][3], again[ROWS][3], kernel[15], kept[15];
  int64_t labels[ROWS];
  const void* inputs[1];
  void* outputs[1];
  const char* frozen[1] = {"dense"};
  const nnseq_metric* metrics;
  size_t count = 0;
  int i, k, steps = 0;
  if (argc != 3) return 2;

  CHECK(nnseq_abi_version() == NNSEQ_C_ABI);
  CHECK(strlen(nnseq_version()) >= 5);
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.threads = 2;
  options.allocate = take;
  options.deallocate = give;
  options.allocator_user = &blocks;
  options.parallel_for = in_turn;
  CHECK(nnseq_context_create(&options, &context, &e) == NNSEQ_OK);
  CHECK(nnseq_context_threads(context) == 2);

  CHECK(nnseq_model_load(context, "/no/such.nnseq", &model, &e) == NNSEQ_FILE);
  CHECK(model == NULL && strstr(e.message, "/no/such.nnseq") != NULL);
  CHECK(nnseq_model_load_memory(context, "123456789", 9, &model, &e) == NNSEQ_FILE);
  CHECK(nnseq_model_load(NULL, argv[1], &model, &e) == NNSEQ_VALUE);
  CHECK(nnseq_model_load(context, argv[1], &model, NULL) == NNSEQ_OK);

  CHECK(nnseq_model_count(model, NNSEQ_INPUTS) == 1);
  CHECK(nnseq_model_count(model, NNSEQ_TARGETS) == 1);
  info.size = sizeof info;
  CHECK(nnseq_model_info(model, NNSEQ_INPUTS, 0, &info, &e) == NNSEQ_OK);
  CHECK(info.dtype == NNSEQ_FLOAT32 && info.rank == 2 && info.dims[0] == -1 && info.dims[1] == 6);
  CHECK(nnseq_model_info(model, NNSEQ_PARAMETERS, 99, &info, &e) == NNSEQ_VALUE);
  CHECK(strcmp(nnseq_model_class_name(model, 2), "c") == 0);
  CHECK(nnseq_model_class_name(model, 3) == NULL);

  for (i = 0; i < ROWS; ++i) {
    for (k = 0; k < 6; ++k) x[i][k] = (float)sin(i * 6 + k);
    labels[i] = i % 3;
  }
  arrays[0].data = x;
  arrays[0].dtype = NNSEQ_FLOAT32;
  arrays[0].rank = 2;
  arrays[0].dims[0] = ROWS;
  arrays[0].dims[1] = 6;
  arrays[1].data = labels;
  arrays[1].dtype = NNSEQ_INT64;
  arrays[1].rank = 1;
  arrays[1].dims[0] = ROWS;

  outputs[0] = y;
  CHECK(nnseq_model_predict(model, arrays, 1, outputs, 1, 16, &e) == NNSEQ_OK);
  CHECK(nnseq_predictor_create(model, 1, &predictor, &e) == NNSEQ_OK);
  CHECK(nnseq_predictor_bytes(predictor, NNSEQ_INPUTS, 0) == sizeof x[0]);
  CHECK(nnseq_predictor_bytes(predictor, NNSEQ_OUTPUTS, 0) == sizeof y[0]);
  for (i = 0; i < ROWS; ++i) {
    inputs[0] = x[i];
    outputs[0] = again[i];
    CHECK(nnseq_predictor_run(predictor, inputs, 1, outputs, 1, &e) == NNSEQ_OK);
  }
  CHECK(memcmp(y, again, sizeof y) == 0);
  CHECK(nnseq_predictor_run(predictor, inputs, 1, outputs, 2, &e) == NNSEQ_VALUE);
  nnseq_predictor_destroy(predictor);

  CHECK(nnseq_model_freeze(model, frozen, 1, &e) == NNSEQ_OK);
  CHECK(nnseq_model_info(model, NNSEQ_PARAMETERS, 0, &info, &e) == NNSEQ_OK);
  CHECK(info.trainable == 0);
  CHECK(nnseq_model_info(model, NNSEQ_PARAMETERS, 2, &info, &e) == NNSEQ_OK);
  CHECK(info.trainable == 1);
  CHECK(nnseq_model_get_weights(model, info.name, kernel, sizeof kernel, &e) == NNSEQ_OK);
  CHECK(nnseq_model_get_weights(model, info.name, kernel, 4, &e) == NNSEQ_VALUE);
  fit.batch_size = 16;
  fit.epochs = 2;
  fit.progress = after_step;
  fit.user = &steps;
  CHECK(nnseq_model_fit(model, arrays, 2, &fit, &e) == NNSEQ_OK);
  CHECK(steps == 8);
  metrics = nnseq_model_metrics(model, &count);
  CHECK(count == 2 && strcmp(metrics[0].name, "loss") == 0);
  CHECK(nnseq_model_get_weights(model, info.name, kept, sizeof kept, &e) == NNSEQ_OK);
  CHECK(memcmp(kernel, kept, sizeof kept) != 0);
  CHECK(nnseq_model_set_weights(model, info.name, kernel, sizeof kernel, &e) == NNSEQ_OK);
  CHECK(nnseq_model_unfreeze(model, &e) == NNSEQ_OK);
  CHECK(nnseq_model_train_step(model, arrays, 2, &e) == NNSEQ_OK);
  CHECK(nnseq_model_fit(model, arrays, 1, NULL, &e) == NNSEQ_VALUE);
  labels[7] = 99;
  CHECK(nnseq_model_fit(model, arrays, 2, NULL, &e) == NNSEQ_VALUE && strstr(e.message, "99"));
  labels[7] = 1;
  nnseq_context_set_cancelled(context, 1);
  CHECK(nnseq_model_fit(model, arrays, 2, NULL, &e) == NNSEQ_CANCELLED);
  nnseq_context_set_cancelled(context, 0);
  CHECK(nnseq_model_evaluate(model, arrays, 2, 16, &e) == NNSEQ_OK);

  CHECK(nnseq_model_save(model, "/no/such/folder/m.nnseq", &e) == NNSEQ_FILE);
  CHECK(nnseq_model_save(model, argv[2], &e) == NNSEQ_OK);
  CHECK(nnseq_model_load(context, argv[2], &other, &e) == NNSEQ_OK);
  outputs[0] = y;
  CHECK(nnseq_model_predict(model, arrays, 1, outputs, 1, 16, &e) == NNSEQ_OK);
  outputs[0] = again;
  CHECK(nnseq_model_predict(other, arrays, 1, outputs, 1, 50, &e) == NNSEQ_OK);
  CHECK(memcmp(y, again, sizeof y) == 0);
  fwrite(x, sizeof x, 1, stdout);
  fwrite(y, sizeof y, 1, stdout);

  nnseq_context_destroy(context); /* models keep what they need */
  nnseq_model_destroy(other);
  nnseq_model_destroy(model);
  nnseq_model_destroy(NULL);
  CHECK(blocks == 0);
  return failures != 0;
}
