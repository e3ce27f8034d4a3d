#pragma once

#include <zip.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace iddpm {

/// A zip archive of entries (name, contents, name, contents ...), each deflated.
template <typename... Rest>
std::filesystem::path write_packed_zip(const std::filesystem::path& path, const Rest&... names_and_contents) {
  const std::string parts[] = {names_and_contents...};
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  if (archive == nullptr) throw std::runtime_error("cannot make " + path.string());
  for (std::size_t i = 0; i + 1 < sizeof...(Rest); i += 2) {
    zip_source_t* source = zip_source_buffer(archive, parts[i + 1].data(), parts[i + 1].size(), 0);
    const zip_int64_t index = zip_file_add(archive, parts[i].c_str(), source, 0);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), ZIP_CM_DEFLATE, 9);
  }
  if (zip_close(archive) != 0) throw std::runtime_error("cannot write " + path.string());
  return path;
}

}  // namespace iddpm
