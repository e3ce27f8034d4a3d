#include "iddpm/data/batch_loader.h"

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
  check_range("data workers", options.workers, 1, 1024);
  check_range("batches ahead", options.batches_ahead, 1, 1024);
  check_range("first example", options.first_example, 0, std::int64_t{1} << 62);
}

/// What a worker makes of a batch's number.
struct DecodedBatch {
  Batch batch;
  std::vector<std::int64_t> broken;  ///< images that were left out, as they were met
  std::exception_ptr error;
};

}  // namespace

struct BatchLoader::State {
  State(std::shared_ptr<const Dataset> data, BatchLoaderOptions loader_options)
      : dataset(std::move(data)), options(loader_options), orders(options.seed, dataset->size()) {}

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

  /// A worker: takes the number of the next batch, decodes it, hands it over, and sleeps while enough are ready.
  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      room.wait(lock, [this] { return stopping || next_to_decode - next_to_give < options.batches_ahead; });
      if (stopping) return;
      const std::int64_t number = next_to_decode++;
      lock.unlock();
      DecodedBatch decoded;
      try {
        decode(options.first_example + number * options.batch, decoded);
      } catch (...) {
        decoded.error = std::current_exception();
      }
      lock.lock();
      finished.emplace(number, std::move(decoded));
      ready.notify_one();
    }
  }

  void decode(std::int64_t first_example, DecodedBatch& decoded) {
    decoded.batch = empty_batch(*dataset, options.batch);
    decoded.batch.first_example = first_example;
    for (std::int64_t i = 0; i < options.batch && !stopping; ++i) {
      const auto example = static_cast<std::uint64_t>(first_example + i);
      const bool mirrored =
          options.random_flip && RandomStream(options.seed, StreamPurpose::augmentation, example).uniform() < 0.5;
      read_example(first_example + i, i, mirrored, decoded);
    }
  }

  /// The first good image from the example's place in the order of its epoch, into row `row`.
  void read_example(std::int64_t example, std::int64_t row, bool mirrored, DecodedBatch& decoded) {
    const std::int64_t size = dataset->size();
    const EpochOrders::Order order = orders.of(example / size);
    std::string failure;
    for (std::int64_t tried = 0; tried < size && !stopping; ++tried) {
      const std::int64_t index = (*order)[static_cast<std::size_t>((example % size + tried) % size)];
      if (!is_known_broken(index)) {
        try {
          set_image(decoded.batch, row, *dataset, index, mirrored);
          return;
        } catch (const Error& error) {
          if (options.strict) throw;
          failure = error.what();
          const std::lock_guard lock(mutex);
          known_broken.insert(index);
        }
      }
      decoded.broken.push_back(index);
    }
    if (stopping) return;
    fail("none of the {} images can be read{}{}", size, failure.empty() ? "" : "; the last: ", failure);
  }

  bool is_known_broken(std::int64_t index) {
    const std::lock_guard lock(mutex);
    return known_broken.contains(index);
  }

  Batch next() {
    using Clock = std::chrono::steady_clock;
    std::unique_lock lock(mutex);
    const auto is_ready = [this] { return finished.contains(next_to_give); };
    if (!is_ready()) {
      const Clock::time_point start = Clock::now();
      ready.wait(lock, is_ready);
      seconds_waited += std::chrono::duration<double>(Clock::now() - start).count();
    }
    const auto place = finished.find(next_to_give);
    // An error stays where it is, so that whoever asks again gets it again.
    if (place->second.error) std::rethrow_exception(place->second.error);
    DecodedBatch decoded = std::move(place->second);
    finished.erase(place);
    ++next_to_give;
    for (const std::int64_t index : decoded.broken) {
      if (reported.insert(index).second) skipped.push_back(dataset->image_name(index));
    }
    lock.unlock();
    room.notify_one();
    return std::move(decoded.batch);
  }

  const std::shared_ptr<const Dataset> dataset;
  const BatchLoaderOptions options;
  EpochOrders orders;

  std::mutex mutex;                    ///< guards everything below but `threads`
  std::condition_variable room;        ///< for workers: a batch has been taken, or it is time to stop
  std::condition_variable ready;       ///< for `next`: a batch has been finished
  std::atomic<bool> stopping = false;  ///< written under the mutex; also looked at between images
  std::int64_t next_to_decode = 0;     ///< batches are numbered from 0 at first_example
  std::int64_t next_to_give = 0;
  std::map<std::int64_t, DecodedBatch> finished;
  std::set<std::int64_t> known_broken;  ///< by any worker
  std::set<std::int64_t> reported;      ///< broken and met in a batch that was given
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
