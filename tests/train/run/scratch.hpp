// For tests of the programs' files: a temporary folder, the warnings, and the message of an error.
#pragma once

#include <dcs/core/warning.hpp>
#include <dcs/io/file.hpp>

#include <doctest/doctest.h>
#include "../../message.hpp"

#include <set>

namespace fs = std::filesystem;

namespace {
std::vector<std::string> warnings;
}

namespace {

// An empty folder that vanishes at the end of its test; warnings begin with none.
struct run_scratch {
  std::string folder = (fs::temp_directory_path() / ("dcs_test_run_folder_" + std::to_string(::getpid()))).string();
  run_scratch() {
    fs::remove_all(folder);
    fs::create_directories(folder);
    warnings.clear();
    dcs::notice_handler() = [](const std::string& text) { warnings.push_back(text); };
  }
  ~run_scratch() { fs::remove_all(folder); }
  std::string operator()(const std::string& name) const { return folder + "/" + name; }
  void put(const std::string& name, const std::string& text) const { dcs::io::write_bytes((*this)(name), "test", text); }
  std::string text(const std::string& name) const { return dcs::io::read_bytes((*this)(name), "test", 1 << 20); }
  std::string names() const {
    std::set<std::string> all;
    for (const auto& e : fs::directory_iterator(folder)) all.insert(e.path().filename().string());
    std::string s;
    for (const auto& n : all) s += n + " ";
    return s;
  }
};

[[maybe_unused]] bool says(const std::string& m, const std::string& text) {
  CAPTURE(m);
  return m.find(text) != m.npos;
}

}  // namespace
