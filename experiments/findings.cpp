#include "experiments/finding.h"
#include "iddpm/core/error.h"
#include "iddpm/core/nearest_name.h"

namespace iddpm::experiments {

const std::vector<Finding>& findings() {
  static const std::vector<Finding> all = {
      {.name = "variance-ratio",
       .title = "The bounds of the reverse variance (figure 1)",
       .paper = "beta-tilde and beta are nearly equal but for the first few steps, the fewer the larger T is.",
       .look = variance_ratio},
      {.name = "vlb-terms",
       .title = "The terms of the bound (figure 2)",
       .paper = "The first steps of the process contribute most to the variational bound.",
       .look = vlb_terms},
      {.name = "schedules",
       .title = "Linear and cosine schedule (figures 3 to 5)",
       .paper =
           "The linear schedule's last steps are noise already: leaving out up to 20 % of the reverse process hardly "
           "hurts it; the cosine schedule uses them.",
       .look = schedules},
      {.name = "objectives",
       .title = "Objectives and schedules (tables 1 and 2)",
       .paper =
           "L_hybrid improves the likelihood of L_simple at equal quality of samples, L_vlb's is better still, but its "
           "samples are worse; cosine beats linear.",
       .look = objectives},
      {.name = "gradient-noise",
       .title = "Gradient noise and importance sampling (figures 6 and 7)",
       .paper = "L_vlb's gradient is far noisier than L_hybrid's, and importance sampling of t reduces the noise.",
       .look = gradient_noise},
      {.name = "sampling-steps",
       .title = "Few sampling steps (figure 8)",
       .paper =
           "With the learned variance about 100 steps are near the best quality; with fixed variances far more are "
           "needed; DDIM is better below 50 steps.",
       .look = sampling_steps},
      {.name = "samplers",
       .title = "Samplers and evaluations of the network (not in the paper)",
       .paper = "Nothing but DDIM: the other samplers are of later papers (docs/samplers.md names them).",
       .look = sampler_comparison},
      {.name = "gan",
       .title = "Precision and recall against a GAN (table 4)",
       .paper = "At similar FID the GAN has the higher precision and the diffusion model the higher recall: it covers "
                "more of the distribution.",
       .look = gan},
      {.name = "quality-per-minute",
       .title = "Quality at equal processor time (beside table 4)",
       .paper = "Diffusion models beat GANs; at which cost of training is not compared at a scale like ours.",
       .look = quality_per_minute,
       .takes_hours = true},
      {.name = "compute",
       .title = "Quality and compute (figure 10)",
       .paper = "FID falls with the compute of training about as a power law, and larger models reach lower values.",
       .look = compute},
      {.name = "predictions",
       .title = "Predicting epsilon, x_0 or v (not in the paper)",
       .paper =
           "Nothing: its networks predict epsilon. v is of Salimans & Ho 2022, its weight min_snr of Hang et al. 2023.",
       .look = predictions},
      {.name = "precision",
       .title = "bfloat16 and float32 (not in the paper)",
       .paper = "Nothing: this is about our own speed. Activations are bfloat16, parameters float32.",
       .look = precision},
  };
  return all;
}

Outcome look_into(const Finding& finding, Workbench& bench) {
  try {
    return finding.look(bench);
  } catch (const NotFiniteError& error) {
    return {.verdict = Verdict::not_shown, .found = fmt::format("Not looked into: {}.", error.what())};
  }
}

const Finding& find_finding(const std::string& name) {
  std::vector<std::string> names;
  for (const Finding& finding : findings()) {
    if (finding.name == name) return finding;
    names.push_back(finding.name);
  }
  fail("unknown finding '{}'.{} There are: {}, and all", name, did_you_mean(name, names), fmt::join(names, ", "));
}

}  // namespace iddpm::experiments
