/* Trains the last layer of a model on new samples: fine_tune MODEL ROWS X Y OUT
 * X: raw float32 rows of the model's input; Y: raw int64 labels.
 * OUT is a model file that Python opens as it opened MODEL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nnseq/nnseq_c.h"

static int fail(const char* what, const nnseq_error* error) {
  fprintf(stderr, "fine_tune: %s: %s\n", what, error->message);
  return 1;
}

static void* read_file(const char* path, size_t bytes) {
  FILE* file = fopen(path, "rb");
  void* data = malloc(bytes);
  if (file == NULL || data == NULL || fread(data, 1, bytes, file) != bytes) {
    fprintf(stderr, "fine_tune: %s does not hold %lu bytes\n", path, (unsigned long)bytes);
    exit(1);
  }
  fclose(file);
  return data;
}

/* Freezes what does not share the layer of the last parameter: "net/last/" of "net/last/bias". */
static nnseq_status freeze_all_but_last(nnseq_model* model, nnseq_error* error) {
  size_t i, length, count = nnseq_model_count(model, NNSEQ_PARAMETERS);
  char layer[256];
  nnseq_tensor_info info;
  nnseq_status status;
  info.size = sizeof info;
  status = nnseq_model_info(model, NNSEQ_PARAMETERS, count - 1, &info, error);
  if (status != NNSEQ_OK) return status;
  snprintf(layer, sizeof layer, "%s", info.name);
  length = strrchr(layer, '/') == NULL ? 0 : (size_t)(strrchr(layer, '/') + 1 - layer);
  for (i = 0; i < count && status == NNSEQ_OK; ++i) {
    status = nnseq_model_info(model, NNSEQ_PARAMETERS, i, &info, error);
    if (status == NNSEQ_OK && strncmp(info.name, layer, length) != 0) {
      const char* name = info.name;
      status = nnseq_model_freeze(model, &name, 1, error);
    }
  }
  return status;
}

static int32_t report(const nnseq_progress* now, void* user) {
  (void)user;
  if (now->step == now->steps && now->num_metrics > 0) {
    printf("epoch %ld: %s %.4f\n", (long)now->epoch + 1, now->metrics[0].name,
           now->metrics[0].value);
  }
  return 0;
}

int main(int argc, char** argv) {
  nnseq_error error;
  nnseq_context* context = NULL;
  nnseq_model* model = NULL;
  nnseq_tensor_info input;
  nnseq_array arrays[2];
  nnseq_fit_options options = nnseq_fit_defaults();
  size_t row = sizeof(float);
  int64_t rows;
  int i;
  if (argc != 6) {
    fprintf(stderr, "usage: fine_tune MODEL ROWS X Y OUT\n");
    return 2;
  }
  if (nnseq_context_create(NULL, &context, &error) != NNSEQ_OK) return fail("context", &error);
  if (nnseq_model_load(context, argv[1], &model, &error) != NNSEQ_OK) return fail("load", &error);
  if (freeze_all_but_last(model, &error) != NNSEQ_OK) return fail("freeze", &error);

  input.size = sizeof input;
  if (nnseq_model_info(model, NNSEQ_INPUTS, 0, &input, &error) != NNSEQ_OK) {
    return fail("input", &error);
  }
  rows = atol(argv[2]);
  for (i = 1; i < input.rank; ++i) row *= (size_t)input.dims[i];
  memset(arrays, 0, sizeof arrays);
  arrays[0].data = read_file(argv[3], row * (size_t)rows);
  arrays[0].dtype = NNSEQ_FLOAT32;
  arrays[0].rank = input.rank;
  memcpy(arrays[0].dims, input.dims, sizeof input.dims);
  arrays[0].dims[0] = rows;
  arrays[1].data = read_file(argv[4], sizeof(int64_t) * (size_t)rows);
  arrays[1].dtype = NNSEQ_INT64;
  arrays[1].rank = 1;
  arrays[1].dims[0] = rows;

  options.epochs = 3;
  options.progress = report;
  if (nnseq_model_fit(model, arrays, 2, &options, &error) != NNSEQ_OK) return fail("fit", &error);
  if (nnseq_model_save(model, argv[5], &error) != NNSEQ_OK) return fail("save", &error);
  free((void*)arrays[0].data);
  free((void*)arrays[1].data);
  nnseq_model_destroy(model);
  nnseq_context_destroy(context);
  return 0;
}
