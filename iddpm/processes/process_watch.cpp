#include "iddpm/processes/process_watch.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr const char* verdict_key = "verdict";
constexpr const char* suspicion_key = "suspicion";

std::string key_of(const char* what, std::int64_t rank) { return fmt::format("{}/{}", what, rank); }

/// What a process tells of itself.
struct SignOfLife {
  std::int64_t beat = 0;   ///< another each time
  std::int64_t works = 0;  ///< another with each piece of work
  bool waits = false;
  std::string what = "starting";

  std::string text() const { return fmt::format("{} {} {} {}", beat, works, waits ? 1 : 0, what); }
};

SignOfLife parse_sign(const std::string& text) {
  SignOfLife sign;
  std::istringstream stream(text);
  int waits = 0;
  stream >> sign.beat >> sign.works >> waits;
  stream.get();
  std::getline(stream, sign.what);
  sign.waits = waits != 0;
  return sign;
}

/// What rank 0 knows of a process. Time is that in which rank 0 itself was awake.
struct Observed {
  std::optional<SignOfLife> sign;
  Seconds silent{0};
  Seconds at_the_same{0};

  void look(const std::optional<std::string>& text, Seconds passed) {
    silent += passed;
    at_the_same += passed;
    if (!text) return;
    const SignOfLife now = parse_sign(*text);
    if (!sign || now.beat != sign->beat) silent = Seconds(0);
    if (!sign || now.works != sign->works) at_the_same = Seconds(0);
    sign = now;
  }
};

}  // namespace

struct ProcessWatch::State {
  State(std::unique_ptr<SharedTexts> shared, ProcessWatchOptions watch_options)
      : texts(std::move(shared)),
        options(std::move(watch_options)),
        interval(std::clamp<Seconds>(options.timeout / 20.0, Seconds(0.02), Seconds(1))),
        observed(static_cast<std::size_t>(options.size)) {
    exchanging = std::thread([this] { exchange_until_stopped(); });
    guarding = std::thread([this] { guard_until_stopped(); });
  }

