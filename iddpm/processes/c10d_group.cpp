// Processes that work together, on LibTorch's c10d (https://pytorch.org/docs/stable/distributed.html). All that differs
// between LibTorch 1.13 and 2.6 is here: a backend is a ProcessGroup of its own in the one, a Backend in the other.

#if defined(IDDPM_C10D_GLOO) && !defined(USE_C10D_GLOO)
#define USE_C10D_GLOO
#endif
#if defined(IDDPM_C10D_NCCL) && !defined(USE_C10D_NCCL)
#define USE_C10D_NCCL
#endif
#if defined(IDDPM_C10D_MPI) && !defined(USE_C10D_MPI)
#define USE_C10D_MPI
#endif

#include "iddpm/processes/network_address.h"
#include "iddpm/processes/process_group.h"
#include "iddpm/processes/process_watch.h"

#ifdef IDDPM_C10D_GLOO
#include <torch/version.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef IDDPM_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#ifdef IDDPM_C10D_MPI
#include <torch/csrc/distributed/c10d/ProcessGroupMPI.hpp>
#endif
#endif

#include <cstdlib>
#include <utility>

namespace iddpm {

bool has_backend(ProcessBackend backend) {
  switch (backend) {
#ifdef IDDPM_C10D_GLOO
    case ProcessBackend::automatic:
    case ProcessBackend::gloo:
      return true;
#endif
#ifdef IDDPM_C10D_NCCL
    case ProcessBackend::nccl:
      return true;
#endif
#ifdef IDDPM_C10D_MPI
    case ProcessBackend::mpi:
      return true;
#endif
    default:
      return false;
  }
}

#ifdef IDDPM_C10D_GLOO

namespace {

using std::chrono::milliseconds;
#if TORCH_VERSION_MAJOR >= 2
using Backend = c10d::Backend;
#else
using Backend = c10d::ProcessGroup;
#endif
using Store = c10::intrusive_ptr<c10d::Store>;

// Who is lost is found out by the watch, which knows more than a timeout of c10d: whether others still get on.
constexpr milliseconds never = std::chrono::hours(24 * 365);

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

Store connect(const ProcessPlace& place, bool serves, milliseconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(place.port);
  options.isServer = serves;
  options.waitWorkers = false;
  options.timeout = timeout;
#if TORCH_VERSION_MAJOR >= 2
  options.useLibUV = false;  // not every LibTorch is built with it
#endif
  return c10::make_intrusive<c10d::TCPStore>(place.address, options);
}

Store meet(const ProcessPlace& place, milliseconds timeout) {
  if (place.rank == 0) {
    try {
      return connect(place, true, timeout);
    } catch (const std::exception&) {
      fail("MASTER_PORT: rank 0 can't listen on port {} of {}; expected a port that nobody else has", place.port,
           place.address);
    }
  }
  if (!wait_until_reachable(place.address, place.port, timeout)) {
    throw LostProcess(
        fmt::format("rank 0 has not come within {:g} seconds: nobody listens on port {} of {}; rank {} "
                    "waited to meet it",
                    std::chrono::duration<double>(timeout).count(), place.port, place.address, place.rank));
  }
  return connect(place, false, timeout);
}

/// On a connection of its own, which nothing else holds up.
class StoreTexts : public SharedTexts {
 public:
  explicit StoreTexts(Store store) : store_(std::move(store)) {}
  void put(const std::string& key, const std::string& text) override { store_->set(key, bytes_of(text)); }
  std::optional<std::string> get(const std::string& key) override {
    if (!store_->check({key})) return std::nullopt;
    const std::vector<std::uint8_t> text = store_->get(key);
    return std::string(text.begin(), text.end());
  }

