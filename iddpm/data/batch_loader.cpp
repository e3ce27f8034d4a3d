#include "iddpm/data/batch_loader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/core/random_stream.h"
#include "iddpm/data/batch_pixels.h"
#include "iddpm/data/epoch_orders.h"

namespace iddpm {

namespace {

void check_range(const char* name, std::int64_t value, std::int64_t smallest, std::int64_t largest) {
  require(value >= smallest && value <= largest, "{}: expected {} to {}, got {}", name, smallest, largest, value);
}

void check(const Dataset* dataset, const BatchLoaderOptions& options) {
  require(dataset != nullptr, "batch loader: a data set is expected");
  require(dataset->size() > 0, "batch loader: the data set holds no images");
  check_range("batch", options.batch, 1, 1'000'000);
  check_range("rows of the batch", options.rows, 0, options.batch);
  check_range("first row of the batch", options.first_row, 0, options.batch - options.rows);
  check_range("data workers", options.workers, 1, 1024);
  check_range("batches ahead", options.batches_ahead, 1, 1024);
  check_range("first example", options.first_example, 0, std::int64_t{1} << 62);
}

// Workers share batches in parts, so that many of them have work even if few batches are to be ready.
constexpr std::int64_t most_rows_of_part = 16;

}  // namespace

struct BatchLoader::State {
  /// What a worker makes of some rows of a batch.
  struct DecodedRows {
    std::vector<std::int64_t> broken;  ///< images that were left out, as they were met
    std::exception_ptr error;
  };

  /// A batch that is being decoded, or waits to be given.
  struct OpenBatch {
    Batch batch;
    std::int64_t rows_done = 0;
    std::map<std::int64_t, DecodedRows> parts;  ///< by their first rows
  };

  /// What a worker takes: some rows of a batch.
  struct Part {
    OpenBatch* batch = nullptr;
    std::int64_t first_row = 0;
    std::int64_t rows = 0;
  };

  State(std::shared_ptr<const Dataset> data, BatchLoaderOptions loader_options)
      : dataset(std::move(data)),
        options(loader_options),
        rows_of_batch(options.rows > 0 ? options.rows : options.batch),
        orders(options.seed, dataset->size()),
        known_broken(static_cast<std::size_t>(dataset->size())) {}

  ~State() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    room.notify_all();
    for (std::thread& thread : threads) thread.join();
  }

  /// Not in the constructor: if a thread can't be started, those before it are joined by the destructor.
  void start() {
    for (std::int64_t i = 0; i < options.workers; ++i) threads.emplace_back([this] { work(); });
  }

