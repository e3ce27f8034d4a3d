#pragma once

#include <cstdint>

/// Element-wise kernels over dense memory. T is float, or std::uint16_t for bfloat16's bits. Vectorised for the
/// processor at hand; one thread.
namespace iddpm::kernels {

/// y = x sigmoid(x).
template <typename T>
void silu_forward(const T* x, T* y, std::int64_t count);

/// dx = dy silu'(x).
template <typename T>
void silu_backward(const T* x, const T* dy, T* dx, std::int64_t count);

/// y = factor * (a + b + c + d): four neighbouring pixels into one.
template <typename T>
void add_four(const T* a, const T* b, const T* c, const T* d, float factor, T* y, std::int64_t count);

/// y = factor * x.
template <typename T>
void scale(const T* x, float factor, T* y, std::int64_t count);

/// One parameter's part of an optimiser step: see optimizer_step.h.
struct AdamWFactors {
  float gradient_factor;
  float decay;                   ///< 1 - learning rate * weight decay
  float beta1, one_minus_beta1;  ///< each difference rounded once, from float64
  float beta2, one_minus_beta2;
  float step_size;           ///< learning rate / (1 - beta1^step)
  float inverse_correction;  ///< 1 / sqrt(1 - beta2^step)
  float epsilon;
};

/// An average at the parameter's elements, moved by `1 - rate` towards the new parameter.
struct AverageFactors {
  float* average;
  float rate, one_minus_rate;
};

/// Updates parameter, moments and averages in place, with gradients of either type.
template <typename T>
void adamw(float* parameter, const T* gradient, float* exp_avg, float* exp_avg_sq, const AverageFactors* averages,
           std::int64_t average_count, const AdamWFactors& factors, std::int64_t count);

}  // namespace iddpm::kernels
