// What the programs share of their command line: a mistake is one line on stderr, with the program's name.
#pragma once

#include <CLI/CLI.hpp>

#include <filesystem>

namespace programs {

/// CLI11 writes a mistake in two lines, this in one.
inline void one_line_mistakes(CLI::App& app) {
  app.failure_message([](const CLI::App* a, const CLI::Error& e) {
    return std::filesystem::path(a->get_name()).filename().string() + ": " + e.what() + " (--help lists what there is)\n";
  });
}

/// Whole numbers from 0; CLI11's own check spells out the largest double.
inline CLI::Range whole_number() { return CLI::Range(0, 1'000'000'000); }

}  // namespace programs
