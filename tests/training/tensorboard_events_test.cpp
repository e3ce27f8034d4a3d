#include "iddpm/training/run/tensorboard_events.h"

#include <cstring>

#include "iddpm/io/crc32c.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

std::uint32_t crc_of(const std::string& text) { return crc32c(std::as_bytes(std::span(text))); }

// Undoes the mask as a reader does.
std::uint32_t unmasked(std::uint32_t masked) { return std::rotl(masked - 0xA282EAD8u, 15); }

template <typename Value>
Value read(const std::string& bytes, std::size_t at) {
  Value value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

// A protocol buffer message, as fields of numbers or bytes.
struct EventField {
  std::uint64_t number = 0;
  std::uint64_t value = 0;
  std::string bytes;
};

std::uint64_t read_varint(const std::string& bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.at(at++));
    value |= std::uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return value;
  }
}

std::vector<EventField> parse(const std::string& message) {
  std::vector<EventField> fields;
  for (std::size_t at = 0; at < message.size();) {
    const std::uint64_t key = read_varint(message, at);
    EventField field = {.number = key >> 3, .bytes = {}};
    switch (key & 7) {
      case 0:
        field.value = read_varint(message, at);
        break;
      case 1:
        field.bytes = message.substr(at, 8);
        at += 8;
        break;
      case 2: {
        const std::size_t size = read_varint(message, at);
        field.bytes = message.substr(at, size);
        at += size;
        break;
      }
      case 5:
        field.bytes = message.substr(at, 4);
        at += 4;
        break;
      default:
        ADD_FAILURE() << "wire type " << (key & 7);
        return fields;
    }
    fields.push_back(field);
  }
  return fields;
}

}  // namespace

TEST(Crc32c, HasThePublishedValues) {
  // RFC 3720 appendix B.4, and the check value of the polynomial.
  EXPECT_EQ(crc_of(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc_of(std::string(32, '\xFF')), 0x62A8AB43u);
  EXPECT_EQ(crc_of("123456789"), 0xE3069283u);
  EXPECT_EQ(crc_of(""), 0u);
}

TEST(Crc32c, GoesOnFromAnEarlierResult) {
  const std::string text = "parts of any length give what the whole does";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string a = text.substr(0, cut), b = text.substr(cut);
    EXPECT_EQ(crc32c(std::as_bytes(std::span(b)), crc_of(a)), crc_of(text)) << cut;
  }
}

TEST(TfRecord, FramesDataWithMaskedChecksums) {
  const std::string data = "event";
  const std::string record = tfrecord(data);
  ASSERT_EQ(record.size(), 8 + 4 + data.size() + 4);
  EXPECT_EQ(read<std::uint64_t>(record, 0), data.size());
  EXPECT_EQ(unmasked(read<std::uint32_t>(record, 8)), crc_of(record.substr(0, 8)));
  EXPECT_EQ(record.substr(12, data.size()), data);
  EXPECT_EQ(unmasked(read<std::uint32_t>(record, 12 + data.size())), crc_of(data));
}

TEST(TensorboardEvent, OfScalarsIsTheirProtocolBuffer) {
  const auto event = parse(scalars_event(12.5, 300, {{"loss", 0.25}, {"vb", -1.0}}));
  ASSERT_EQ(event.size(), 3u);
  EXPECT_EQ(event[0].number, 1u);
  EXPECT_EQ(read<double>(event[0].bytes, 0), 12.5);
  EXPECT_EQ(event[1].number, 2u);
  EXPECT_EQ(event[1].value, 300u);
  EXPECT_EQ(event[2].number, 5u);
  const auto summary = parse(event[2].bytes);
  ASSERT_EQ(summary.size(), 2u);
  const auto value = parse(summary[1].bytes);
  ASSERT_EQ(value.size(), 2u);
  EXPECT_EQ(value[0].bytes, "vb");
  EXPECT_EQ(value[1].number, 2u);
  EXPECT_EQ(read<float>(value[1].bytes, 0), -1.0f);
}

TEST(TensorboardEvent, OfAnImageHoldsAPng) {
  const Image image = {.width = 3, .height = 2, .channels = 1, .pixels = {0, 50, 100, 150, 200, 250}};
  const auto summary = parse(parse(image_event(1, 7, "samples", image))[2].bytes);
  const auto value = parse(summary[0].bytes);
  EXPECT_EQ(value[0].bytes, "samples");
  EXPECT_EQ(value[1].number, 4u);
  const auto fields = parse(value[1].bytes);
  ASSERT_EQ(fields.size(), 4u);
  EXPECT_EQ(fields[0].value, 2u) << "height";
  EXPECT_EQ(fields[1].value, 3u) << "width";
  EXPECT_EQ(fields[2].value, 1u) << "grey";
  EXPECT_EQ(decode_image(fields[3].bytes, "event").pixels, image.pixels);
}

TEST(TensorboardWriter, WritesRecordsThatFollowOneAnother) {
  const TemporaryFolder folder;
  std::filesystem::path path;
  {
    TensorboardWriter writer(folder / "tensorboard");
    TensorboardWriter another(folder / "tensorboard");
    writer.restart(11);
    writer.write_scalars(11, {{"loss", 1.0}});
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "tensorboard")) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 2u) << "each writer has its own file";
  const std::string a = read_file(files[0]), b = read_file(files[1]);
  const std::string contents = a.size() > b.size() ? a : b;
  std::vector<std::vector<EventField>> events;
  for (std::size_t at = 0; at < contents.size();) {
    const auto size = read<std::uint64_t>(contents, at);
    EXPECT_EQ(tfrecord(contents.substr(at + 12, size)), contents.substr(at, size + 16));
    events.push_back(parse(contents.substr(at + 12, size)));
    at += size + 16;
  }
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].back().bytes, "brain.Event:2");
  EXPECT_EQ(events[1].back().number, 7u) << "session log: start";
  EXPECT_EQ(events[2][1].value, 11u);
}

}  // namespace iddpm