 private:
  Store store_;
};

// Waits until it is there.
std::string text_of(c10d::Store& store, const std::string& key, std::int64_t rank) {
  const std::vector<std::uint8_t> text = store.get(fmt::format("{}/{}", key, rank));
  return {text.begin(), text.end()};
}

// Where the others reach this process. A name of this machine that leads to itself (127.0.1.1 in /etc/hosts) is of no
// use to other machines.
std::string gloo_address(c10d::Store& store, const ProcessPlace& place) {
  const std::string own = machine_name();
  store.set(fmt::format("machine/{}", place.rank), bytes_of(own));
  bool one_machine = true;
  for (std::int64_t rank = 0; rank < place.size; ++rank) {
    one_machine = one_machine && text_of(store, "machine", rank) == own;
  }
  if (one_machine) return "127.0.0.1";
  std::string address = own_address_towards(place.address, place.port);
  if (is_loopback(address)) address = address_of_an_interface();
  require(
      !address.empty(),
      "this machine has no network address that the other machines could reach; expected one, or GLOO_SOCKET_IFNAME "
      "with the interface's name");
  return address;
}

std::shared_ptr<::gloo::transport::Device> gloo_device(c10d::Store& store, const ProcessPlace& place) {
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  const std::string address = gloo_address(store, place);
  if (interface == nullptr) return c10d::ProcessGroupGloo::createDeviceForHostname(address);
  const std::string first = std::string(interface).substr(0, std::string(interface).find(','));
  try {
    return c10d::ProcessGroupGloo::createDeviceForInterface(first);
  } catch (const std::exception&) {
    fail("GLOO_SOCKET_IFNAME: this machine has no network interface '{}' that is up; expected the name of one", first);
  }
}

c10::intrusive_ptr<Backend> new_backend(ProcessBackend kind, const Store& store, const ProcessPlace& place) {
  const auto rank = static_cast<int>(place.rank), size = static_cast<int>(place.size);
#ifdef IDDPM_C10D_NCCL
  if (kind == ProcessBackend::nccl) {
    const auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = never;
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
  }
#endif
#ifdef IDDPM_C10D_MPI
  if (kind == ProcessBackend::mpi) return c10d::ProcessGroupMPI::createProcessGroupMPI();
#endif
  const auto options = c10d::ProcessGroupGloo::Options::create(never);
  options->devices.push_back(gloo_device(*store, place));
  options->threads = 2;
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options);
}

class C10dGroup : public ProcessGroup {
 public:
  C10dGroup(const ProcessPlace& place, const JoinOptions& options, ProcessBackend kind)
      : place_(place), device_(kind == ProcessBackend::gloo ? at::Device(at::kCPU) : options.device) {
    const Store store = meet(place, options.timeout);
    store_ = c10::make_intrusive<c10d::PrefixStore>("texts", store);
    watch_ = std::make_unique<ProcessWatch>(
        std::make_unique<StoreTexts>(
            c10::make_intrusive<c10d::PrefixStore>("watch", connect(place, false, options.timeout))),
        ProcessWatchOptions{
            .rank = place.rank, .size = place.size, .timeout = options.timeout, .on_lost = options.on_lost});
    watch_->waiting_for("meeting the others");
    store->setTimeout(never);
    guarded([&] { backend_ = new_backend(kind, c10::make_intrusive<c10d::PrefixStore>("backend", store), place); });
    watch_->at_work("starting");
  }

  // The last to go is rank 0, since it keeps what the others look at.
  ~C10dGroup() override {
    try {
      if (!lost_) (void)gather_texts("", "the end");
    } catch (const std::exception&) {
      lost_ = true;
    }
    watch_.reset();
    try {
      if (!lost_ && is_first()) {
        for (std::int64_t rank = 1; rank < size(); ++rank) store_->wait({fmt::format("gone/{}", rank)}, parting_time);
      } else if (!lost_) {
        store_->set(fmt::format("gone/{}", rank()), bytes_of("1"));
      }
    } catch (const std::exception&) {
      lost_ = true;
    }
    // What is under way waits for those who are gone: its threads end with the process.
    if (lost_) (void)backend_.release();
  }

  std::int64_t rank() const override { return place_.rank; }
  std::int64_t size() const override { return place_.size; }
  at::Device device() const override { return device_; }

  void start_sum(const Tensor& tensor, const std::string& what) override {
    std::vector<Tensor> tensors = {tensor};
    guarded([&] { under_way_.emplace_back(backend_->allreduce(tensors), what); });
  }

