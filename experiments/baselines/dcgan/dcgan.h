#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "iddpm/core/tensor.h"

/// Models of other kinds, to compare with. They use the library and are no part of it.
namespace iddpm::baselines {

struct DcganOptions {
  /// Divisible by 4 and at least 8, at most 256.
  std::int64_t image_height = 28;
  std::int64_t image_width = 28;
  std::int64_t image_channels = 1;
  std::int64_t latent = 64;    ///< dimensions of z
  std::int64_t channels = 64;  ///< at half the image's size; doubled at each halving
  double learning_rate = 2e-4;
  double beta_1 = 0.5;          ///< of Adam
  double average_rate = 0.995;  ///< of the moving average of the generator's weights
  std::uint64_t seed = 0;

  bool operator==(const DcganOptions&) const = default;
};

/// Losses of one step, in nats per image, means over the batch, each before its update.
struct DcganStep {
  double discriminator_loss = 0;  ///< 2 log 2 where it can't tell real from generated
  double generator_loss = 0;
};

/// A generative adversarial network (Goodfellow et al. 2014, arXiv 1406.2661) of DCGAN's kind (Radford, Metz & Chintala
/// 2016, arXiv 1511.06434): the generator projects z and doubles the size by transposed convolutions with batch
/// normalisation and ReLU; the discriminator halves it by strided convolutions with batch normalisation and leaky ReLU
/// 0.2; both by 4 x 4 kernels, from and to the smallest size of at least 4 (7 x 7 for 28 x 28). Loss: the
/// non-saturating one; optimiser: Adam. Samples come from an exponential moving average of the generator's weights. All
/// that is random is a function of the seed and the number of examples seen.
class Dcgan {
 public:
  /// Throws Error if an option is out of range.
  explicit Dcgan(DcganOptions options = {});
  ~Dcgan();
  Dcgan(Dcgan&&) noexcept;
  Dcgan& operator=(Dcgan&&) noexcept;

  /// One update of the discriminator, then one of the generator. x_0: real images [N, C, H, W] in [-1, 1], N at least
  /// 2. Throws Error on another shape, and NotFiniteError if a loss isn't finite, which leaves nothing worth going on
  /// with.
  DcganStep step(const Tensor& x_0);

  /// Images [count, C, H, W] in [-1, 1]. Image i is a function of the weights, the seed and i. Batch normalisation uses
  /// the statistics of 256 latents of its own, so that images don't depend on those they are made with.
  Tensor sample(std::int64_t count, std::uint64_t seed) const;

  const DcganOptions& options() const;
  std::int64_t steps_done() const;
  /// What its training took so far, by who holds the clock: kept in its file. 0 at first.
  void set_processor_seconds(double seconds);
  double processor_seconds() const;
  /// Numbers of scalars.
  std::int64_t generator_parameters() const;
  std::int64_t discriminator_parameters() const;

  /// Writes everything, optimisers too, as safetensors: training goes on from there as if it had never stopped. Throws
  /// Error naming the file if it can't be written.
  void save(const std::filesystem::path& path) const;
  /// Throws Error naming the file if it is missing, broken or none of `save`'s.
  static Dcgan load(const std::filesystem::path& path);

 private:
  struct State;
  explicit Dcgan(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace iddpm::baselines
