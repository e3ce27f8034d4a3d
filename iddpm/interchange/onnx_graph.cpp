#include "iddpm/interchange/onnx_graph.h"

#include "iddpm/core/error.h"
#include "iddpm/version.h"

#ifdef IDDPM_WITH_ONNX
// As Debian's libonnx was built.
#define ONNX_ML 1
#define ONNX_NAMESPACE onnx
#include <onnx/onnx_pb.h>
#endif

namespace iddpm {

#ifdef IDDPM_WITH_ONNX

namespace {

constexpr std::int64_t intermediate_representation = 8;  // the first with operator set 17
constexpr std::int64_t operator_set = 17;
constexpr std::size_t most_bytes = (std::size_t{1} << 31) - 1;

std::int32_t onnx_type(at::ScalarType type) {
  require(type == at::kFloat || type == at::kLong, "ONNX: expected values of float32 or int64, got {}",
          c10::toString(type));
  return type == at::kFloat ? onnx::TensorProto::FLOAT : onnx::TensorProto::INT64;
}

void describe_value(onnx::ValueInfoProto& info, const std::string& name, at::ScalarType type,
                    const std::vector<OnnxGraph::Extent>& shape) {
  info.set_name(name);
  onnx::TypeProto::Tensor& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(onnx_type(type));
  for (const OnnxGraph::Extent& extent : shape) {
    auto* dimension = tensor.mutable_shape()->add_dim();
    if (const auto* number = std::get_if<std::int64_t>(&extent)) {
      dimension->set_dim_value(*number);
    } else {
      dimension->set_dim_param(std::get<std::string>(extent));
    }
  }
}

void set_attribute(onnx::AttributeProto& attribute, const OnnxGraph::Attribute& value) {
  attribute.set_name(value.first);
  if (const auto* integer = std::get_if<std::int64_t>(&value.second)) {
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(*integer);
  } else if (const auto* real = std::get_if<double>(&value.second)) {
    attribute.set_type(onnx::AttributeProto::FLOAT);
    attribute.set_f(static_cast<float>(*real));
  } else if (const auto* text = std::get_if<std::string>(&value.second)) {
    attribute.set_type(onnx::AttributeProto::STRING);
    attribute.set_s(*text);
  } else {
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t item : std::get<std::vector<std::int64_t>>(value.second)) attribute.add_ints(item);
  }
}

}  // namespace

struct OnnxGraph::Model {
  std::string new_name(const std::string& kind) { return kind + "_" + std::to_string(values++); }
  onnx::GraphProto& graph() { return *proto.mutable_graph(); }

  onnx::ModelProto proto;
  std::size_t values = 0;
  std::size_t constant_bytes = 0;
};

OnnxGraph::OnnxGraph() : model_(std::make_unique<Model>()) {
  model_->proto.set_ir_version(intermediate_representation);
  model_->proto.set_producer_name("iddpm");
  model_->proto.set_producer_version(version);
  auto* operators = model_->proto.add_opset_import();
  operators->set_domain("");
  operators->set_version(operator_set);
  model_->graph().set_name("denoiser");
}

OnnxGraph::Value OnnxGraph::input(const std::string& name, at::ScalarType type, const std::vector<Extent>& shape) {
  describe_value(*model_->graph().add_input(), name, type, shape);
  return name;
}

void OnnxGraph::output(const Value& value, const std::string& name, const std::vector<Extent>& shape) {
  onnx::NodeProto& node = *model_->graph().add_node();
  node.set_op_type("Identity");
  node.set_name(name);
  node.add_input(value);
  node.add_output(name);
  describe_value(*model_->graph().add_output(), name, at::kFloat, shape);
}

OnnxGraph::Value OnnxGraph::constant(const Tensor& values) {
  const Tensor stored = values.detach().to(at::kCPU).contiguous();
  model_->constant_bytes += stored.nbytes();
  require(
      model_->constant_bytes < most_bytes, ErrorKind::unsupported,
      "ONNX: the network's weights take {} bytes and more; expected less than 2 GiB, the most that one file can hold",
      model_->constant_bytes);
  onnx::TensorProto& tensor = *model_->graph().add_initializer();
  tensor.set_name(model_->new_name("constant"));
  tensor.set_data_type(onnx_type(stored.scalar_type()));
  for (const std::int64_t extent : stored.sizes()) tensor.add_dims(extent);
  tensor.set_raw_data(stored.data_ptr(), stored.nbytes());
  return tensor.name();
}

std::vector<OnnxGraph::Value> OnnxGraph::apply_to_many(const std::string& operation, const std::vector<Value>& inputs,
                                                       std::size_t results, const Attributes& attributes) {
  onnx::NodeProto& node = *model_->graph().add_node();
  node.set_op_type(operation);
  node.set_name(model_->new_name(operation));
  for (const Value& input : inputs) node.add_input(input);
  for (const Attribute& attribute : attributes) set_attribute(*node.add_attribute(), attribute);
  std::vector<Value> outputs;
  for (std::size_t i = 0; i < results; ++i) {
    outputs.push_back(results == 1 ? node.name() : node.name() + "_" + std::to_string(i));
    node.add_output(outputs.back());
  }
  return outputs;
}

void OnnxGraph::describe(const std::string& key, const std::string& text) {
  auto* property = model_->proto.add_metadata_props();
  property->set_key(key);
  property->set_value(text);
}

std::string OnnxGraph::serialized() const {
  require(model_->proto.ByteSizeLong() <= most_bytes, ErrorKind::unsupported,
          "ONNX: the file would have {} bytes; expected less than 2 GiB", model_->proto.ByteSizeLong());
  return model_->proto.SerializeAsString();
}

#else

struct OnnxGraph::Model {};

namespace {

[[noreturn]] void fail_without_onnx() {
  fail(
      ErrorKind::unsupported,
      "this program was built without libonnx, which ONNX files are written by; install libonnx-dev and build it anew");
}

}  // namespace

OnnxGraph::OnnxGraph() { fail_without_onnx(); }
OnnxGraph::Value OnnxGraph::input(const std::string&, at::ScalarType, const std::vector<Extent>&) {
  fail_without_onnx();
}
void OnnxGraph::output(const Value&, const std::string&, const std::vector<Extent>&) { fail_without_onnx(); }
OnnxGraph::Value OnnxGraph::constant(const Tensor&) { fail_without_onnx(); }
std::vector<OnnxGraph::Value> OnnxGraph::apply_to_many(const std::string&, const std::vector<Value>&, std::size_t,
                                                       const Attributes&) {
  fail_without_onnx();
}
void OnnxGraph::describe(const std::string&, const std::string&) { fail_without_onnx(); }
std::string OnnxGraph::serialized() const { fail_without_onnx(); }

#endif

OnnxGraph::~OnnxGraph() = default;

OnnxGraph::Value OnnxGraph::constant(const std::vector<std::int64_t>& values) {
  return constant(at::tensor(values, at::kLong));
}

OnnxGraph::Value OnnxGraph::constant(float value) { return constant(at::scalar_tensor(value, at::kFloat)); }

OnnxGraph::Value OnnxGraph::apply(const std::string& operation, const std::vector<Value>& inputs,
                                  const Attributes& attributes) {
  return apply_to_many(operation, inputs, 1, attributes).front();
}

}  // namespace iddpm
