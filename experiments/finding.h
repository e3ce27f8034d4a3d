#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "experiments/workbench.h"
#include "iddpm/io/image_file.h"
#include "iddpm/report/line_plot.h"

namespace iddpm::experiments {

/// Whether our scale shows what the paper found.
enum class Verdict { shown, partly, not_shown };

/// What one finding came to.
struct Outcome {
  Verdict verdict = Verdict::shown;
  std::string found;            ///< a sentence with our numbers, and where the effect is missing a guess why
  std::string table = {};       ///< in Markdown, for the page, where the paper has one too
  nlohmann::json numbers = {};  ///< all that the figures show
  std::vector<std::pair<std::string, LinePlot>> plots = {};  ///< the first one's name is ""
  std::vector<std::pair<std::string, Image>> pictures = {};
};

/// A claim of the paper and how it is looked into.
struct Finding {
  std::string name;   ///< `iddpm reproduce NAME`
  std::string title;  ///< with the place in the paper
  std::string paper;  ///< what the paper found, one sentence
  std::function<Outcome(Workbench&)> look;
  bool takes_hours = false;  ///< and is therefore no part of "all"
};

/// Looks into it. A model whose training diverges, where the finding can't do without it, is an outcome too: not shown.
Outcome look_into(const Finding& finding, Workbench& bench);

/// All, in the order of the paper.
const std::vector<Finding>& findings();
/// Throws Error naming the nearest if there is none of that name.
const Finding& find_finding(const std::string& name);

Outcome variance_ratio(Workbench& bench);
Outcome vlb_terms(Workbench& bench);
Outcome schedules(Workbench& bench);
Outcome objectives(Workbench& bench);
Outcome gradient_noise(Workbench& bench);
Outcome sampling_steps(Workbench& bench);
Outcome sampler_comparison(Workbench& bench);
Outcome gan(Workbench& bench);
Outcome quality_per_minute(Workbench& bench);
Outcome compute(Workbench& bench);
Outcome predictions(Workbench& bench);
Outcome precision(Workbench& bench);

}  // namespace iddpm::experiments
