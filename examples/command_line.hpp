// Command-line handling that the programs share: an error is one line on stderr, with the program's name.
#pragma once

#include <dcs/core/printable.hpp>
#include <dcs/core/version.hpp>
#include <dcs/io/image_limits.hpp>

#include <CLI/CLI.hpp>

#include <filesystem>
#include <initializer_list>
#include <string>

namespace programs {

/// What every program has: --version, `examples` (command lines without the program's name) at the end of --help, and mistakes in one line. CLI11
/// writes an error in two lines, with the argument's raw bytes; this writes one line that is safe to show on a terminal.
inline void add_conventions(CLI::App& app, const std::string& program, std::initializer_list<const char*> examples) {
  app.set_version_flag("--version", program + " " DCS_VERSION, "Print the version and exit");
  std::string footer = "Examples:";
  for (const char* arguments : examples) footer += "\n  " + program + " " + arguments;
  app.footer(footer);
  app.failure_message([](const CLI::App* a, const CLI::Error& e) {
    return dcs::printable(std::filesystem::path(a->get_name()).filename().string() + ": " + e.what() + " (--help lists what there is)") + "\n";
  });
}

/// The flag of every program that runs a network: the device.
inline void add_device(CLI::App& app, std::string& device) {
  app.add_option("--device", device, "cpu or cuda: where the network runs")->capture_default_str()->check(CLI::IsMember({"cpu", "cuda"}));
}

/// Flags about the accuracy and tuning of a GPU's arithmetic.
inline void add_tf32(CLI::App& app, bool& tf32) {
  app.add_flag("--tf32", tf32, "cuda: matrix units may round f32 to TF32, ten bits of mantissa; products are exact without");
}

/// The flag of every program that reads images: how large they may be.
inline void add_limits(CLI::App& app, dcs::io::image_limits& limits) {
  app.add_option("--most-pixels", limits.pixels, "images of more pixels (width × height) are refused")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
}

/// The flag of programs that read a set: what becomes of files that are wrong.
inline void add_skip_bad(CLI::App& app, bool& skip_bad) {
  app.add_flag("--skip-bad", skip_bad, "leave out images that cannot be used, with a line for each, instead of ending (dcs_verify lists them too)");
}

/// Whole numbers from 0; the message of CLI11's own check shows the largest double.
inline CLI::Range whole_number() { return CLI::Range(0, 1'000'000'000); }

/// Digits alone; CLI11 converts -1 to the largest unsigned number.
inline CLI::Validator digits() {
  return CLI::Validator(
      [](std::string& text) {
        return text.find_first_not_of("0123456789") == text.npos ? std::string() : "Value " + text + " is no whole number from 0";
      },
      "UINT");
}

/// Numbers from `low` to `high`; CLI11's own check accepts nan.
inline CLI::Validator number(double low, double high) {
  const std::string range = CLI::detail::to_string(low) + " to " + CLI::detail::to_string(high);
  return CLI::Validator(
      [=](std::string& text) {
        double v = 0;
        const bool fits = CLI::detail::lexical_cast(text, v) && v >= low && v <= high;
        return fits ? std::string() : "Value " + text + " not in range " + range;
      },
      "FLOAT from " + range);
}

}  // namespace programs
