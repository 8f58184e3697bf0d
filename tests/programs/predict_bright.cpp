// dcs_predict with a network that is known: the probability of a pixel is the square of its grey, and all that is bright has one box. So there is
// something to be found without training, and predict.py can say what.
#include "predict_flags.hpp"
#include "predictions.hpp"

namespace {

dcs::prediction bright(const dcs::sample& s) {
  dcs::prediction p{s.pixels.height, s.pixels.width, {}, {}};
  dcs::mask lesion{p.height, p.width, {}};
  for (std::int64_t y = 0; y < p.height; ++y)
    for (std::int64_t x = 0; x < p.width; ++x) {
      const float grey = s.pixels.at(y, x, 0) / 255;
      p.probability.push_back(std::clamp(grey * grey, 0.0f, 1.0f));
      lesion.pixels.push_back(p.probability.back() > 0.5f);
    }
  for (const auto& box : dcs::object_boxes(lesion)) p.detections.push_back({box, 0.75f});
  return p;
}

int body(int argc, char** argv) {
  programs::predict_request p;
  CLI::App app{"Finds what is bright"};
  programs::add_predict_flags(app, p);
  programs::add_conventions(app, "predict_bright", {"--out predictions scan.png"});
  CLI11_PARSE(app, argc, argv);
  programs::write_predictions(p, {}, 64, [](const dcs::image&, const dcs::sample& s) { return programs::segmented{bright(s)}; });
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return programs::guarded("dcs_predict", body, argc, argv); }
