/* Draws from a model in C and writes each image as a portable grey or colour map.
 *
 * example_sample_from_c MODEL [COUNT] */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "iddpm_c.h"

static int complain(const char* what) {
  fprintf(stderr, "%s: %s (%s)\n", what, iddpm_last_error(), iddpm_status_name(iddpm_last_error_kind()));
  return 1;
}

static int show_progress(const iddpm_progress* progress, void* user_data) {
  (void)user_data;
  fprintf(stderr, "\r%" PRId64 " of %" PRId64, progress->done, progress->total);
  return 0; /* anything else: stop */
}

/* P5 is grey, P6 colour. */
static int write_image(int64_t number, const uint8_t* pixels, const iddpm_image_size* size) {
  char name[64];
  snprintf(name, sizeof name, "sample_from_c_%" PRId64 ".%s", number, size->channels == 1 ? "pgm" : "ppm");
  FILE* file = fopen(name, "wb");
  if (file == NULL) return 0;
  const size_t bytes = (size_t)(size->height * size->width * size->channels);
  fprintf(file, "P%d\n%" PRId64 " %" PRId64 "\n255\n", size->channels == 1 ? 5 : 6, size->width, size->height);
  const int written = fwrite(pixels, 1, bytes, file) == bytes;
  return fclose(file) == 0 && written;
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s MODEL [COUNT]\n", argv[0]);
    return 2;
  }
  const int count = argc > 2 ? atoi(argv[2]) : 4;

  iddpm_model* model = NULL;
  if (iddpm_model_open(argv[1], NULL, &model) != IDDPM_OK) return complain("open");

  iddpm_image_size size;
  if (iddpm_model_image_size(model, &size) != IDDPM_OK) return complain("image size");
  if (size.channels != 1 && size.channels != 3) return fprintf(stderr, "neither grey nor RGB\n"), 1;

  const size_t image_bytes = (size_t)(size.height * size.width * size.channels);
  const size_t bytes = image_bytes * (size_t)count;
  uint8_t* pixels = malloc(bytes);
  char request[64];
  snprintf(request, sizeof request, "{\"count\": %d, \"seed\": 7, \"steps\": 10}", count);

  int64_t drawn = 0;
  const iddpm_status status = iddpm_sample(model, request, pixels, bytes, &drawn, show_progress, NULL);
  fputc('\n', stderr);
  if (status != IDDPM_OK) complain("sample");
  for (int64_t i = 0; i < drawn; ++i) { /* also those that were finished before it was stopped */
    if (!write_image(i, pixels + (size_t)i * image_bytes, &size))
      return fprintf(stderr, "an image can't be written\n"), 1;
  }
  free(pixels);
  iddpm_model_free(model);
  printf("%" PRId64 " images of %" PRId64 " x %" PRId64 "\n", drawn, size.height, size.width);
  return status == IDDPM_OK ? 0 : 1;
}
