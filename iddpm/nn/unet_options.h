#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/core/fields.h"
#include "iddpm/kernels/operations.h"

namespace iddpm {

struct NormalizationOptions;

/// What the attention in the middle of a U-Net does first, if there is any.
enum class MiddleAttention { normalized, not_normalized, none };

/// Architecture of a U-Net of the published family (Nichol & Dhariwal 2021 and, with residual_resampling, head_channels
/// and qkv_first, Dhariwal & Nichol 2021, arXiv 2105.05233). All that a checkpoint must say to rebuild the network.
struct UNetOptions {
  std::int64_t image_height = 32;
  std::int64_t image_width = 32;
  std::int64_t image_channels = 3;
  std::int64_t channels = 128;              ///< what the multipliers multiply, and the width of the time embedding
  std::int64_t residual_blocks = 2;         ///< per level
  std::vector<double> channel_multipliers;  ///< one per level; empty: chosen for the image size
  /// At which there is attention, in pixels of the image's shorter side; the lowest level's middle always has it.
  std::vector<std::int64_t> attention_resolutions = {16, 8};
  std::int64_t heads = 4;
  std::int64_t head_channels = 0;   ///< if not 0, channels per head; `heads` is then unused
  std::int64_t heads_upsample = 0;  ///< heads in the second half; 0: as in the first
  kernels::QkvOrder qkv_order = kernels::QkvOrder::heads_first;
  bool scale_shift_norm = true;          ///< time embedding as scale and shift of a norm rather than added
  bool convolutional_resampling = true;  ///< learned convolutions in down- and upsampling
  bool residual_resampling = false;      ///< residual blocks that resample, instead of separate layers
  std::int64_t classes = 0;              ///< 0: unconditional
  double dropout = 0.0;
  bool predict_variance = true;       ///< twice the channels out: the mean's and v's
  bool super_resolution = false;      ///< conditioned on a smaller image, given as Condition::low_resolution
  std::int64_t low_resolution = 0;    ///< pixels of that image's shorter side; 0: without it, or not known
  double low_resolution_noise = 0.0;  ///< standard deviation of the noise that it is shown with
  double class_dropout = 0.0;  ///< share of examples that training gives no class: what classifier-free guidance needs
  /// Where the second half has attention, if not where the first has; a single 0: nowhere.
  std::vector<std::int64_t> attention_upsample = {};
  std::int64_t norm_groups = 32;  ///< of every group normalisation
  double norm_epsilon = 1e-5;     ///< added to its variance
  double frequency_shift = 0.0;   ///< of the embedding of t (timestep_embedding.h)
  /// Convolutions of stride 2 see a row and a column of zeros below and to the right, instead of on every side.
  bool downsampling_pads_low_edges = false;
  MiddleAttention middle_attention = MiddleAttention::normalized;
  double middle_divisor = 1.0;  ///< what the middle's sums x + f(x) are divided by
  bool center_input = false;    ///< the network sees 2 x - 1
  bool checkpointing = false;   ///< recompute blocks in backward instead of keeping their activations

  bool operator==(const UNetOptions&) const = default;
};

/// Of every normalisation but those of a classifier's pool.
NormalizationOptions normalization(const UNetOptions& options);

/// Options with everything chosen that was left open (channel multipliers); throws Error naming the first option out of
/// range or that doesn't fit another: sizes not divisible by the network's stride, attention resolutions that no level
/// has, heads that don't divide the channels ... Every number is bounded, so that options from a stranger's file cost
/// nothing before they are refused.
UNetOptions resolved(UNetOptions options);

/// What height and width must be divisible by: 2^(levels - 1).
std::int64_t stride(const UNetOptions& options);

/// Channels at a level of resolved options: the whole part of multiplier times channels.
std::int64_t level_channels(const UNetOptions& options, std::size_t level);

/// Attention heads of a block of so many channels; `upsampling`: in the second half.
std::int64_t attention_heads(const UNetOptions& options, std::int64_t channels, bool upsampling);

/// Channel multipliers as the published code chooses them for a size (256: 1,1,2,2,4,4; 64: 1,2,3,4; 32: 1,2,2,2; 128
/// and 512 as guided-diffusion), and for any other size those of a size near it, cut to as many levels as the size can
/// be halved without falling below 4 pixels.
std::vector<double> default_channel_multipliers(std::int64_t image_size);

/// Every option, once: JSON, command line and tables follow. A new one is a member above and a line here.
void visit_fields(UNetOptions& options, const FieldVisitor& visit);

void to_json(nlohmann::json& json, const UNetOptions& options);
/// Strict: throws Error on unknown or missing fields, wrong types and values out of range. That the values fit each
/// other is checked by `resolved`.
void from_json(const nlohmann::json& json, UNetOptions& options);

}  // namespace iddpm
