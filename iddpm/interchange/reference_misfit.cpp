// What to say of weights that don't fit the flags.

#include <algorithm>
#include <map>

#include "iddpm/core/error.h"
#include "iddpm/interchange/reference_conversion.h"
#include "iddpm/nn/shape_misfit.h"

namespace iddpm {
namespace {

using Shape = std::vector<std::int64_t>;
using Shapes = std::map<std::string, Shape>;

bool contains_part(const std::vector<std::string>& names, const std::string& part) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return name.find(part) != std::string::npos; });
}

const ShapeMismatch* find(const ShapeMisfit& misfit, const std::string& name) {
  const auto found = std::find_if(misfit.mismatched.begin(), misfit.mismatched.end(),
                                  [&](const ShapeMismatch& mismatch) { return mismatch.name == name; });
  return found == misfit.mismatched.end() ? nullptr : &*found;
}

// Blocks of the first half, "input_blocks.<n>.": one more than the largest n.
std::size_t input_blocks(const Shapes& shapes) {
  std::size_t count = 0;
  while (true) {
    const std::string prefix = fmt::format("input_blocks.{}.", count);
    const auto next = shapes.lower_bound(prefix);
    if (next == shapes.end() || !next->first.starts_with(prefix)) return count;
    ++count;
  }
}

// Each difference between command lines leaves its own trace in the weights; the widest-reaching come first.
std::string probable_cause(const ShapeMisfit& misfit, const Shapes& expected, const Shapes& found) {
  if (contains_part(misfit.unexpected, "exp_avg")) return "the file holds an optimiser's state, not a model";
  if (!found.contains("input_blocks.0.0.weight")) return "the file is not a U-Net of these programs";
  if (const ShapeMismatch* first = find(misfit, "input_blocks.0.0.weight");
      first != nullptr && first->found.size() == 4) {
    if (first->found[0] != first->expected[0]) return fmt::format("--num_channels is {}", first->found[0]);
    if (first->found[1] == 2 * first->expected[1]) return "it is a super-resolution model (family improved_sr)";
    if (2 * first->found[1] == first->expected[1]) return "it is not a super-resolution model (family improved)";
    return fmt::format("its images have {} channels", first->found[1]);
  }
  if (contains_part(misfit.unexpected, "label_emb")) return "--class_cond is True";
  if (contains_part(misfit.missing, "label_emb")) return "--class_cond is False";
  if (input_blocks(found) != input_blocks(expected)) {
    return fmt::format("--num_res_blocks or --image_size is another: it has {} input blocks instead of {}",
                       input_blocks(found), input_blocks(expected));
  }
  if (contains_part(misfit.missing, ".op.")) return "--resblock_updown is True (family guided)";
  if (contains_part(misfit.unexpected, ".op.")) return "--resblock_updown is False";
  if (contains_part(misfit.missing, ".qkv.") || contains_part(misfit.unexpected, ".qkv.")) {
    return "--attention_resolutions is another";
  }
  const auto all_in = [&](const std::string& part) {
    return misfit.missing.empty() && misfit.unexpected.empty() &&
           std::all_of(misfit.mismatched.begin(), misfit.mismatched.end(),
                       [&](const ShapeMismatch& mismatch) { return mismatch.name.find(part) != std::string::npos; });
  };
  if (all_in("emb_layers.")) {
    const ShapeMismatch& some = misfit.mismatched.front();
    return fmt::format("--use_scale_shift_norm is {}", some.found.front() > some.expected.front() ? "True" : "False");
  }
  if (all_in("out.2.")) {
    const ShapeMismatch& some = misfit.mismatched.front();
    return fmt::format("--learn_sigma is {}", some.found.front() > some.expected.front() ? "True" : "False");
  }
  return "--channel_mult or --image_size is another";
}

}  // namespace

std::string describe_misfit(const NamedShapes& expected_shapes, const NamedShapes& found_shapes) {
  const Shapes expected(expected_shapes.begin(), expected_shapes.end());
  const Shapes found(found_shapes.begin(), found_shapes.end());
  const ShapeMisfit misfit = compare_shapes(expected_shapes, found_shapes);
  if (misfit.empty()) return {};
  return fmt::format("{}; probably {}", describe(misfit), probable_cause(misfit, expected, found));
}

}  // namespace iddpm
