#pragma once

#include "experiments/workbench.h"

namespace iddpm::experiments {

/// The models that findings share, so that each is trained once: cosine_hybrid, linear_vlb_importance ...
inline ModelRecipe model_recipe(const std::string& schedule, Objective objective,
                                TimestepSampling timesteps = TimestepSampling::uniform) {
  ModelRecipe recipe{
      .name = schedule + "_" + name(objective), .schedule = schedule, .objective = objective, .timesteps = timesteps};
  // L_simple teaches no variance: the upper bound, as in Ho et al. 2020.
  if (objective == Objective::simple) recipe.variance = Variance::fixed_large;
  if (timesteps == TimestepSampling::importance) recipe.name += "_importance";
  return recipe;
}

}  // namespace iddpm::experiments
