#include "iddpm/evaluation/features/inception_layout.h"

#include <initializer_list>
#include <utility>

namespace iddpm {
namespace {

// One layer of a branch before its inputs are known.
struct Layer {
  const char* name;
  std::int64_t outputs;
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t stride = 1;
  bool padded = true;
};

struct Branch {
  InceptionPool pool = InceptionPool::none;
  std::vector<Layer> chain = {};
  std::vector<Layer> split = {};
};

InceptionConvolution convolution(const std::string& block, const Layer& layer, std::int64_t inputs) {
  return {.name = block + layer.name,
          .inputs = inputs,
          .outputs = layer.outputs,
          .kernel = {layer.height, layer.width},
          .padding = {layer.padded ? layer.height / 2 : 0, layer.padded ? layer.width / 2 : 0},
          .stride = layer.stride};
}

// Gives every layer its inputs and full name as blocks are added.
class LayoutBuilder {
 public:
  void add(const std::string& name, const std::string& prefix, const std::vector<Branch>& branches) {
    InceptionBlock block{.name = name};
    std::int64_t outputs = 0;
    for (const Branch& branch : branches) {
      InceptionBranch built{.pool = branch.pool};
      std::int64_t channels = channels_;
      for (const Layer& layer : branch.chain) {
        built.chain.push_back(convolution(prefix, layer, channels));
        channels = layer.outputs;
      }
      if (branch.split.empty()) outputs += channels;
      for (const Layer& layer : branch.split) {
        built.split.push_back(convolution(prefix, layer, channels));
        outputs += layer.outputs;
      }
      block.branches.push_back(std::move(built));
    }
    channels_ = outputs;
    blocks_.push_back(std::move(block));
  }
  void add(const std::string& name, const std::vector<Branch>& branches) { add(name, name + ".", branches); }

  std::vector<InceptionBlock> take() { return std::move(blocks_); }

 private:
  std::int64_t channels_ = 3;
  std::vector<InceptionBlock> blocks_;
};

}  // namespace

std::vector<InceptionBlock> fid_inception_layout() {
  using enum InceptionPool;
  constexpr bool unpadded = false;
  using Widths = std::initializer_list<std::pair<const char*, std::int64_t>>;
  LayoutBuilder layout;

  layout.add("stem", "",
             {{none,
               {{"Conv2d_1a_3x3", 32, 3, 3, 2, unpadded},
                {"Conv2d_2a_3x3", 32, 3, 3, 1, unpadded},
                {"Conv2d_2b_3x3", 64, 3, 3}}}});
  layout.add("stem_2", "", {{largest_halve, {{"Conv2d_3b_1x1", 80}, {"Conv2d_4a_3x3", 192, 3, 3, 1, unpadded}}}});
  layout.add("stem_pool", {{largest_halve}});

  for (const auto& [name, pooled] : Widths{{"Mixed_5b", 32}, {"Mixed_5c", 64}, {"Mixed_5d", 64}}) {
    layout.add(name, {{none, {{"branch1x1", 64}}},
                      {none, {{"branch5x5_1", 48}, {"branch5x5_2", 64, 5, 5}}},
                      {none, {{"branch3x3dbl_1", 64}, {"branch3x3dbl_2", 96, 3, 3}, {"branch3x3dbl_3", 96, 3, 3}}},
                      {average, {{"branch_pool", pooled}}}});
  }
  layout.add("Mixed_6a",
             {{none, {{"branch3x3", 384, 3, 3, 2, unpadded}}},
              {none, {{"branch3x3dbl_1", 64}, {"branch3x3dbl_2", 96, 3, 3}, {"branch3x3dbl_3", 96, 3, 3, 2, unpadded}}},
              {largest_halve}});

  for (const auto& [name, c] : Widths{{"Mixed_6b", 128}, {"Mixed_6c", 160}, {"Mixed_6d", 160}, {"Mixed_6e", 192}}) {
    layout.add(name, {{none, {{"branch1x1", 192}}},
                      {none, {{"branch7x7_1", c}, {"branch7x7_2", c, 1, 7}, {"branch7x7_3", 192, 7, 1}}},
                      {none,
                       {{"branch7x7dbl_1", c},
                        {"branch7x7dbl_2", c, 7, 1},
                        {"branch7x7dbl_3", c, 1, 7},
                        {"branch7x7dbl_4", c, 7, 1},
                        {"branch7x7dbl_5", 192, 1, 7}}},
                      {average, {{"branch_pool", 192}}}});
  }
  layout.add("Mixed_7a", {{none, {{"branch3x3_1", 192}, {"branch3x3_2", 320, 3, 3, 2, unpadded}}},
                          {none,
                           {{"branch7x7x3_1", 192},
                            {"branch7x7x3_2", 192, 1, 7},
                            {"branch7x7x3_3", 192, 7, 1},
                            {"branch7x7x3_4", 192, 3, 3, 2, unpadded}}},
                          {largest_halve}});

  for (const auto& [name, pool] : {std::pair{"Mixed_7b", average}, std::pair{"Mixed_7c", largest}}) {
    layout.add(name, {{none, {{"branch1x1", 320}}},
                      {none, {{"branch3x3_1", 384}}, {{"branch3x3_2a", 384, 1, 3}, {"branch3x3_2b", 384, 3, 1}}},
                      {none,
                       {{"branch3x3dbl_1", 448}, {"branch3x3dbl_2", 384, 3, 3}},
                       {{"branch3x3dbl_3a", 384, 1, 3}, {"branch3x3dbl_3b", 384, 3, 1}}},
                      {pool, {{"branch_pool", 192}}}});
  }
  return layout.take();
}

}  // namespace iddpm
