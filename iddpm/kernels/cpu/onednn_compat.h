#pragma once

#include <oneapi/dnnl/dnnl.hpp>

/// What differs between oneDNN 2 (Debian 12) and 3 (Debian 13): version 3 builds primitive descriptors without
/// operation descriptors.
namespace iddpm::kernels::cpu {

/// The memory of a convolution's arguments, with how it slides. `bias` may be empty (a default-constructed descriptor).
struct ConvolutionMemory {
  dnnl::memory::desc x, weight, bias, y;
  dnnl::memory::dims strides, padding;
};

namespace onednn {

constexpr auto direct = dnnl::algorithm::convolution_direct;

#if DNNL_VERSION_MAJOR >= 3

inline bool is_empty(const dnnl::memory::desc& memory) { return memory.get_size() == 0; }

inline dnnl::convolution_forward::primitive_desc forward(const ConvolutionMemory& m,
                                                         const dnnl::primitive_attr& attributes,
                                                         const dnnl::engine& engine) {
  const auto kind = dnnl::prop_kind::forward;
  return is_empty(m.bias) ? dnnl::convolution_forward::primitive_desc(engine, kind, direct, m.x, m.weight, m.y,
                                                                      m.strides, m.padding, m.padding, attributes)
                          : dnnl::convolution_forward::primitive_desc(engine, kind, direct, m.x, m.weight, m.bias, m.y,
                                                                      m.strides, m.padding, m.padding, attributes);
}

inline dnnl::convolution_backward_data::primitive_desc backward_data(
    const ConvolutionMemory& m, const dnnl::primitive_attr& attributes, const dnnl::engine& engine,
    const dnnl::convolution_forward::primitive_desc& hint) {
  return {engine, direct, m.x, m.weight, m.y, m.strides, m.padding, m.padding, hint, attributes};
}

inline dnnl::convolution_backward_weights::primitive_desc backward_weights(
    const ConvolutionMemory& m, const dnnl::primitive_attr& attributes, const dnnl::engine& engine,
    const dnnl::convolution_forward::primitive_desc& hint) {
  if (is_empty(m.bias)) return {engine, direct, m.x, m.weight, m.y, m.strides, m.padding, m.padding, hint, attributes};
  return {engine, direct, m.x, m.weight, m.bias, m.y, m.strides, m.padding, m.padding, hint, attributes};
}

#else

inline bool is_empty(const dnnl::memory::desc& memory) { return memory.is_zero(); }

inline dnnl::convolution_forward::primitive_desc forward(const ConvolutionMemory& m,
                                                         const dnnl::primitive_attr& attributes,
                                                         const dnnl::engine& engine) {
  using Operation = dnnl::convolution_forward::desc;
  const auto kind = dnnl::prop_kind::forward;
  const auto operation = is_empty(m.bias)
                             ? Operation(kind, direct, m.x, m.weight, m.y, m.strides, m.padding, m.padding)
                             : Operation(kind, direct, m.x, m.weight, m.bias, m.y, m.strides, m.padding, m.padding);
  return {operation, attributes, engine};
}

inline dnnl::convolution_backward_data::primitive_desc backward_data(
    const ConvolutionMemory& m, const dnnl::primitive_attr& attributes, const dnnl::engine& engine,
    const dnnl::convolution_forward::primitive_desc& hint) {
  return {{direct, m.x, m.weight, m.y, m.strides, m.padding, m.padding}, attributes, engine, hint};
}

inline dnnl::convolution_backward_weights::primitive_desc backward_weights(
    const ConvolutionMemory& m, const dnnl::primitive_attr& attributes, const dnnl::engine& engine,
    const dnnl::convolution_forward::primitive_desc& hint) {
  using Operation = dnnl::convolution_backward_weights::desc;
  const auto operation = is_empty(m.bias)
                             ? Operation(direct, m.x, m.weight, m.y, m.strides, m.padding, m.padding)
                             : Operation(direct, m.x, m.weight, m.bias, m.y, m.strides, m.padding, m.padding);
  return {operation, attributes, engine, hint};
}

#endif

}  // namespace onednn
}  // namespace iddpm::kernels::cpu