  ~State() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    changed.notify_all();
    guarding.join();
    exchanging.join();
  }

  bool is_first() const { return options.rank == 0; }
  // So that what takes two intervals to be noticed is so within the timeout.
  Seconds patience() const { return Seconds(options.timeout) - 3 * interval; }

  /// Sleeps an interval; false when it is time to stop.
  bool sleep() {
    std::unique_lock lock(mutex);
    return !changed.wait_for(lock, interval, [this] { return stopping; });
  }

  /// The time since the last call, but no more than a thread that could run would have let pass.
  Seconds passed_since(Clock::time_point& last) const {
    const Clock::time_point now = Clock::now();
    const Seconds passed = std::min<Seconds>(now - last, 3 * interval);
    last = now;
    return passed;
  }

  void exchange_until_stopped() {
    Clock::time_point last = Clock::now();
    do {
      try {
        exchange(passed_since(last));
      } catch (const std::exception& error) {
        if (!is_stopping()) {
          report(is_first() ? fmt::format("the store of rank 0 failed: {}", error.what())
                            : "rank 0 is gone: the store that it kept closed the connection");
        }
        return;
      }
    } while (sleep());
  }

  void exchange(Seconds passed) {
    std::string own;
    bool suspicious = false;
    {
      const std::lock_guard lock(mutex);
      ++sign.beat;
      own = sign.text();
      suspicious = suspects;
    }
    texts->put(key_of("sign", options.rank), own);
    if (suspicious) texts->put(suspicion_key, "1");
    std::optional<std::string> found = texts->get(verdict_key);
    if (!found && is_first()) {
      found = judge(passed);
      if (found) texts->put(verdict_key, *found);
    }
    {
      const std::lock_guard lock(mutex);
      unanswered = Seconds(0);
    }
    if (!found) return;
    texts->put(key_of("heard", options.rank), "1");
    if (is_first()) wait_until_heard();
    report(*found);
  }

  /// Who is lost, if anybody is.
  std::optional<std::string> judge(Seconds passed) {
    Seconds silence = patience();
    if (texts->get(suspicion_key)) silence = std::min<Seconds>(silence, std::max<Seconds>(5 * interval, Seconds(1)));
    bool all_wait = true;
    for (std::int64_t rank = 0; rank < options.size; ++rank) {
      Observed& process = observed[static_cast<std::size_t>(rank)];
      process.look(texts->get(key_of("sign", rank)), passed);
      if (!process.sign && process.silent > patience()) {
        return fmt::format("rank {} has not come within {}", rank, seconds_text());
      }
      if (process.sign && process.silent > silence) {
        return fmt::format("rank {} has given no sign of life for {:.2g} seconds (last: {})", rank,
                           process.silent.count(), process.sign->what);
      }
      const bool waits = process.sign && process.sign->waits;
      if (!waits && process.at_the_same > patience()) {
        return fmt::format("rank {} has not got on for {} ({})", rank, seconds_text(), process.sign->what);
      }
      all_wait = all_wait && waits && process.at_the_same > patience();
    }
    if (!all_wait) return std::nullopt;
    std::string waits;
    for (std::size_t rank = 0; rank < std::min<std::size_t>(observed.size(), 4); ++rank) {
      waits += fmt::format("{}rank {}: {}", rank > 0 ? "; " : "", rank, observed[rank].sign->what);
    }
    return fmt::format("all processes have waited for each other for {} ({})", seconds_text(), waits);
  }

  std::string seconds_text() const { return fmt::format("{:g} seconds", Seconds(options.timeout).count()); }

  /// Without rank 0 nobody can read the verdict any more.
  void wait_until_heard() {
    const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                     std::clamp<Seconds>(5 * interval, Seconds(0.2), Seconds(3)));
    for (std::int64_t rank = 1; rank < options.size; ++rank) {
      while (!texts->get(key_of("heard", rank)) && Clock::now() < end) std::this_thread::sleep_for(interval / 4);
    }
  }

  /// Rank 0 may be stopped, or cut off: then its store doesn't answer, and `exchange` hangs.
  void guard_until_stopped() {
    Clock::time_point last = Clock::now();
    while (sleep()) {
      const Seconds passed = passed_since(last);
      bool lost = false;
      {
        const std::lock_guard lock(mutex);
        unanswered += passed;
        lost = unanswered > patience();
      }
      if (!lost) continue;
      report(fmt::format("rank 0 has given no sign of life for {}", seconds_text()), /*even_when_leaving=*/true);
      return;
    }
  }

  void report(const std::string& verdict, bool even_when_leaving = false) {
    std::string sentence;
    {
      const std::lock_guard lock(mutex);
      if (reported || (leaving && !even_when_leaving)) return;
      reported = true;
      sentence =
          fmt::format("{}; rank {} {} {}", verdict, options.rank, sign.waits ? "waited for" : "was at", sign.what);
    }
    changed.notify_all();
    if (options.on_lost) options.on_lost(sentence);
  }

  bool is_stopping() {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  const std::unique_ptr<SharedTexts> texts;
  const ProcessWatchOptions options;
  const Seconds interval;
  std::vector<Observed> observed;  ///< rank 0's, by its exchanging thread alone

  std::mutex mutex;  ///< guards what follows
  std::condition_variable changed;
  SignOfLife sign;
  Seconds unanswered{0};
  bool suspects = false;
  bool stopping = false;
  bool reported = false;
  bool leaving = false;
  std::thread exchanging, guarding;
};

ProcessWatch::ProcessWatch(std::unique_ptr<SharedTexts> texts, ProcessWatchOptions options)
    : state_(std::make_unique<State>(std::move(texts), std::move(options))) {}
ProcessWatch::~ProcessWatch() = default;

void ProcessWatch::at_work(const std::string& what) {
  const std::lock_guard lock(state_->mutex);
  ++state_->sign.works;
  state_->sign.waits = false;
  state_->sign.what = what;
}

void ProcessWatch::waiting_for(const std::string& what) {
  const std::lock_guard lock(state_->mutex);
  ++state_->sign.works;
  state_->sign.waits = true;
  state_->sign.what = what;
}

void ProcessWatch::connection_broke(const std::string& how) {
  std::unique_lock lock(state_->mutex);
  state_->suspects = true;
  const Seconds long_enough = Seconds(state_->options.timeout) + 10 * state_->interval;
  const bool known = state_->changed.wait_for(lock, long_enough, [this] { return state_->reported; });
  lock.unlock();
  if (!known) state_->report(fmt::format("a connection broke ({})", how));
}

void ProcessWatch::leave(const std::string& reason) {
  std::int64_t rank = 0;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->reported) return;
    state_->leaving = true;
    rank = state_->options.rank;
  }
  if (!state_->texts->get(verdict_key))
    state_->texts->put(verdict_key, fmt::format("rank {} stopped: {}", rank, reason));
  state_->texts->put(key_of("heard", rank), "1");
  if (state_->is_first()) state_->wait_until_heard();
}

}  // namespace iddpm
