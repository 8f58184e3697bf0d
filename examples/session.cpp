// The networks that are compiled in, by name, and the programs' handling of errors and warnings.
#include "session.hpp"

#include <dcs/core/printable.hpp>
#include <dcs/core/warning.hpp>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <new>
#include <utility>

namespace programs {

namespace {

using maker = std::unique_ptr<session> (*)();

// By device and name. Created when the first network registers, as the order in which static objects of different files are initialised is not
// defined.
std::map<std::string, std::map<std::string, maker>>& networks() {
  static std::map<std::string, std::map<std::string, maker>> all;
  return all;
}
std::string names_on(const std::string& device) {
  std::string names;
  for (const auto& [name, make] : networks()[device]) names += (names.empty() ? "" : ", ") + name;
  return names;
}

// The name of the program that guarded() runs.
std::string program_name = "dcs";

void print_warning(const std::string& text) { report("warning: " + text); }

}  // namespace

registered_network::registered_network(const char* name, const char* device, std::unique_ptr<session> (*make)()) { networks()[device][name] = make; }

std::string net_names() { return names_on("cpu"); }
std::vector<std::string> nets() {
  std::vector<std::string> names;
  for (const auto& [name, make] : networks()["cpu"]) names.push_back(name);
  return names;
}

std::unique_ptr<session> make_session(const std::string& net, const std::string& device) {
  const auto& there_are = networks()[device];
  if (const auto found = there_are.find(net); found != there_are.end()) return found->second();
  if (device == "cpu") dcs::fail("--net ", net, ": not compiled in; there are ", net_names());
  dcs::expect(!there_are.empty(), "--device cuda: these programs contain no network for a GPU (DCS_CUDA, DCS_CUDA_NETWORKS)");
  dcs::fail("--device cuda: ", net, " is not compiled for a GPU; there are ", names_on(device), " (-DDCS_CUDA_NETWORKS)");
}

std::string net_of_run(const std::string& run) { return dcs::net_of_config((std::filesystem::path(run) / "config.json").string()); }

dcs::folder_dataset split_of(const dcs::run_config& c, const std::string& data, const std::string& name, const dcs::io::image_limits& limits,
                             bool skip_bad) {
  const dcs::folder_dataset set(data, name, c.side, limits, c.instances ? dcs::mask_values::objects : dcs::mask_values::lesion,
                                skip_bad ? dcs::wrong_files::skip : dcs::wrong_files::refuse);
  return c.native_targets ? set.keeping_native_masks() : set;
}

void report_left_out(const dcs::folder_dataset& data) {
  for (const auto& fault : data.left_out()) std::printf("left out: %s\n", fault.text().c_str());
}

void report_warnings() {
  static std::map<std::string, std::int64_t> reported;
  for (const auto& [first, files] : dcs::warning_log::get().entries()) {
    if (std::exchange(reported[first.kind], files) == files) continue;
    const std::string example = first.file + ": " + first.text;
    print_warning(files == 1 ? example : std::to_string(files) + " files: " + first.kind + " (first: " + example + ")");
  }
}

void report(const std::string& text) {
  std::fflush(stdout);
  // In one call, so that output of other processes does not split the line.
  std::fputs((program_name + ": " + dcs::printable(text) + "\n").c_str(), stderr);
}

int guarded(const char* program, int (*body)(int, char**), int argc, char** argv) {
  program_name = program;
  dcs::warning_log::get().set_handler({});  // warnings are counted, and reported together at the end
  dcs::notice_handler() = &print_warning;
  try {
    const int code = body(argc, argv);
    // A signal stopped the program, and may have ended the reader of its output too (program | tee log): that it was stopped is what is to be said.
    const bool stopped = code >= 128;
    if (stopped) std::signal(SIGPIPE, SIG_IGN);
    report_warnings();
    dcs::expect((std::fflush(stdout) == 0 && !std::ferror(stdout)) || stopped, "standard output cannot be written");
    return code;
  } catch (const std::bad_alloc&) {
    report("out of memory");
    return 1;
  } catch (const std::exception& e) {
    report(e.what());
    return 1;
  }
}

}  // namespace programs
