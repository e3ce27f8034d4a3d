#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset.h"

namespace iddpm {

/// Images ready for training.
struct Batch {
  Tensor x_0;                      ///< float32 [N, C, H, W] in [-1, 1]
  Tensor y;                        ///< int64 [N], undefined without classes
  std::int64_t first_example = 0;  ///< number of the first image since the start of the run
};

struct BatchLoaderOptions {
  std::int64_t batch = 128;
  /// Of each batch only these rows, where processes share it; 0 rows: all.
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  std::uint64_t seed = 0;
  bool random_flip = false;        ///< mirrored left to right with probability 1/2, from (seed, example)
  std::int64_t first_example = 0;  ///< where to go on: the number of examples seen so far
  std::int64_t workers = 1;        ///< threads that decode ahead; batches don't depend on their number
  std::int64_t batches_ahead = 4;  ///< batches ready or being decoded, at most
  bool strict = false;             ///< a broken image is an Error instead of being skipped
};

/// An endless stream of batches, decoded ahead by threads of its own. Example g of the run is image order_e[g % n] of
/// epoch e = g / n, with a new order each epoch from (seed, e): a pure function of the seed and g, so that a run can be
/// resumed anywhere. A broken image is replaced by the next good one in the epoch's order (from its start again at its
/// end) and counted.
class BatchLoader {
 public:
  /// Starts decoding. Throws Error for options out of range or an empty data set.
  BatchLoader(std::shared_ptr<const Dataset> dataset, BatchLoaderOptions options);
  /// Waits for the images being decoded, not for whole batches.
  ~BatchLoader();
  BatchLoader(BatchLoader&&) noexcept;

  /// The next batch (this loader's rows of it), always of full size. Throws Error in strict mode on a broken image, or
  /// if all images are broken, and whatever else a worker met, when its batch's turn has come; asked again, it throws
  /// the same again.
  Batch next();
  /// Seconds that `next` has spent waiting for images, in all.
  double seconds_waited() const;
  /// Names of the broken images that the batches given so far would have held, each once.
  std::vector<std::string> skipped() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Images first .. first + count - 1 of a data set in its own order, without flips: for evaluation. Broken images are
/// left out and their names added to `skipped` (if given; otherwise an Error). Throws Error for images beyond the last.
Batch read_batch(const Dataset& dataset, std::int64_t first, std::int64_t count,
                 std::vector<std::string>* skipped = nullptr);

}  // namespace iddpm
