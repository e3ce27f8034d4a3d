#pragma once

#include <fmt/format.h>

#include <string>

namespace iddpm {

/// An entry of a tar archive, header and padded contents, as POSIX.1-1988 has it.
inline std::string tar_entry(const std::string& name, const std::string& contents, char type = '0',
                             const std::string& size_field = {}) {
  std::string header(512, '\0');
  const auto put = [&](std::size_t offset, const std::string& text) { header.replace(offset, text.size(), text); };
  put(0, name.substr(0, 100));
  put(100, "0000644");
  put(124, size_field.empty() ? fmt::format("{:011o}", contents.size()) : size_field);
  put(148, "        ");
  header[156] = type;
  put(257, std::string("ustar\0"
                       "00",
                       8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return header + contents + std::string((512 - contents.size() % 512) % 512, '\0');
}

/// An extended header (POSIX.1-2001) with one record, for the entry that follows.
inline std::string pax_header(const std::string& key, const std::string& value) {
  std::size_t length = key.size() + value.size() + 3;
  while (length != fmt::format("{} {}={}\n", length, key, value).size()) ++length;
  return tar_entry("PaxHeader", fmt::format("{} {}={}\n", length, key, value), 'x');
}

inline std::string tar_end() { return std::string(1024, '\0'); }

}  // namespace iddpm
