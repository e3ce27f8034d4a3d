#include "iddpm/processes/process_watch.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace iddpm {
namespace {

/// What the processes of a test leave for each other.
struct Board {
  std::mutex mutex;
  std::map<std::string, std::string> texts;
};

/// One process's access to it, which can be cut.
class BoardTexts : public SharedTexts {
 public:
  enum class Access { open, deaf, gone };
  BoardTexts(std::shared_ptr<Board> board, std::shared_ptr<std::atomic<Access>> access)
      : board_(std::move(board)), access_(std::move(access)) {}
  void put(const std::string& key, const std::string& text) override {
    if (*access_ == Access::gone) throw std::runtime_error("connection closed");
    const std::lock_guard lock(board_->mutex);
    if (*access_ == Access::open) board_->texts[key] = text;
  }
  std::optional<std::string> get(const std::string& key) override {
    if (*access_ == Access::gone) throw std::runtime_error("connection closed");
    const std::lock_guard lock(board_->mutex);
    const auto found = board_->texts.find(key);
    return found == board_->texts.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::shared_ptr<Board> board_;
  std::shared_ptr<std::atomic<Access>> access_;
};

/// A process with its watch, and what the watch said.
struct Watched {
  Watched(std::shared_ptr<Board> board, std::int64_t rank, std::int64_t size,
          std::chrono::milliseconds timeout = std::chrono::milliseconds(800))
      : watch(
            std::make_unique<BoardTexts>(std::move(board), access),
            {.rank = rank, .size = size, .timeout = timeout, .on_lost = [this](const auto& s) { said.set_value(s); }}) {
  }
  std::string sentence() { return said.get_future().get(); }

  std::shared_ptr<std::atomic<BoardTexts::Access>> access =
      std::make_shared<std::atomic<BoardTexts::Access>>(BoardTexts::Access::open);
  std::promise<std::string> said;
  ProcessWatch watch;
};

bool holds(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

}  // namespace

TEST(ProcessWatch, NamesTheRankThatIsSilentAndWhatTheOthersWaitedFor) {
  const auto board = std::make_shared<Board>();
  Watched first(board, 0, 3), second(board, 1, 3), third(board, 2, 3);
  first.watch.waiting_for("the gradients");
  third.watch.waiting_for("the gradients");
  second.watch.at_work("step 7");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // for the last words; the test holds without
  *second.access = BoardTexts::Access::deaf;
  for (Watched* process : {&first, &third}) {
    const std::string sentence = process->sentence();
    EXPECT_TRUE(holds(sentence, "rank 1 has")) << sentence;
    EXPECT_TRUE(holds(sentence, "waited for the gradients")) << sentence;
  }
}

TEST(ProcessWatch, NamesTheRankThatLivesButHangs) {
  const auto board = std::make_shared<Board>();
  Watched first(board, 0, 2), second(board, 1, 2);
  first.watch.waiting_for("the figures");
  second.watch.at_work("reading a file");
  EXPECT_TRUE(holds(first.sentence(), "rank 1 has not got on for 0.8 seconds (reading a file)"));
  EXPECT_TRUE(holds(second.sentence(), "rank 1 was at reading a file"));
}

TEST(ProcessWatch, OneThatNeverComesIsNamed) {
  Watched first(std::make_shared<Board>(), 0, 2);
  first.watch.waiting_for("meeting the others");
  EXPECT_TRUE(holds(first.sentence(), "rank 1 has not come"));
}

TEST(ProcessWatch, WithoutRankZeroThereIsNothingToRead) {
  const auto board = std::make_shared<Board>();
  Watched first(board, 0, 2), second(board, 1, 2);
  *second.access = BoardTexts::Access::gone;
  EXPECT_TRUE(holds(second.sentence(), "rank 0 is gone"));
  *first.access = BoardTexts::Access::gone;
  (void)first.sentence();
}

TEST(ProcessWatch, WhoLeavesSaysWhy) {
  const auto board = std::make_shared<Board>();
  Watched first(board, 0, 2), second(board, 1, 2);
  second.watch.leave("the disk is full");
  EXPECT_TRUE(holds(first.sentence(), "rank 1 stopped: the disk is full"));
}

TEST(ProcessWatch, ABrokenConnectionIsExplainedSooner) {
  const auto board = std::make_shared<Board>();
  const auto timeout = std::chrono::seconds(10);
  Watched first(board, 0, 2, timeout), second(board, 1, 2, timeout);
  first.watch.waiting_for("the gradients");
  for (bool came = false; !came; std::this_thread::yield()) {
    const std::lock_guard lock(board->mutex);
    came = board->texts.contains("sign/1");
  }
  *second.access = BoardTexts::Access::deaf;
  first.watch.connection_broke("closed by peer");  // after some 9 seconds otherwise
  const std::string sentence = first.sentence();
  const std::string beginning = "rank 1 has given no sign of life for ";
  ASSERT_TRUE(sentence.starts_with(beginning)) << sentence;
  EXPECT_LT(std::stod(sentence.substr(beginning.size())), 6) << sentence;
}

}  // namespace iddpm
