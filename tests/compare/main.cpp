// compare_reference FILE: runs dcs on the weights and inputs of a file of goldens and prints a line for every entry of it. Files are what
// bench/reference/dcsnet.py and bench/reference/rivals/run.py write.
//
// The error of an entry is the norm of the difference over the larger of the entry's norm and 1e-6 of the largest norm in its group; of an entry
// whose true value is 0 the norm of the difference. In f64 it is at most 1e-6. In f32 a forward entry is at most 1e-4 (proposals and detections are
// printed only: a score that crosses a threshold changes their number), and a gradient at most 1e-2; gradients above 1e-4 and three times PyTorch's
// own error in f32 are counted, as rounding makes them in PyTorch too (bench/gradients.py). An entry that dcs has nothing to compare with fails, and
// so does a file without entries.
#include "variants.hpp"

#include <cstdio>

namespace {

using namespace compare;

const variant& variant_of(const char* path, const io::safetensors& file) {
  static const variant all[] = {
      paper(),      paper_no_msfa(),  paper_scratch(),        small(),          small_no_msfa(),        small_scratch(), unet(),
      unet_small(), unet_plus_plus(), unet_plus_plus_small(), attention_unet(), attention_unet_small(), mask_rcnn(),     mask_rcnn_small()};
  expect(file.metadata.count("net") || file.metadata.count("depth"), path, ": no goldens: the metadata has neither net nor depth");
  const auto said = [&](const std::string& key) {
    const auto it = file.metadata.find(key);
    return it == file.metadata.end() ? std::string("False") : it->second;
  };
  for (const auto& v : all)
    if (std::all_of(v.metadata.begin(), v.metadata.end(), [&](const auto& entry) { return said(entry.first) == entry.second; })) return v;
  std::string text;
  for (const char* key : {"net", "small", "mode", "depth", "width", "base", "msfa", "scratch"})
    if (file.metadata.count(key)) text += std::string(text.empty() ? "" : ", ") + key + " " + printable(said(key));
  fail(path, ": no network compiled in has ", text);
}

const char* remark(const comparison& c) {
  return std::isnan(c.f64) ? "  not compared" : c.printed_only ? "  f32 printed only" : c.over() && !c.failed() ? "  f32 over" : "";
}

int run(const char* path) {
  const auto file = io::read_safetensors(path);
  const variant& net = variant_of(path, file);
  const auto compared = compare_entries(file, net.in_double(file), net.in_float(file));
  int failed = 0, gradients = 0, over = 0;
  double worst = 0, worst_gradient = 0;
  for (const auto& c : compared) {
    std::printf("%s %-64s f64 %9.2e  f32 %9.2e (bound %.1e)%s\n", c.failed() ? "FAIL" : "ok  ", c.name.c_str(), c.f64, c.f32, c.bound, remark(c));
    failed += c.failed();
    if (std::isnan(c.f64) || c.f64 > worst) worst = c.f64;  // a NaN stays
    if (c.gradient) ++gradients, over += c.over(), worst_gradient = std::max(worst_gradient, c.f32);
  }
  std::printf("f32_gradients=%d over=%d worst=%.3e\n", gradients, over, worst_gradient);
  std::printf("compared=%zu failed=%d worst_f64=%.3e\n", compared.size(), failed, worst);
  expect(!compared.empty(), path, ": no goldens: there is nothing to compare but weights and inputs");
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
