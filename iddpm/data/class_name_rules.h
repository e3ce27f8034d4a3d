#pragma once

#include <string>
#include <vector>

namespace iddpm {

/// Why names of sub-folders, each holding a part of the images, don't look like classes: "they are numbered parts
/// (00000, 01000)". Empty if they do. Plain numbers from 0 on (0, 1, ... 9) are classes, padded ones (00000) are not.
std::string why_no_classes_of_folders(const std::vector<std::string>& names);

/// Why prefixes of `images` file names don't look like classes: numbers, dates, or what cameras and phones begin names
/// with. Empty if they do.
std::string why_no_classes_of_prefixes(const std::vector<std::string>& prefixes, std::size_t images);

}  // namespace iddpm
