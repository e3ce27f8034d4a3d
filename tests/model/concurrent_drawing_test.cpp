// Several threads and one model.

#include <ATen/Parallel.h>

#include <atomic>
#include <set>
#include <thread>

#include "iddpm/kernels/cpu/thread_scope.h"
#include "iddpm/model/draw.h"
#include "iddpm/model/inference_memory.h"
#include "iddpm/model/model.h"
#include "tests/operation_counter.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

Model saved_and_opened(const TemporaryFolder& folder) {
  Trainer trainer(tiny_model(), tiny_training());
  train_steps(trainer, 1);
  trainer.save(folder / "model.safetensors");
  return Model::open(folder / "model.safetensors", {.precision = Precision::float32});
}

DrawRequest request_of_seed(std::uint64_t seed) { return {.count = 4, .seed = seed, .steps = "3", .batch = 2}; }

void in_threads(int threads, const std::function<void(int)>& work) {
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back(work, i);
  for (std::thread& thread : running) thread.join();
}

}  // namespace

TEST(ConcurrentDrawing, GivesTheImagesOfOneThreadAfterTheOther) {
  const TemporaryFolder folder;
  const Model model = saved_and_opened(folder);
  constexpr int threads = 4;
  std::vector<Tensor> together(threads), alone;
  in_threads(threads, [&](int i) {
    const kernels::ThreadScope one(1);
    together[static_cast<std::size_t>(i)] = draw_at_once(model, request_of_seed(static_cast<std::uint64_t>(i % 3)));
  });
  const kernels::ThreadScope one(1);
  for (std::uint64_t seed = 0; seed < 3; ++seed) alone.push_back(draw_at_once(model, request_of_seed(seed)));
  for (std::size_t i = 0; i < threads; ++i) EXPECT_TRUE(at::equal(together[i], alone[i % 3])) << i;
}

TEST(ConcurrentDrawing, IsCancelledInOneThreadAndGoesOnInTheOthers) {
  const TemporaryFolder folder;
  const Model model = saved_and_opened(folder);
  std::atomic<int> interrupted = 0, finished = 0;
  in_threads(3, [&](int i) {
    const kernels::ThreadScope one(1);
    const std::thread::id self = std::this_thread::get_id();
    try {
      draw_at_once(model, request_of_seed(1), [&](std::int64_t, std::int64_t) {
        EXPECT_EQ(std::this_thread::get_id(), self) << "callbacks come from the thread that draws";
        if (i == 1) throw Interrupted();
      });
      ++finished;
    } catch (const Interrupted&) {
      ++interrupted;
    }
  });
  EXPECT_EQ(interrupted, 1);
  EXPECT_EQ(finished, 2);
}

TEST(ConcurrentDrawing, NeedsNeitherTheFileNorTheFirstHandleAnyMore) {
  std::optional<Model> copy;
  {
    const TemporaryFolder folder;
    copy = saved_and_opened(folder);
  }
  EXPECT_EQ(draw_at_once(*copy, request_of_seed(0)).size(0), 4);
}

TEST(ThreadScope, HoldsForItsThreadAndItsLife) {
  const int before = at::get_num_threads();
  {
    const kernels::ThreadScope three(3);
    EXPECT_EQ(at::get_num_threads(), 3);
    int elsewhere = 0;
    std::thread([&] { elsewhere = at::get_num_threads(); }).join();
    EXPECT_EQ(elsewhere, before);
  }
  EXPECT_EQ(at::get_num_threads(), before);
}

TEST(Draw, TakesSmallerBatchesWhereMemoryIsBounded) {
  const TemporaryFolder folder;
  const Model model = saved_and_opened(folder);
  const auto needed = [&](std::int64_t images) {
    return static_cast<std::uint64_t>(estimate_inference_memory(model.settings().network, model.precision(), images));
  };
  DrawRequest request{.count = 5, .steps = "2"};
  EXPECT_EQ(drawn_batch(model, request), 64);
  const Tensor unbounded = draw_at_once(model, request);
  request.memory = needed(2) + 1;
  EXPECT_EQ(drawn_batch(model, request), 2);
  std::vector<std::int64_t> sizes;
  Tensor bounded;
  draw(model, request, [&](const DrawnBatch& batch) {
    sizes.push_back(batch.images.size(0));
    bounded = bounded.defined() ? at::cat({bounded, batch.images}) : batch.images;
  });
  EXPECT_EQ(sizes, (std::vector<std::int64_t>{2, 2, 1}));
  EXPECT_TRUE(at::allclose(bounded, unbounded, 1e-4, 1e-4));
  request.memory = needed(1) / 2;
  expect_error([&] { draw_at_once(model, request); }, {"one image at a time needs", "got"});
}

TEST(Loading, DrawsNoWeightsAndCopiesNone) {
  const TemporaryFolder folder;
  (void)saved_and_opened(folder);
  const Checkpoint checkpoint(folder / "model.safetensors");
  const NamedTensors weights = checkpoint.weights({});
  const UNet network(checkpoint.info().settings.network, weights, "weights");
  std::set<const void*> given, held;
  for (const auto& [name, weight] : weights) given.insert(weight.data_ptr());
  for (const auto& [name, parameter] : network.parameters()) {
    held.insert(parameter.data_ptr());
    EXPECT_TRUE(parameter.requires_grad()) << name;
  }
  EXPECT_EQ(held, given) << "the network's parameters are the tensors that it was given";

  const OperationCounter counter;
  (void)checkpoint.load_network();
  EXPECT_EQ(counter.count("aten::copy_"), 0) << "no other weights were there before";
}

}  // namespace iddpm