  void finish_sums() override {
    for (const auto& [work, what] : std::exchange(under_way_, {})) wait(*work, what);
    if (watch_) watch_->at_work("computing");
  }

  Tensor sum(const Tensor& tensor, const std::string& what) override {
    const Tensor own = tensor.to(device_, tensor.scalar_type(), /*non_blocking=*/false, /*copy=*/true).contiguous();
    std::vector<Tensor> tensors = {own};
    Tensor on_host;
    watch_->waiting_for(what);
    guarded([&] {
      const auto work = backend_->allreduce(tensors);
      work->wait();
      on_host = own.to(at::kCPU);  // a CUDA backend's work is done when this is there
    });
    watch_->at_work("computing");
    return on_host;
  }

  void broadcast(Tensor& tensor, std::int64_t from, const std::string& what) override {
    std::vector<Tensor> tensors = {tensor.to(device_)};
    c10d::BroadcastOptions options;
    options.rootRank = from;
    watch_->waiting_for(what);
    guarded([&] {
      backend_->broadcast(tensors, options)->wait();
      if (!tensors[0].is_same(tensor)) tensor.copy_(tensors[0]);
    });
    watch_->at_work("computing");
  }

  std::vector<std::string> gather_texts(const std::string& text, const std::string& what) override {
    const std::string key = fmt::format("gathered {}", ++gathered_);
    std::vector<std::string> texts;
    watch_->waiting_for(what);
    guarded([&] {
      store_->set(fmt::format("{}/{}", key, rank()), bytes_of(text));
      for (std::int64_t other = 0; other < size(); ++other) texts.push_back(text_of(*store_, key, other));
    });
    watch_->at_work("computing");
    return texts;
  }

  void at_work(const std::string& what) override { watch_->at_work(what); }

  void leave(const std::string& reason) noexcept override {
    lost_ = true;
    try {
      watch_->leave(reason);
    } catch (const std::exception&) {  // nobody hears it
    }
  }

 private:
  static constexpr milliseconds parting_time = std::chrono::seconds(2);

  void wait(c10d::Work& work, const std::string& what) {
    watch_->waiting_for(what);
    guarded([&] { work.wait(); });
  }

  // What c10d throws means that a connection broke. Which process is to blame is for the watch to find out.
  template <typename Exchange>
  void guarded(const Exchange& exchange) {
    try {
      exchange();
    } catch (const Error&) {
      lost_ = true;
      throw;
    } catch (const std::exception& error) {
      lost_ = true;
      std::string how = error.what();
      how = how.substr(0, how.find('\n'));
      watch_->connection_broke(how);
      throw LostProcess(fmt::format("the connection to another process broke ({})", how));
    }
  }

  const ProcessPlace place_;
  const at::Device device_;
  Store store_;
  std::unique_ptr<ProcessWatch> watch_;
  c10::intrusive_ptr<Backend> backend_;
  std::vector<std::pair<c10::intrusive_ptr<c10d::Work>, std::string>> under_way_;
  std::int64_t gathered_ = 0;
  bool lost_ = false;
};

}  // namespace

#endif  // IDDPM_C10D_GLOO

std::unique_ptr<ProcessGroup> join_processes(const ProcessPlace& place, const JoinOptions& options) {
  if (place.size == 1) return std::make_unique<SingleProcess>();
#ifdef IDDPM_C10D_GLOO
  ProcessBackend kind = options.backend;
  if (kind == ProcessBackend::automatic) {
    kind = options.device.is_cuda() && has_backend(ProcessBackend::nccl) ? ProcessBackend::nccl : ProcessBackend::gloo;
  }
  require(has_backend(kind), ErrorKind::unsupported, "--process-backend {}: this LibTorch doesn't have it", name(kind));
  require(kind != ProcessBackend::nccl || options.device.is_cuda(),
          "--process-backend nccl: expected a CUDA device, got {}", options.device.str());
  return std::make_unique<C10dGroup>(place, options, kind);
#else
  fail(ErrorKind::unsupported,
       "this program was built on a LibTorch that works in one process only, and there are {} in the environment",
       place.size);
#endif
}

}  // namespace iddpm
