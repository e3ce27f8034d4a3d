#include "iddpm/io/zip_writer.h"

#include <zlib.h>

#include <utility>

namespace iddpm {

ZipWriter::ZipWriter(std::filesystem::path path) : file_(std::move(path)) {}

void ZipWriter::add(const std::string& name, const std::vector<std::span<const std::byte>>& parts) {
  zip_records::Entry entry = {.name = name, .offset = position_};
  uLong checksum = crc32(0, nullptr, 0);
  for (const auto part : parts) {
    if (part.empty()) continue;  // zlib takes a null pointer for a wish to begin anew
    checksum = crc32_z(checksum, reinterpret_cast<const Bytef*>(part.data()), part.size());
    entry.size += part.size();
  }
  entry.checksum = static_cast<std::uint32_t>(checksum);
  const std::string header = zip_records::local_header(entry);
  file_.write(header);
  for (const auto part : parts) file_.write(part);
  position_ += header.size() + entry.size;
  entries_.push_back(std::move(entry));
}

void ZipWriter::commit() {
  file_.write(zip_records::directory(entries_, position_));
  file_.commit();
}

}  // namespace iddpm
