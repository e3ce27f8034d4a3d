#include "iddpm/data/class_name_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "iddpm/data/lower_case.h"

namespace iddpm {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_number(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

int value_of(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = 10 * value + (c - '0');
  return value;
}

bool is_year(std::string_view text) {
  return text.size() == 4 && is_number(text) && value_of(text) >= 1900 && value_of(text) <= 2099;
}

bool is_month(std::string_view text) {
  return text.size() == 2 && is_number(text) && value_of(text) >= 1 && value_of(text) <= 12;
}

bool is_day(std::string_view text) {
  return text.size() == 2 && is_number(text) && value_of(text) >= 1 && value_of(text) <= 31;
}

/// 2021, 202105, 20210514, and the same with - . or _ between; a time may follow.
bool is_date(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (is_digit(c)) {
      digits += c;
    } else if (c != '-' && c != '.' && c != '_' && c != ' ' && c != ':') {
      return false;
    }
  }
  const std::string_view view = digits;
  if (view.size() < 4 || !is_year(view.substr(0, 4))) return false;
  if (view.size() == 4) return true;
  if (view.size() < 6 || !is_month(view.substr(4, 2))) return false;
  return view.size() == 6 || (view.size() >= 8 && is_day(view.substr(6, 2)));
}

/// What is left of a name without the number at its end and a separator before it: "shard" of "shard-0001".
std::string stem_before_number(std::string_view name) {
  std::size_t end = name.size();
  while (end > 0 && is_digit(name[end - 1])) --end;
  if (end == name.size()) return {};
  while (end > 0 && (name[end - 1] == '-' || name[end - 1] == '_' || name[end - 1] == ' ' || name[end - 1] == '.'))
    --end;
  return lower_case(name.substr(0, end));
}

constexpr std::array<std::string_view, 22> words_for_parts = {
    "shard", "part", "chunk", "batch", "images", "image", "imgs",  "img",  "dir",    "folder", "archive",
    "tar",   "disk", "disc",  "vol",   "volume", "pack",  "block", "page", "subset", "data",   "split"};

bool is_numbered_part(const std::string& name) {
  const std::string stem = stem_before_number(name);
  return std::find(words_for_parts.begin(), words_for_parts.end(), stem) != words_for_parts.end();
}

/// Names of folders on a camera's card, "100CANON" (JEITA CP-3461, DCF): three digits from 100, five letters or digits.
bool is_camera_folder(std::string_view name) {
  return name.size() == 8 && name[0] >= '1' && name[0] <= '9' && is_number(name.substr(0, 3)) && !is_number(name) &&
         std::all_of(name.begin() + 3, name.end(),
                     [](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z') || c == '_'; });
}

constexpr std::array<std::string_view, 44> camera_prefixes = {
    "img",  "imgp",  "image", "images", "dsc",  "dscn", "dscf",       "_dsc",    "pxl",      "mvi",
    "vid",  "mvimg", "gopr",  "gp",     "dji",  "sam",  "cimg",       "pic",     "pict",     "p",
    "pano", "burst", "photo", "scan",   "hpim", "kimg", "screenshot", "fb",      "snapchat", "received",
    "win",  "sdc",   "sta",   "stb",    "eos",  "r",    "frame",      "picture", "whatsapp", "whatsapp image",
    "film", "video", "file",  "capture"};

bool is_camera_prefix(const std::string& prefix) {
  const std::string lower = lower_case(prefix);
  const auto known = [](std::string_view text) {
    return std::find(camera_prefixes.begin(), camera_prefixes.end(), text) != camera_prefixes.end();
  };
  return known(lower);
}

std::string some_of(const std::vector<std::string>& names) {
  const std::vector<std::string> shown(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(names.size(), 2)));
  return fmt::format("{}{}", fmt::join(shown, ", "), names.size() > shown.size() ? ", ..." : "");
}

template <typename Rule>
bool all(const std::vector<std::string>& names, const Rule& rule) {
  return std::all_of(names.begin(), names.end(), rule);
}

bool are_padded_numbers(const std::vector<std::string>& names) {
  const bool numbers = all(names, [](const std::string& name) { return is_number(name); });
  return numbers && std::any_of(names.begin(), names.end(),
                                [](const std::string& name) { return name.size() > 1 && name[0] == '0'; });
}

}  // namespace

std::string why_no_classes_of_folders(const std::vector<std::string>& names) {
  const char* what = nullptr;
  if (are_padded_numbers(names) || all(names, is_numbered_part)) {
    what = "numbered parts";
  } else if (all(names, [](const std::string& name) { return is_date(name); })) {
    what = "dates";
  } else if (all(names, [](const std::string& name) { return is_camera_folder(name); })) {
    what = "a camera's folders";
  }
  return what == nullptr ? std::string() : fmt::format("the sub-folders look like {} ({})", what, some_of(names));
}

std::string why_no_classes_of_prefixes(const std::vector<std::string>& prefixes, std::size_t images) {
  if (prefixes.size() * 3 > images * 2) return "file names have few beginnings in common";
  const auto any = [&](const auto& rule) { return std::any_of(prefixes.begin(), prefixes.end(), rule); };
  const char* what = nullptr;
  if (any([](const std::string& prefix) { return is_date(prefix); })) {
    what = "dates";
  } else if (any([](const std::string& prefix) { return is_number(prefix); })) {
    what = "numbers";
  } else if (any(is_camera_prefix)) {
    what = "a camera's names";
  }
  return what == nullptr ? std::string() : fmt::format("file names begin with {} ({})", what, some_of(prefixes));
}

}  // namespace iddpm
