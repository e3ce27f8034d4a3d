#include "iddpm/io/animated_webp.h"

#include <gtest/gtest.h>
#include <webp/demux.h>

#include <vector>

#include "iddpm/io/image_file.h"
#include "tests/expect_error.h"
#include "tests/io/image_samples.h"

namespace iddpm {
namespace {

using namespace std::chrono_literals;

struct Frame {
  std::vector<std::uint8_t> rgb;
  int end = 0;  // milliseconds from the beginning
};

// The animation as libwebp's own reader plays it.
std::vector<Frame> frames_of(const std::string& bytes, int& loops) {
  const WebPData data{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  WebPAnimDecoder* decoder = WebPAnimDecoderNew(&data, nullptr);
  std::vector<Frame> frames;
  if (decoder == nullptr) return frames;
  WebPAnimInfo info;
  WebPAnimDecoderGetInfo(decoder, &info);
  loops = static_cast<int>(info.loop_count);
  while (WebPAnimDecoderHasMoreFrames(decoder) != 0) {
    std::uint8_t* rgba = nullptr;
    Frame frame;
    if (WebPAnimDecoderGetNext(decoder, &rgba, &frame.end) == 0) break;
    const std::size_t pixels = std::size_t{info.canvas_width} * info.canvas_height;
    for (std::size_t i = 0; i < pixels; ++i) frame.rgb.insert(frame.rgb.end(), rgba + 4 * i, rgba + 4 * i + 3);
    frames.push_back(std::move(frame));
  }
  WebPAnimDecoderDelete(decoder);
  return frames;
}

}  // namespace

TEST(AnimatedWebp, PlaysItsFramesForTheirTimeWithoutEndAndExactOnesAsTheyWere) {
  Image first = gradient(16, 12, 3);
  Image last = first;
  for (std::size_t i = 0; i < last.pixels.size(); i += 3) last.pixels[i] = static_cast<std::uint8_t>(i % 251);
  AnimatedWebp animation(16, 12);
  animation.add(gradient(16, 12, 3), 40ms);
  first.pixels[5] ^= 1;
  animation.add(first, 60ms, FrameQuality::exact);
  animation.add(last, 2000ms, FrameQuality::exact);
  EXPECT_EQ(animation.frames(), 3);
  int loops = -1;
  const std::vector<Frame> frames = frames_of(animation.finish(), loops);
  EXPECT_EQ(loops, 0);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0].end, 40);
  EXPECT_EQ(frames.back().end, 2100);
  EXPECT_EQ(frames.back().rgb, last.pixels);
  EXPECT_EQ(frames[1].end, 100);
  EXPECT_EQ(frames[1].rgb, first.pixels);
}

TEST(AnimatedWebp, RefusesWhatIsNoFrameOfIt) {
  expect_error([] { AnimatedWebp(0, 4); }, {"0 x 4"});
  expect_error([] { AnimatedWebp(4, 16384); }, {"4 x 16384"});
  AnimatedWebp animation(4, 4);
  expect_error([&] { animation.add(gradient(4, 5, 3), 10ms); }, {"4 x 4", "4 x 5"});
  expect_error([&] { animation.add(gradient(4, 4, 4), 10ms); }, {"RGB", "4 channels"});
  expect_error([&] { animation.finish(); }, {"expected frames"});
  animation.add(gradient(4, 4, 3), 10ms);
  EXPECT_FALSE(animation.finish().empty());
  expect_error([&] { animation.add(gradient(4, 4, 3), 10ms); }, {"finished"});
}

}  // namespace iddpm
