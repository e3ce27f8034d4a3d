#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "iddpm/io/safetensors.h"
#include "iddpm/model/checkpoint.h"

/// The parts of a model file (docs/checkpoint_format.md), for those who write and read it.
namespace iddpm::checkpoint_format {

/// The metadata keys under which a model file, and a training state beside it, keep their JSON.
inline constexpr const char* model_key = "iddpm";
inline constexpr const char* training_key = "iddpm_training";
/// Format 2 knows the weight of the loss and the pixels of the training images, which 1 lacks, format 3 class dropout
/// and zero-terminal-SNR schedules, format 4 the size that super-resolution enlarges, format 5 what networks and
/// processes of diffusers can differ in; all are read.
inline constexpr std::int64_t version = 7;
/// Format 2 knows a decay by time, which 1 lacks; both are read.
inline constexpr std::int64_t training_state_version = 3;

/// "model", or "ema_0.9999": a group of tensors, whose names begin with it and a dot. The rate has as many digits as
/// give the same number when read again.
std::string group_name(std::optional<double> ema_rate);

/// CRC-32C of each group's bytes, in the order of the file.
using Checksums = std::map<std::string, std::uint32_t>;

std::string write_metadata(const CheckpointInfo& info, const Checksums& checksums);
/// Throws Error beginning with `where`.
std::pair<CheckpointInfo, Checksums> read_metadata(const std::string& json, const std::string& where);

/// A tensor as a file holds it: float32, on the CPU, contiguous (the same tensor if it is that already).
Tensor stored_form(const Tensor& tensor);
std::uint32_t checksum(const Tensor& stored, std::uint32_t previous);

}  // namespace iddpm::checkpoint_format
