// The networks that are compiled in, by name.
#include "session.hpp"

#include "run_config.hpp"

#include <dcs/core/warning.hpp>

#include <cstdio>
#include <map>
#include <utility>

namespace programs {

#define DCS_BUILT(number, name) std::unique_ptr<session> make_variant_##number();
#include "variants_built.inc"
#undef DCS_BUILT
#define DCS_BUILT(number, name) std::unique_ptr<session> make_cuda_variant_##number();
#include "cuda_variants_built.inc"
#undef DCS_BUILT

std::string net_names() {
  std::string names;
#define DCS_BUILT(number, name) names += std::string(names.empty() ? "" : ", ") + (name);
#include "variants_built.inc"
#undef DCS_BUILT
  return names;
}

namespace {

// Networks that are compiled for a GPU too.
std::unique_ptr<session> make_cuda_session(const std::string& net) {
  std::string names;
#define DCS_BUILT(number, name)                           \
  if (net == (name)) return make_cuda_variant_##number(); \
  names += std::string(names.empty() ? "" : ", ") + (name);
#include "cuda_variants_built.inc"
#undef DCS_BUILT
  dcs::expect(!names.empty(), "--device cuda: these programs contain no network for a GPU (DCS_CUDA, DCS_CUDA_VARIANTS)");
  dcs::fail("--device cuda: ", net, " is not compiled for a GPU; there are ", names, " (-DDCS_CUDA_VARIANTS)");
}

}  // namespace

std::unique_ptr<session> make_session(const std::string& net, const std::string& device) {
  if (device == "cuda") return make_cuda_session(net);
#define DCS_BUILT(number, name) \
  if (net == (name)) return make_variant_##number();
#include "variants_built.inc"
#undef DCS_BUILT
  dcs::fail("--net ", net, ": not compiled in; there are ", net_names());
}

std::string net_of_run(const std::string& run) { return read_config((std::filesystem::path(run) / "config.json").string()).net; }

namespace {

// Of the program that guarded() runs.
std::string program_name = "dcs";

// In one call, so that lines of other processes do not come in between.
void print_error(const std::string& text) { std::fputs((program_name + ": " + dcs::printable(text) + "\n").c_str(), stderr); }

}  // namespace

void warn(const std::string& text) {
  std::fflush(stdout);
  print_error("warning: " + text);
}

void report_warnings() {
  static std::map<std::string, std::int64_t> reported;
  for (const auto& [first, files] : dcs::warning_log::get().entries()) {
    if (std::exchange(reported[first.kind], files) == files) continue;
    const std::string example = first.file + ": " + first.text;
    warn(files == 1 ? example : std::to_string(files) + " files: " + first.kind + " (first: " + example + ")");
  }
}

int guarded(const char* program, int (*body)(int, char**), int argc, char** argv) {
  program_name = program;
  dcs::warning_log::get().set_handler({});  // counted, and reported together
  try {
    const int code = body(argc, argv);
    report_warnings();
    dcs::expect(std::fflush(stdout) == 0 && !std::ferror(stdout), "standard output cannot be written");
    return code;
  } catch (const std::exception& e) {
    std::fflush(stdout);
    print_error(e.what());
    return 1;
  }
}

}  // namespace programs
