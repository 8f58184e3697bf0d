// Flags for a network's own options, and the network that the arguments select.
#pragma once

#include "command_line.hpp"
#include "session.hpp"

#include <string_view>

namespace programs {

/// The value behind a flag, as --net NAME or --net=NAME; `otherwise` where it is not among the arguments.
inline std::string value_of_argument(int argc, char** argv, std::string_view flag, const std::string& otherwise) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view a = argv[i];
    if (a == flag && i + 1 < argc) return argv[i + 1];
    if (a.size() > flag.size() && a.substr(0, flag.size()) == flag && a[flag.size()] == '=') return std::string(a.substr(flag.size() + 1));
  }
  return otherwise;
}

/// The value of an option in a plan's file; `otherwise` where the file does not state it, or is not there, which the parsing of the flags says.
inline std::string value_of_plan(const std::string& path, const std::string& option, const std::string& otherwise) {
  if (!std::filesystem::is_regular_file(path)) return otherwise;
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_file(path))
    if (item.name == option && item.parents.empty() && !item.inputs.empty()) return item.inputs[0];
  return otherwise;
}

/// The network that --net names, or with --resume the configuration in --out, or the file of --plan; `otherwise` where there is none of them.
inline std::string net_of_arguments(int argc, char** argv, const std::string& otherwise) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--resume") {
      const std::string out = value_of_argument(argc, argv, "--out", "");
      if (!out.empty()) return net_of_run(out);
    }
  return value_of_argument(argc, argv, "--net", value_of_plan(value_of_argument(argc, argv, "--plan", ""), "net", otherwise));
}

/// A flag for a list of numbers: as many as the option has, separated by commas, or the word auto where they can be chosen from the training set's
/// boxes.
inline void add_list_flag(CLI::App& app, const std::string& flag, dcs::network_option& o, std::vector<double>& value) {
  const auto count = static_cast<int>(value.size());
  if (o.from_boxes.choose == nullptr) {
    app.add_option(flag, value, o.help)
        ->group("Of this network")
        ->capture_default_str()
        ->delimiter(',')
        ->expected(count)
        ->check(number(o.low, o.high));
    return;
  }
  const CLI::Validator in_range = number(o.low, o.high);
  const auto read = [&o, flag, in_range, count](const CLI::results_t& words) {
    if (words == CLI::results_t{"auto"}) return o.automatic = true;
    if (static_cast<int>(words.size()) != count)
      throw CLI::ValidationError(flag, "expected auto or " + std::to_string(count) + " numbers, not " + std::to_string(words.size()));
    std::vector<double> numbers;
    for (const std::string& word : words) {
      if (const std::string wrong = in_range(word); !wrong.empty()) throw CLI::ValidationError(flag, wrong);
      CLI::detail::lexical_cast(word, numbers.emplace_back());
    }
    o.value = numbers;
    return true;
  };
  app.add_option(flag, read, o.help)
      ->group("Of this network")
      ->type_name("auto or " + std::to_string(count) + " FLOATs from " + CLI::detail::to_string(o.low) + " to " + CLI::detail::to_string(o.high))
      ->default_str(CLI::detail::join(value, ","))
      ->delimiter(',')
      ->expected(1, count);
}

/// A flag for each option: its name with - for _. `options` must outlive the parsing.
inline void add_network_flags(CLI::App& app, std::vector<dcs::network_option>& options) {
  for (auto& o : options) {
    std::string flag = "--" + o.name;
    for (char& c : flag) c = c == '_' ? '-' : c;
    std::visit(
        [&]<class V>(V& value) {
          if constexpr (std::is_same_v<V, bool>)
            app.add_flag(flag, value, o.help)->group("Of this network");
          else if constexpr (std::is_same_v<V, std::vector<double>>)
            add_list_flag(app, flag, o, value);
          else if constexpr (std::is_same_v<V, std::int64_t>)
            app.add_option(flag, value, o.help)
                ->group("Of this network")
                ->capture_default_str()
                ->check(CLI::Range(static_cast<std::int64_t>(o.low), static_cast<std::int64_t>(o.high)));
          else
            app.add_option(flag, value, o.help)->group("Of this network")->capture_default_str()->check(number(o.low, o.high));
        },
        o.value);
  }
}

}  // namespace programs
