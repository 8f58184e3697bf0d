// The networks that are compiled in, by name.
#include "session.hpp"

#include "run_folder.hpp"

#include <dcs/core/warning.hpp>

#include <iostream>
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

std::string net_of_run(const std::string& run) {
  const std::string path = (std::filesystem::path(run) / "config.json").string();
  return config_of(read_json(path), path).net;
}

namespace {
const char* running = "dcs";  // the program's name
}

void report_warnings() {
  static std::map<std::string, std::int64_t> reported;
  for (const auto& [first, files] : dcs::warning_log::get().entries()) {
    if (std::exchange(reported[first.kind], files) == files) continue;
    const std::string example = dcs::printable(first.file + ": " + first.text);
    if (files == 1)
      std::cerr << running << ": warning: " << example << "\n";
    else
      std::cerr << running << ": warning: " << files << " files: " << dcs::printable(first.kind) << " (first: " << example << ")\n";
  }
}

int guarded(const char* program, int (*body)(int, char**), int argc, char** argv) {
  running = program;
  dcs::warning_log::get().set_handler({});  // counted, and reported together
  try {
    const int code = body(argc, argv);
    report_warnings();
    dcs::expect(std::fflush(stdout) == 0 && !std::ferror(stdout), "standard output cannot be written");
    return code;
  } catch (const std::exception& e) {
    std::fflush(stdout);
    std::cerr << program << ": " << e.what() << "\n";
    return 1;
  }
}

}  // namespace programs
