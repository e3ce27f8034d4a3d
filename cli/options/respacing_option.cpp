#include "cli/options/respacing_option.h"

#include "cli/options/values.h"
#include "iddpm/core/error.h"
#include "iddpm/diffusion/noise_schedule.h"
#include "iddpm/diffusion/respacing.h"
#include "iddpm/evaluation/likelihood/chosen_timesteps.h"

namespace iddpm::cli {

void check_respacing(const std::string& specification) {
  require(specification.find_first_of(" \t\n") == std::string::npos, "expected steps without spaces, got '{}'",
          specification);
  if (optimal_count(specification) || best_count(specification)) return;
  for (const char* by_noise_level : {"logsnr", "karras"}) {
    if (!specification.starts_with(by_noise_level)) continue;
    const std::string count = specification.substr(std::string(by_noise_level).size());
    require(whole_number(count).value_or(0) >= 1, "expected a count after {0}, such as {0}20, got '{1}'",
            by_noise_level, specification);
    return;
  }
  (void)respaced_timesteps(max_schedule_steps, specification);
}

}  // namespace iddpm::cli
