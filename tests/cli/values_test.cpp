// Values mean what they say: of every option of every verb.

#include "cli/options/values.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "cli/options/strict_arguments.h"
#include "cli/program.h"
#include "cli/terminal/command_line.h"
#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

CLI::App& whole_program() {
  static const std::unique_ptr<CLI::App> program = cli::make_program();
  return *program;
}

// What is said of a command line; nothing if it is carried out, which --help keeps from being done here: values are
// checked before help is given.
std::string refusal_of(std::vector<std::string> arguments, bool with_help = true) {
  if (with_help) arguments.push_back("--help");
  try {
    cli::carry_out(whole_program(), arguments);
  } catch (const CLI::Success&) {
    return {};
  } catch (const CLI::ParseError& error) {
    return cli::explain(whole_program(), error);
  } catch (const cli::UsageError& error) {
    return error.what();
  }
  return {};
}

struct OptionOfVerb {
  std::string verb;
  std::string name;
  std::string type = {};  // INT, UINT, FLOAT, BOOLEAN, TEXT, "N,N,...", "linear|cosine"; empty: a flag
  bool list = false;
  bool repeatable = false;
};

std::vector<OptionOfVerb> all_options() {
  std::vector<OptionOfVerb> all;
  for (CLI::App* verb : whole_program().get_subcommands([](CLI::App*) { return true; })) {
    for (const CLI::Option* option : verb->get_options()) {
      if (option->get_lnames().empty() || option->get_lnames().front() == "help") continue;
      const std::string type = option->get_type_name();
      const bool flag = option->get_items_expected_max() == 0;
      all.push_back({.verb = verb->get_name(),
                     .name = "--" + option->get_lnames().front(),
                     .type = flag ? "" : type.substr(0, type.find(':')),
                     .list = option->get_delimiter() != '\0' || type.starts_with("N,N"),
                     .repeatable = option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll});
    }
  }
  return all;
}

// The verb with what it can't do without.
std::vector<std::string> command(const OptionOfVerb& option, const std::vector<std::string>& arguments) {
  std::vector<std::string> whole = {option.verb};
  whole.insert(whole.end(), arguments.begin(), arguments.end());
  for (const CLI::Option* positional : whole_program().get_subcommand(option.verb)->get_options()) {
    if (positional->get_positional()) whole.push_back(option.verb == "reproduce" ? "compute" : "x");
  }
  return whole;
}

std::vector<std::string> bad_values(const OptionOfVerb& option) {
  std::vector<std::string> values = {""};
  const auto add = [&](std::initializer_list<const char*> more) {
    values.insert(values.end(), more.begin(), more.end());
  };
  if (option.type.find('|') != std::string::npos) add({"nonsense", " ", "2"});
  if (option.type == "INT" || option.type == "UINT" || option.type == "FLOAT" || option.type == "N,N,...") {
    add({" 5", "5 ", "0x10", "5x", "nan", "inf", "-inf", "-1", "1'000", "1_000", "five", "--",
         "18446744073709551616x"});
    if (!option.list) add({"1,5", "1,2"});
  }
  if (option.type == "INT") add({"1e3", "1.0", "9223372036854775808", "-9223372036854775809"});
  if (option.type == "UINT") add({"1e3", "1.0", "18446744073709551616", "99999999999999999999"});
  if (option.type == "FLOAT") add({"1e999", "0x1p3", "1.0.0"});
  if (option.type == "BOOLEAN") add({"2", "maybe", " true"});
  if (option.list) add({"1,,2", ",1", "1,", "1, 2", ","});
  return values;
}

}  // namespace

TEST(Values, ThatAreNoneAreRefusedByEveryOptionOfEveryVerb) {
  const std::vector<OptionOfVerb> options = all_options();
  EXPECT_GT(options.size(), 150U);
  for (const OptionOfVerb& option : options) {
    if (option.type.empty()) continue;
    for (const std::string& value : bad_values(option)) {
      const std::string refusal = refusal_of(command(option, {option.name + "=" + value}));
      EXPECT_NE(refusal.find(option.name), std::string::npos)
          << option.verb << " " << option.name << " '" << value << "': " << refusal;
      EXPECT_LT(refusal.size(), 350U) << refusal;
    }
  }
}

