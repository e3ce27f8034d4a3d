/* iddpm for C, and for every language that can call C: open a diffusion model, describe it, draw from it, measure the
 * likelihood of images. C99; link with -liddpm (pkg-config iddpm).
 *
 * The header is not called iddpm.h: that is the name of the C++ library's (<iddpm/iddpm.h>), and which of them a
 * compiler finds must not hang on the order of its -I options.
 *
 * Every function that can fail returns an iddpm_status, IDDPM_OK or what kind of thing went wrong; iddpm_last_error()
 * then says it in a sentence. Nothing is thrown, printed or ended across this border.
 *
 * Ownership: memory that a caller passes stays the caller's, with its size beside it, and isn't looked at after the
 * call; nothing is handed out that the caller must free, but models, by iddpm_model_free. Strings handed in are UTF-8
 * (paths: bytes) and end with a zero.
 *
 * Threads: every function may be called from any thread, at the same time and with the same model. Errors are kept for
 * each thread apart. A callback comes from the thread that made the call. A model that is freed while another thread
 * draws from it lives until that call ends.
 *
 * Versions: before 1.0 a new minor version may change this interface and then has another soname. */
#ifndef IDDPM_C_H
#define IDDPM_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define IDDPM_API __attribute__((visibility("default")))
#else
#define IDDPM_API
#endif

/* What went wrong. Numbers stay; later versions may add some. */
typedef enum iddpm_status {
  IDDPM_OK = 0,
  IDDPM_BAD_INPUT = 1,        /* an argument, setting or file isn't what is expected */
  IDDPM_DAMAGED_FILE = 2,     /* a file is cut short, altered, or breaks the rules of its format */
  IDDPM_UNSUPPORTED = 3,      /* a valid file or setting that this build can't deal with */
  IDDPM_OUT_OF_MEMORY = 4,    /* memory for it can't be had */
  IDDPM_INTERRUPTED = 5,      /* a callback asked to stop */
  IDDPM_NOT_FINITE = 6,       /* a number that had to be finite wasn't */
  IDDPM_NO_SUCH_MODEL = 7,    /* the handle is of no model: null, freed, or never one */
  IDDPM_BUFFER_TOO_SMALL = 8, /* what was asked for doesn't fit */
  IDDPM_INTERNAL = 9          /* a fault of this library or one below it */
} iddpm_status;

/* "damaged file"; "unknown" for a number that is none of these. Never null. */
IDDPM_API const char* iddpm_status_name(int status);

/* The sentence and the kind of the last error of the calling thread: "" and IDDPM_OK after a call that succeeded. The
 * text stays until the thread's next call of a function that returns an iddpm_status. Never null. */
IDDPM_API const char* iddpm_last_error(void);
IDDPM_API iddpm_status iddpm_last_error_kind(void);

/* "0.1.0". Never null. */
IDDPM_API const char* iddpm_version(void);

/* A model that is open. The pointer is a name, not an address: a freed one is known to be none, and is never given to
 * another model. */
typedef struct iddpm_model iddpm_model;

/* Opens what `path` names: a model file or the folder of a run, whatever the program `iddpm sample` accepts. `options`
 * is null or a JSON object, every field of which may be left out: "device"     "auto" (the default), "cpu", "cuda" or
 * "cuda:1" "precision"  "auto" (the default: bfloat16 where the device computes in it), "float32" or "bfloat16" "raw"
 * true: the raw weights instead of the first averaged ones "ema_rate"   the averaged weights of this rate "threads"
 * with how many threads each call computes with this model (the default: one per core that may be used)
 * `*model` is null afterwards if it fails. */
IDDPM_API iddpm_status iddpm_model_open(const char* path, const char* options, iddpm_model** model);

/* Closes it. Null is nothing to do. A handle that is of no model any more is an error, and does no harm. */
IDDPM_API iddpm_status iddpm_model_free(iddpm_model* model);

/* What `iddpm info --json` says of it, and how it was opened ("weights", "device", "precision"), as JSON. Writes at
 * most `size` bytes to `text`, the last a zero, and to `*needed`, unless that is null, how many all of it takes with
 * the zero. IDDPM_BUFFER_TOO_SMALL, with what fits written, if it takes more than `size`; with `text` null and `size` 0
 * only
 * `*needed` is wanted, and that is no error. */
IDDPM_API iddpm_status iddpm_model_describe(const iddpm_model* model, char* text, size_t size, size_t* needed);

