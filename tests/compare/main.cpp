// compare_reference FILE: runs dcs on the weights and inputs of a file of goldens and prints a line for every entry of it.
//
// The error of an entry is the norm of the difference over the larger of the entry's norm and 1e-6 of the largest norm in its group. In f64 it is at
// most 1e-6. In f32 a forward entry is at most 1e-4 (proposals and detections are printed only: a score that crosses a threshold changes their
// number), and a gradient at most 1e-4 or three times PyTorch's own error in f32. An entry that dcs has nothing to compare with fails, and so does a
// file without entries.
#include "compare.hpp"

#include <cstdio>

namespace {

using compare::outcome;

double norm(const std::vector<double>& v) {
  double s = 0;
  for (double x : v) s += x * x;
  return std::sqrt(s);
}

double error_of(const outcome& ours, const std::string& name, const std::vector<double>& wanted, double floor) {
  const auto it = ours.find(name);
  if (it == ours.end()) return NAN;
  if (it->second.size() != wanted.size()) return HUGE_VAL;
  double s = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) s += (it->second[i] - wanted[i]) * (it->second[i] - wanted[i]);
  const double scale = std::max(norm(wanted), floor);
  return std::isfinite(s) ? (s == 0 ? 0 : std::sqrt(s) / scale) : HUGE_VAL;
}

std::string group_of(const std::string& name) { return name.substr(0, name.find('/')); }

int run(const char* path) {
  const auto file = dcs::io::read_safetensors(path);
  auto meta = [&](const char* key) {
    const auto it = file.metadata.find(key);
    dcs::expect(it != file.metadata.end(), path, ": no goldens: the metadata lacks ", key);
    return it->second;
  };
  const compare::variant* net = nullptr;
  const compare::variant all[] = {compare::paper(), compare::paper_no_msfa(), compare::paper_scratch(),
                                  compare::small(), compare::small_no_msfa(), compare::small_scratch()};
  for (const auto& v : all)
    if (meta("depth") == std::to_string(v.depth) && meta("width") == std::to_string(v.width) && meta("base") == std::to_string(v.base) &&
        (meta("msfa") == "True") == v.msfa && (meta("scratch") == "True") == v.scratch)
      net = &v;
  dcs::expect(net != nullptr, path, ": no network compiled in has depth ", meta("depth"), ", width ", meta("width"), ", base ", meta("base"),
              ", msfa ", meta("msfa"), ", scratch ", meta("scratch"));
  const auto in_double = net->in_double(file), in_float = net->in_float(file);

  std::map<std::string, double> largest;
  std::map<std::string, std::vector<double>> wanted;
  for (const auto& [name, t] : file.tensors) {
    const std::string group = group_of(name);
    if (group == "weight" || group == "input" || group == "f32_error") continue;
    wanted[name] = t.as<double>();
    largest[group] = std::max(largest[group], norm(wanted[name]));
  }
  int compared = 0, failed = 0;
  double worst = 0;
  for (const auto& [name, v] : wanted) {
    const std::string group = group_of(name);
    const double e64 = error_of(in_double, name, v, 1e-6 * largest[group]), e32 = error_of(in_float, name, v, 1e-6 * largest[group]);
    const bool gradient = group == "grad" || group == "grad.detector";
    const bool printed_only = group == "detections" || name.find("proposals") != std::string::npos;
    double bound32 = 1e-4;
    if (gradient && file.contains("f32_error/" + name)) bound32 = std::max(bound32, 3 * file.at("f32_error/" + name).as<double>()[0]);
    const bool ok = e64 <= 1e-6 && (printed_only || e32 <= bound32);
    std::printf("%s %-64s f64 %9.2e  f32 %9.2e (bound %.1e)%s\n", ok ? "ok  " : "FAIL", name.c_str(), e64, e32, bound32,
                std::isnan(e64) ? "  not compared"
                : printed_only  ? "  f32 printed only"
                                : "");
    ++compared, failed += !ok;
    if (std::isnan(e64) || e64 > worst) worst = e64;  // a NaN stays
  }
  std::printf("compared=%d failed=%d worst_f64=%.3e\n", compared, failed, worst);
  dcs::expect(compared > 0, path, ": no goldens: there is nothing to compare but weights and inputs");
  return failed ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: compare_reference FILE\n"), 2;
  try {
    return run(argv[1]);
  } catch (const std::exception& e) {
    return std::fprintf(stderr, "compare_reference: %s\n", e.what()), 1;
  }
}
