#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// A graph of ONNX operators (operator set 17) in the making, https://onnx.ai. Needs the library libonnx: without it,
/// the constructor throws Error of kind unsupported.
class OnnxGraph {
 public:
  /// The name of a value of the graph.
  using Value = std::string;
  using Attribute = std::pair<std::string, std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>>>;
  using Attributes = std::vector<Attribute>;
  /// An extent, or the name of one that may be any.
  using Extent = std::variant<std::int64_t, std::string>;

  OnnxGraph();
  ~OnnxGraph();
  OnnxGraph(const OnnxGraph&) = delete;
  OnnxGraph& operator=(const OnnxGraph&) = delete;

  Value input(const std::string& name, at::ScalarType type, const std::vector<Extent>& shape);
  void output(const Value& value, const std::string& name, const std::vector<Extent>& shape);
  /// A constant: float32 or int64.
  Value constant(const Tensor& values);
  Value constant(const std::vector<std::int64_t>& values);
  Value constant(float value);
  /// An operator with one result, or with `results` of them.
  Value apply(const std::string& operation, const std::vector<Value>& inputs, const Attributes& attributes = {});
  std::vector<Value> apply_to_many(const std::string& operation, const std::vector<Value>& inputs, std::size_t results,
                                   const Attributes& attributes = {});
  /// Text that the file holds for whoever reads it.
  void describe(const std::string& key, const std::string& text);

  /// The file. Throws Error if it would be 2 GiB or more, which protocol buffers can't be.
  std::string serialized() const;

 private:
  struct Model;
  std::unique_ptr<Model> model_;
};

}  // namespace iddpm
