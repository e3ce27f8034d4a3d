#pragma once

#include <filesystem>

#include "iddpm/model/checkpoint.h"

namespace iddpm {

/// Writes a model as a folder of diffusers, a DDPMPipeline with UNet2DModel and DDPMScheduler: model_index.json,
/// unet/config.json, unet/diffusion_pytorch_model.safetensors, scheduler/scheduler_config.json, and a model card,
/// README.md, with the metadata that the Hugging Face Hub reads. Throws Error of kind unsupported, naming the reason
/// and before anything is written, for what these can't express. model_index.json comes last: without it there is no
/// model.
void export_to_diffusers(const Checkpoint& checkpoint, const WeightChoice& choice, const std::filesystem::path& folder);

/// The model card.
std::string model_card(const Checkpoint& checkpoint, const WeightChoice& choice, const std::string& name);

}  // namespace iddpm
