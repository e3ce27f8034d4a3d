#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/data/dataset.h"
#include "iddpm/evaluation/dataset_images.h"
#include "iddpm/model/draw.h"
#include "iddpm/model/model.h"

/// What a model of super-resolution is judged with: images of a data set, made small as in training.
namespace iddpm {

/// The model told that it enlarges these images' own small versions, with noise as `draw` adds it: image i of the data
/// set has a stream of `seed` of its own. The same model if it doesn't enlarge images.
Model enlarging_its_images(const Model& model, const DatasetImages& images, std::uint64_t seed);

/// Has a request enlarge the small versions of `request.count` images, evenly spread over the data set (of all, in
/// turn, if it has fewer), each of its own class. Names of broken images go to `skipped`. The data set's images and
/// classes are the model's.
void enlarge_images_of(const Dataset& dataset, const ModelSettings& settings, DrawRequest& request,
                       std::vector<std::string>& skipped);

/// "given images of 16 x 16 with noise 0.1", for protocols; empty for a network that enlarges nothing.
std::string enlarging_note(const UNetOptions& network, std::optional<double> noise = {});

}  // namespace iddpm
