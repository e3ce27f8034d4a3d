#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "iddpm/core/error.h"
#include "iddpm/core/tensor.h"
#include "iddpm/processes/process_place.h"

namespace iddpm {

/// Another process has gone, or hangs: the work can't go on.
class LostProcess : public Error {
 public:
  explicit LostProcess(const std::string& sentence) : Error(sentence) {}
};

/// What processes that work together do with each other. All call the same members in the same order. Each names what
/// it is for, so that a process that waits in vain can say for what. Throws LostProcess where another process is gone.
class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;
  virtual std::int64_t rank() const = 0;
  virtual std::int64_t size() const = 0;
  /// Where tensors that processes exchange lie.
  virtual at::Device device() const = 0;

  /// Adds the tensors of all processes, in place and without waiting for it: `tensor`, contiguous and on the device,
  /// must be left alone until `finish_sums`. Sums are the same bits everywhere.
  virtual void start_sum(const Tensor& tensor, const std::string& what) = 0;
  virtual void finish_sums() = 0;
  /// The sum of the tensors of all processes, on the host.
  virtual Tensor sum(const Tensor& tensor, const std::string& what) = 0;
  /// `tensor`, contiguous, becomes that of a process, in place.
  virtual void broadcast(Tensor& tensor, std::int64_t from, const std::string& what) = 0;
  /// The texts of all processes.
  virtual std::vector<std::string> gather_texts(const std::string& text, const std::string& what) = 0;

  /// Between exchanges: what this process does now, for the others, should it hang. To be called at least once within
  /// the time after which a process counts as lost.
  virtual void at_work(const std::string& what) = 0;
  /// Lets the others know why this process ends before the work is done.
  virtual void leave(const std::string& reason) noexcept = 0;

  bool is_first() const { return rank() == 0; }
  /// The text of rank 0.
  std::string broadcast_text(const std::string& text, const std::string& what);
  RowShare share_of(std::int64_t rows) const { return iddpm::share_of(rows, rank(), size()); }
};

/// One process alone.
class SingleProcess : public ProcessGroup {
 public:
  std::int64_t rank() const override { return 0; }
  std::int64_t size() const override { return 1; }
  at::Device device() const override { return at::kCPU; }
  void start_sum(const Tensor& tensor, const std::string& what) override {}
  void finish_sums() override {}
  Tensor sum(const Tensor& tensor, const std::string& what) override { return tensor.to(at::kCPU); }
  void broadcast(Tensor& tensor, std::int64_t from, const std::string& what) override {}
  std::vector<std::string> gather_texts(const std::string& text, const std::string& what) override { return {text}; }
  void at_work(const std::string& what) override {}
  void leave(const std::string& reason) noexcept override {}
};

/// What carries the tensors: NCCL for CUDA devices and Gloo for others, unless one is named.
enum class ProcessBackend { automatic, gloo, nccl, mpi };

struct JoinOptions {
  at::Device device = at::kCPU;
  ProcessBackend backend = ProcessBackend::automatic;
  std::chrono::milliseconds timeout = std::chrono::minutes(5);  ///< without a sign of life a process is lost
  /// Called from another thread, with a sentence, when a process is lost, whatever this one is doing. Is expected to
  /// end the process; what is under way in LibTorch can't be called back.
  std::function<void(const std::string& sentence)> on_lost = {};
};

/// Meets the other processes. Throws Error for a backend that this LibTorch hasn't, and LostProcess if one of them
/// doesn't come in time.
std::unique_ptr<ProcessGroup> join_processes(const ProcessPlace& place, const JoinOptions& options);

/// Whether this LibTorch can work in several processes, with one of the backends.
bool has_backend(ProcessBackend backend);

/// Names for options: "auto", "gloo", "nccl", "mpi". The parser throws Error listing them.
std::string name(ProcessBackend backend);
ProcessBackend parse_process_backend(const std::string& name);

}  // namespace iddpm