/* The images that it draws. */
typedef struct iddpm_image_size {
  int64_t height;
  int64_t width;
  int64_t channels;     /* 1 grey, 3 RGB, 4 RGBA */
  int64_t classes;      /* 0: it knows none */
  int64_t input_height; /* of the images that iddpm_sample_from takes: smaller ones where the model enlarges */
  int64_t input_width;
} iddpm_image_size;

IDDPM_API iddpm_status iddpm_model_image_size(const iddpm_model* model, iddpm_image_size* size);

/* How far a call is. */
typedef struct iddpm_progress {
  int64_t done; /* of `total`: images times steps */
  int64_t total;
  int64_t first;  /* of the batch under way: the place of its first image among those asked for */
  int64_t images; /* and how many images it has */
  int64_t step;   /* of it, 1 to `steps` */
  int64_t steps;
  /* If the request says "preview": the images that the model guesses now, as those that iddpm_sample writes, `images`
   * of them; valid until the callback returns. Null otherwise. */
  const uint8_t* preview;
  size_t preview_size; /* bytes */
} iddpm_progress;

/* Called after every step. Other than 0: stop, the call then fails with IDDPM_INTERRUPTED. Must return: no exception
 * and no longjmp may pass it. It may call this library. */
typedef int (*iddpm_callback)(const iddpm_progress* progress, void* user_data);

/* Draws images into `pixels`: [count][height][width][channels] bytes. `size` must be just that many. `request` is null
 * or a JSON object, every field of which may be left out (docs/samplers.md): "count"      images (16); "first", the
 * number of the first (0), and "seed" (0): image i of a seed is always the same "classes"    a list of numbers or names
 * that images have in turn (all of the model's) "steps"      50, "10,15,20", "trailing20" ... "sampler"    "unipc" and
 * the others, with their options "eta", "order", "churn", "churn_min", "churn_max", "churn_noise", "threshold"
 *   "guidance"   how closely the class is followed: 1 as learned, 2 more so, if the model was trained for it;
 *                "guidance_interval": [LOW, HIGH], the noise levels at which
 *   "guide"      path of a weaker model to lead away from, with "guidance"
 *   "classifier" path of a classifier of noisy images to lead by; "classifier_scale" (1)
 *   "start"      "noise", or "data": at the mean and spread of the training images
 *   "batch"      images at a time (64); "memory": bytes that may be taken, by smaller batches (0: not looked at)
 *   "preview"    true: the callback is shown images
 * `*drawn`, unless null, becomes how many images are finished: fewer than asked for if it fails, and these are in
 * `pixels`. `callback` may be null; `user_data` is for it. All is checked before anything is drawn. */
IDDPM_API iddpm_status iddpm_sample(const iddpm_model* model, const char* request, uint8_t* pixels, size_t size,
                                    int64_t* drawn, iddpm_callback callback, void* user_data);

/* The same beginning at images: `input` holds any number of them, [M][input_height][input_width][channels] bytes,
 * `input_size` in all; image number n begins at n modulo M. A model of super-resolution enlarges them. Any other draws
 * variations of them, with one more field of the request:
 *   "strength"   the share of the process, above 0 to 1, that is undone (0.6) */
IDDPM_API iddpm_status iddpm_sample_from(const iddpm_model* model, const char* request, const uint8_t* input,
                                         size_t input_size, uint8_t* pixels, size_t size, int64_t* drawn,
                                         iddpm_callback callback, void* user_data);

/* The classes of the images that a request draws: `labels` has `count` places, as many as the request has images. The
 * model must know classes. */
IDDPM_API iddpm_status iddpm_sample_labels(const iddpm_model* model, const char* request, int64_t* labels,
                                           int64_t count);

/* The likelihood of images: bounds on their negative logarithm in bits per dimension (arXiv 2102.09672, eq. 4 to 7).
 * `pixels` are [count][height][width][channels] bytes, `size` in all; `labels` their classes, null for a model without;
 * `bits` has `count` places. `options` is null or a JSON object:
 *   "steps"  of the process (the default: all of them; fewer give a looser bound), as for iddpm_sample
 *   "seed"   of the noise (0)
 *   "batch"  images at a time (64)
 * The callback is told `done` and `total` alone, the rest is 0. */
IDDPM_API iddpm_status iddpm_likelihood(const iddpm_model* model, const char* options, const uint8_t* pixels,
                                        size_t size, const int64_t* labels, double* bits, int64_t count,
                                        iddpm_callback callback, void* user_data);

#ifdef __cplusplus
}
#endif

#endif /* IDDPM_C_H */