  /// A worker: takes the next rows, decodes them, and sleeps while enough batches are ready.
  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      room.wait(lock, [this] { return stopping || has_part(); });
      if (stopping) return;
      const Part part = take_part();
      lock.unlock();
      DecodedRows decoded;
      try {
        decode(part, decoded);
      } catch (...) {
        decoded.error = std::current_exception();
      }
      lock.lock();
      part.batch->parts.emplace(part.first_row, std::move(decoded));
      part.batch->rows_done += part.rows;
      if (part.batch->rows_done == rows_of_batch) ready.notify_one();
    }
  }

  bool has_part() const { return next_to_decode - next_to_give < options.batches_ahead; }

  Part take_part() {
    OpenBatch& open = opened[next_to_decode];
    if (next_row == 0) {
      open.batch = empty_batch(*dataset, rows_of_batch);
      open.batch.first_example = options.first_example + next_to_decode * options.batch + options.first_row;
    }
    const std::int64_t share = (rows_of_batch + options.workers - 1) / options.workers;
    const std::int64_t rows = std::min({rows_of_batch - next_row, share, most_rows_of_part});
    const Part part = {&open, next_row, rows};
    next_row += rows;
    if (next_row == rows_of_batch) {
      ++next_to_decode;
      next_row = 0;
    }
    return part;
  }

  void decode(const Part& part, DecodedRows& decoded) {
    for (std::int64_t row = part.first_row; row < part.first_row + part.rows && !stopping; ++row) {
      const std::int64_t example = part.batch->batch.first_example + row;
      const bool mirrored =
          options.random_flip &&
          RandomStream(options.seed, StreamPurpose::augmentation, static_cast<std::uint64_t>(example)).uniform() < 0.5;
      read_example(example, row, mirrored, part.batch->batch, decoded);
    }
  }

  /// The first good image from the example's place in the order of its epoch, into row `row`.
  void read_example(std::int64_t example, std::int64_t row, bool mirrored, Batch& batch, DecodedRows& decoded) {
    const std::int64_t size = dataset->size();
    const EpochOrders::Order order = orders.of(example / size);
    std::string failure;
    for (std::int64_t tried = 0; tried < size && !stopping; ++tried) {
      const std::int64_t index = (*order)[static_cast<std::size_t>((example % size + tried) % size)];
      std::atomic<bool>& broken = known_broken[static_cast<std::size_t>(index)];
      if (!broken) {
        try {
          set_image(batch, row, *dataset, index, mirrored);
          return;
        } catch (const Error& error) {
          if (options.strict) throw;
          failure = error.what();
          broken = true;
        }
      }
      decoded.broken.push_back(index);
    }
    if (stopping) return;
    fail("none of the {} images can be read{}{}", size, failure.empty() ? "" : "; the last: ", failure);
  }

  Batch next() {
    using Clock = std::chrono::steady_clock;
    std::unique_lock lock(mutex);
    const auto is_ready = [this] {
      const auto place = opened.find(next_to_give);
      return place != opened.end() && place->second.rows_done == rows_of_batch;
    };
    if (!is_ready()) {
      const Clock::time_point start = Clock::now();
      ready.wait(lock, is_ready);
      seconds_waited += std::chrono::duration<double>(Clock::now() - start).count();
    }
    const auto place = opened.find(next_to_give);
    // An error stays where it is, so that whoever asks again gets it again.
    for (const auto& [row, part] : place->second.parts) {
      if (part.error) std::rethrow_exception(part.error);
    }
    Batch batch = std::move(place->second.batch);
    for (const auto& [row, part] : place->second.parts) {
      for (const std::int64_t index : part.broken) {
        if (reported.insert(index).second) skipped.push_back(dataset->image_name(index));
      }
    }
    opened.erase(place);
    ++next_to_give;
    lock.unlock();
    room.notify_all();
    return batch;
  }

  const std::shared_ptr<const Dataset> dataset;
  const BatchLoaderOptions options;
  const std::int64_t rows_of_batch;
  EpochOrders orders;
  std::vector<std::atomic<bool>> known_broken;  ///< images, by any worker

  std::mutex mutex;                    ///< guards everything below but `threads`
  std::condition_variable room;        ///< for workers: a batch has been taken, or it is time to stop
  std::condition_variable ready;       ///< for `next`: a batch has been finished
  std::atomic<bool> stopping = false;  ///< written under the mutex; also looked at between images
  std::int64_t next_to_decode = 0;     ///< batches are numbered from 0 at first_example
  std::int64_t next_row = 0;           ///< of that batch
  std::int64_t next_to_give = 0;
  std::map<std::int64_t, OpenBatch> opened;
  std::set<std::int64_t> reported;  ///< broken and met in a batch that was given
  std::vector<std::string> skipped;
  double seconds_waited = 0.0;
  std::vector<std::thread> threads;
};

BatchLoader::BatchLoader(std::shared_ptr<const Dataset> dataset, BatchLoaderOptions options) {
  check(dataset.get(), options);
  state_ = std::make_unique<State>(std::move(dataset), options);
  state_->start();
}

BatchLoader::~BatchLoader() = default;
BatchLoader::BatchLoader(BatchLoader&&) noexcept = default;

Batch BatchLoader::next() { return state_->next(); }

double BatchLoader::seconds_waited() const {
  const std::lock_guard lock(state_->mutex);
  return state_->seconds_waited;
}

std::vector<std::string> BatchLoader::skipped() const {
  const std::lock_guard lock(state_->mutex);
  return state_->skipped;
}

}  // namespace iddpm
