#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

namespace iddpm {

/// Reads a CSV table of labels: a line "file,label" for each image, the file relative to the images' folder. Fields may
/// stand in double quotes ("" inside for one quote), and spaces around them don't count. Empty lines are left out, and
/// so are lines of files that are not among `images`: a header, or the other images of a table for several folders.
/// Throws Error naming the line where a comma is missing, a field is too many or empty, a quote isn't closed, or a file
/// gets a second, different label.
std::unordered_map<std::string, std::string> read_csv_labels(const std::filesystem::path& csv,
                                                             const std::vector<std::string>& images);

}  // namespace iddpm
