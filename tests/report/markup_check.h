#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace iddpm {

/// Why a text isn't well-formed markup: tags unbalanced, an attribute without quotes, a bare & or <; empty where it is.
/// A small checker for what this library writes: no comments, no processing instructions; `void_elements` need no end.
inline std::string markup_fault(std::string_view text, const std::vector<std::string_view>& void_elements = {}) {
  std::vector<std::string> open;
  const auto fault = [&](std::string_view what, std::size_t at) {
    return std::string(what) + " at: " + std::string(text.substr(at, 60));
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '&') {
      const std::size_t end = text.find(';', i);
      if (end == std::string_view::npos || end - i > 6) return fault("bare &", i);
    }
    if (text[i] == '>') return fault("stray >", i);
    if (text[i] != '<') continue;
    const std::size_t begin = i;
    bool quoted = false;
    for (++i; i < text.size() && (quoted || text[i] != '>'); ++i) {
      if (text[i] == '"') quoted = !quoted;
      if (text[i] == '<') return fault("< inside a tag", begin);
      if (text[i] == '=' && !quoted && text[i + 1] != '"') return fault("attribute without quotes", begin);
    }
    if (i == text.size()) return fault("unfinished tag", begin);
    const std::string_view tag = text.substr(begin + 1, i - begin - 1);
    const std::string name(tag.substr(0, tag.find_first_of(" /\n", 1)));
    if (name[0] == '!') continue;
    if (name[0] == '/') {
      if (open.empty() || "/" + open.back() != name) return fault("unexpected end", begin);
      open.pop_back();
      continue;
    }
    bool empty_element = tag.back() == '/';
    for (const auto element : void_elements) empty_element |= element == name;
    if (empty_element) continue;
    if (name == "style") {  // its content isn't markup
      const std::size_t end = text.find("</style>", i);
      if (end == std::string_view::npos) return fault("unfinished style", begin);
      i = end + 7;
      continue;
    }
    open.push_back(name);
  }
  return open.empty() ? "" : "never closed: " + open.back();
}

}  // namespace iddpm
