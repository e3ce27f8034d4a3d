#pragma once

#include "cli/sample/sample_arguments.h"
#include "iddpm/model/model.h"

namespace iddpm::cli {

/// What one model draws, enlarged by the one that --then names (Ho et al. 2021, arXiv 2106.15282): two folders, each as
/// if it had been drawn by itself, the smaller images beside the larger ones in a folder whose name ends in _small.
/// Throws Error, before anything is drawn, if the models don't fit each other.
void draw_cascade(const SampleArguments& arguments, const Model& base);

}  // namespace iddpm::cli
