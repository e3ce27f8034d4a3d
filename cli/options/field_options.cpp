#include "cli/options/field_options.h"

#include <CLI/CLI.hpp>

#include "iddpm/core/error.h"

namespace iddpm::cli {
namespace {

template <typename Member>
constexpr bool takes_several =
    std::is_same_v<Member, std::vector<double>*> || std::is_same_v<Member, std::vector<std::int64_t>*>;

// What stands behind the option in the help: "INT", "linear|cosine", "FLOAT,...".
std::string value_name(const FieldMember& member) {
  return std::visit(
      [](const auto& target) -> std::string {
        using Member = std::decay_t<decltype(target)>;
        if constexpr (std::is_same_v<Member, ChoiceMember>) return fmt::format("{}", fmt::join(target.names, "|"));
        if constexpr (std::is_same_v<Member, bool*>) return "true|false";
        if constexpr (std::is_same_v<Member, double*>) return "FLOAT";
        if constexpr (std::is_same_v<Member, std::string*>) return "TEXT";
        if constexpr (takes_several<Member>) return "N,N,...";
        if constexpr (std::is_same_v<Member, std::uint64_t*>) return "UINT";
        return "INT";
      },
      member);
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

}  // namespace

void FieldOptions::add_option(CLI::App& verb, const std::string& group, const Field& field, const FieldMember& member) {
  const std::string names = field.option;
  const std::string name = names.substr(0, names.find(','));
  const auto take = [this, field, member, name](const std::string& text) {
    const bool several =
        std::visit([](const auto& target) { return takes_several<std::decay_t<decltype(target)>>; }, member);
    const std::vector<std::string> words = several ? split_at_commas(text) : std::vector<std::string>{text};
    try {
      set_field(field, member, words, name);
    } catch (const Error& error) {
      throw CLI::ValidationError(error.what());
    }
    words_[field.name] = words;
  };
  verb.add_option_function<std::string>(names, take, field.help)->group(group)->type_name(value_name(member));
}

}  // namespace iddpm::cli