TEST(Values, OfOptionsWithAMeaningOfTheirOwnAreChecked) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> options = {
      {"sample --steps",
       {"karras", "logsnr0", "many", "10,,20", "10, 20", "0", "ddim", "ddim-5", "trailing", "optimal", "optimal0",
        "1e2"}},
      {"evaluate --steps", {"many", "10,", "-5"}},
      {"evaluate --sample-steps", {"many", "5x"}},
      {"evaluate --image-size", {"8x", "x8", "0", "-8", "8x8x8", "8 x 8", "8,8"}},
      {"train-features --image-size", {"8x", "1e2"}},
      {"train --image-size", {"8x", "99999"}},
      {"train --preset", {"Tiny", "cifar"}},
      {"train --decay", {"exponential"}},
      {"train --schedule", {"sinus"}},
      {"train --mean", {"w"}},
      {"train --variance", {"large"}},
      {"train --objective", {"L_simple"}},
      {"train --loss-weight", {"snr"}},
      {"train --dropout", {"1.5"}},
      {"train --ema", {"0.9,1.5"}},
      {"train --labels", {"Auto", "folder"}},
      {"train --split", {"validation"}},
      {"train --background", {"1.5"}},
      {"train --device", {"gpu", "cuda:", "cuda:x", "CPU", "cuda:-1"}},
      {"train --threads", {"0", "1025", "4294967297"}},
      {"train --precision", {"float16", "bf16"}},
      {"sample --sampler", {"ddmi"}},
      {"sample --ema", {"1.5"}},
      {"evaluate --image-channels", {"2", "01x"}},
      {"evaluate --neighbours", {"0", "3,0", "1001"}},
      {"respace --steps", {"0", "5,0"}},
      {"convert --family", {"improve"}},
      {"convert --flags", {"image_size 64", "--image_size"}},
      {"reproduce --scale", {"large"}},
  };
  for (const auto& [verb_and_option, values] : options) {
    const std::size_t space = verb_and_option.find(' ');
    const OptionOfVerb option{.verb = verb_and_option.substr(0, space), .name = verb_and_option.substr(space + 1)};
    for (const std::string& value : values) {
      const std::string refusal = refusal_of(command(option, {option.name + "=" + value}));
      EXPECT_NE(refusal.find(option.name), std::string::npos) << verb_and_option << " " << value << ": " << refusal;
      EXPECT_LT(refusal.size(), 350U) << refusal;
    }
  }
}

TEST(Values, AreReadAsTheyAreWritten) {
  CLI::App app;
  CLI::App* verb = app.add_subcommand("verb");
  std::int64_t whole = 0;
  std::uint64_t large = 0;
  std::vector<double> list;
  std::optional<bool> truth;
  verb->add_option("--whole", whole);
  verb->add_option("--large", large);
  verb->add_option("--list", list)->delimiter(',')->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--truth", truth);
  cli::read_values_strictly(app);
  cli::carry_out(app,
                 {"verb", "--whole", "010", "--large=18446744073709551615", "--list", "0.5,1e-4,2", "--truth", "no"});
  EXPECT_EQ(whole, 10) << "not 8";
  EXPECT_EQ(large, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(list, (std::vector<double>{0.5, 1e-4, 2}));
  EXPECT_EQ(truth, false);
}

TEST(Values, OfAnOptionGivenTwiceAreRefused) {
  for (const OptionOfVerb& option : all_options()) {
    if (option.repeatable) continue;
    const std::string once = option.type.empty() ? option.name : option.name + "=1";
    const std::string refusal = refusal_of(command(option, {once, once}));
    EXPECT_NE(refusal.find(option.name + " is given twice"), std::string::npos)
        << option.verb << " " << option.name << ": " << refusal;
  }
}

TEST(Values, AreNeitherOptionsNorMissing) {
  for (const OptionOfVerb& option : all_options()) {
    if (option.type.empty()) {
      const std::string refusal = refusal_of(command(option, {option.name + "=5"}));
      EXPECT_NE(refusal.find(option.name + " takes no value"), std::string::npos) << refusal;
      continue;
    }
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{option.verb, option.name}, {option.verb, option.name, "--threads"}}) {
      const std::string refusal = refusal_of(arguments);
      EXPECT_NE(refusal.find(option.name + " needs a value"), std::string::npos) << option.verb << ": " << refusal;
    }
  }
}

TEST(Values, MayBeTheFlagsOfAnotherProgram) {
  EXPECT_EQ(refusal_of({"convert", "x.pt", "--flags", "--image_size 64 --learn_sigma True"}), "");
  EXPECT_EQ(refusal_of({"convert", "x.pt", "--flags", "--learn_sigma=True"}), "");
}

TEST(Values, OfAnUnknownOptionAreToldTheNearestOption) {
  const std::vector<OptionOfVerb> options = all_options();
  for (const OptionOfVerb& option : options) {
    const std::string wrong = option.name.substr(0, option.name.size() - 1);
    const bool another = std::any_of(options.begin(), options.end(), [&](const OptionOfVerb& other) {
      return other.verb == option.verb && other.name == wrong;
    });
    if (another || option.name.size() < 7) continue;
    const std::string refusal = refusal_of(command(option, {wrong}), false);
    EXPECT_NE(refusal.find("Did you mean '--"), std::string::npos) << option.verb << " " << wrong << ": " << refusal;
  }
}

class BadValues : public TinyRunTest {};

TEST_F(BadValues, EndTheProgramWithTheExitCodeOfWrongUsageBeforeAnythingIsMade) {
  for (const std::string command : {
           "sample run --seed -1 --out new",
           "sample run --seed 18446744073709551616 --out new",
           "sample run --count 1e3 --out new",
           "sample run --out ''",
           "sample run --out --json",
           "sample run --seed 1 --seed 2 --out new",
           "train --data images --run new --seed ' 5'",
           "train --data images --run new --steps 0x10",
           "train --data images --run new --multipliers 1,,2",
           "train --data images --run new --lr nan",
           "train-features --data images --out new --learning-rate inf",
           "figures --out new --image -1",
           "evaluate run --data images --json-file new --seed 1.0",
           "info ''",
       }) {
    const auto result = run_program(folder(), command);
    EXPECT_EQ(result.exit_code, 2) << command << "\n" << result.errors;
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << command << "\n" << result.errors;
    EXPECT_FALSE(exists("new")) << command;
  }
}

}  // namespace iddpm::test
