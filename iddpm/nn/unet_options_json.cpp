#include <nlohmann/json.hpp>

#include "iddpm/core/error.h"
#include "iddpm/nn/json_fields.h"
#include "iddpm/nn/unet_options.h"

namespace iddpm {
namespace {

constexpr const char* heads_first = "heads_first";
constexpr const char* qkv_first = "qkv_first";

}  // namespace

void to_json(nlohmann::json& json, const UNetOptions& options) {
  json = {{"image_height", options.image_height},
          {"image_width", options.image_width},
          {"image_channels", options.image_channels},
          {"channels", options.channels},
          {"residual_blocks", options.residual_blocks},
          {"channel_multipliers", options.channel_multipliers},
          {"attention_resolutions", options.attention_resolutions},
          {"heads", options.heads},
          {"head_channels", options.head_channels},
          {"heads_upsample", options.heads_upsample},
          {"qkv_order", options.qkv_order == kernels::QkvOrder::qkv_first ? qkv_first : heads_first},
          {"scale_shift_norm", options.scale_shift_norm},
          {"convolutional_resampling", options.convolutional_resampling},
          {"residual_resampling", options.residual_resampling},
          {"classes", options.classes},
          {"dropout", options.dropout},
          {"predict_variance", options.predict_variance},
          {"super_resolution", options.super_resolution},
          {"checkpointing", options.checkpointing}};
}

void from_json(const nlohmann::json& json, UNetOptions& options) {
  JsonFields fields(json, "network options");
  UNetOptions read;
  std::string qkv_order;
  fields.read("image_height", read.image_height);
  fields.read("image_width", read.image_width);
  fields.read("image_channels", read.image_channels);
  fields.read("channels", read.channels);
  fields.read("residual_blocks", read.residual_blocks);
  fields.read("channel_multipliers", read.channel_multipliers);
  fields.read("attention_resolutions", read.attention_resolutions);
  fields.read("heads", read.heads);
  fields.read("head_channels", read.head_channels);
  fields.read("heads_upsample", read.heads_upsample);
  fields.read("qkv_order", qkv_order);
  fields.read("scale_shift_norm", read.scale_shift_norm);
  fields.read("convolutional_resampling", read.convolutional_resampling);
  fields.read("residual_resampling", read.residual_resampling);
  fields.read("classes", read.classes);
  fields.read("dropout", read.dropout);
  fields.read("predict_variance", read.predict_variance);
  fields.read("super_resolution", read.super_resolution);
  fields.read("checkpointing", read.checkpointing);
  fields.finish();
  require(qkv_order == heads_first || qkv_order == qkv_first,
          "network options: 'qkv_order' is '{}'; expected '{}' or '{}'.", qkv_order.substr(0, 60), heads_first,
          qkv_first);
  read.qkv_order = qkv_order == qkv_first ? kernels::QkvOrder::qkv_first : kernels::QkvOrder::heads_first;
  options = std::move(read);
}

}  // namespace iddpm
