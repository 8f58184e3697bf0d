// One network of variants.hpp, number DCS_VARIANT, behind the interface of session.hpp: on the host, and compiled by nvcc (a copy of this file is) on
// a GPU.
#include "run_folder.hpp"
#include "variant_net.hpp"

#include <dcs/io/overlay.hpp>
#include <dcs/nn/summary.hpp>
#include <dcs/train/checkpoint.hpp>

#include <climits>

#if !defined(__CUDACC__)
DCS_FORWARD_UNIT(extern)
DCS_TRAIN_UNIT(extern)
#endif

namespace programs {

namespace {

namespace fs = std::filesystem;

// Part of a data set: its first images.
struct first_of {
  const dcs::folder_dataset& data;
  std::int64_t count;
  std::int64_t size() const { return count > 0 ? std::min(count, data.size()) : data.size(); }
  dcs::sample load(std::int64_t i) const { return data.load(i); }
};

class net_session final : public session {
 public:
  void train(const train_config& given) override {
    train_config c = given;
    const fs::path out = c.out;
    const std::string config_path = (out / "config.json").string(), last = (out / "last.safetensors").string(),
                      best = (out / "best.safetensors").string(), results = (out / "results.csv").string();
    // A run that was stopped before its first epoch's last checkpoint begins again; one that has gone on from there has lost something.
    const bool begun = given.resume && (fs::exists(last) || rows_of(results_until(results, INT_MAX)) > 1);
    if (given.resume) {
      c = config_of(read_json(config_path), config_path);
      c.out = given.out, c.capture = given.capture, c.tune = given.tune, c.tf32 = given.tf32;
      if (given.epochs > 0) c.epochs = given.epochs;
    } else {
      c.imagenet_input = c.imagenet_input || !c.backbone.empty();
      dcs::expect(!fs::exists(last) && !fs::exists(best), out.string(),
                  " holds a run already; --resume continues it, another --out starts a new one");
    }
    const dcs::folder_dataset train_all(c.data, "train", c.side), val(c.data, "val", c.side);
    const first_of train_set{train_all, c.images};
    if (!begun) check_start(c, train_set, val);
    fs::create_directories(out);
    auto o = options_of(c);
    dcs::initialize(*net_, c.seed);
    if (!c.backbone.empty() && !begun) std::printf("backbone: %d arrays from %s\n", dcs::load_backbone(c.backbone, *net_), c.backbone.c_str());
    place();
    choose_arithmetic(c.tune, c.tf32);
    dcs::basic_adamw<device> optimizer(dcs::named_parameters(*net_), {c.rate, 0.9, 0.999, 1e-8, c.weight_decay, 1.0});
    dcs::plateau plateau;
    plateau.patience = c.patience, plateau.stop_after = c.stop_after;
    int first = 0;
    if (begun) {
      const auto meta = dcs::load_checkpoint<device>(last, *net_, &optimizer);
      first = static_cast<int>(number_of(meta, "epoch", last)) + 1;
      optimizer.options.rate = number_of(meta, "rate", last);
      plateau.best = number_of(meta, "best_loss", last);
      plateau.since_best = static_cast<int>(number_of(meta, "since_best", last));
      plateau.since_change = static_cast<int>(number_of(meta, "since_change", last));
    }
    write_text(config_path, to_json(c).dump(2) + "\n");
    std::printf("%s: %lld parameters, %lld images to train on, %lld to validate, %d × %d, epochs %d to %d\n", c.net.c_str(),
                static_cast<long long>(dcs::parameters<net_type>), static_cast<long long>(train_set.size()), static_cast<long long>(val.size()),
                c.side, c.side, first + 1, c.epochs);

    write_text(results, results_head() + (begun ? results_until(results, first) : ""));
    dcs::trainer<net_type, device, element> trainer(*net_, optimizer, c.capture);
    for (int epoch = first; epoch < c.epochs && !plateau.exhausted(); ++epoch) {
      const auto start = std::chrono::steady_clock::now();
      o.step.loss.levels = dcs::loss::level_weights(c.schedule, static_cast<double>(epoch) / c.epochs);
      if (c.cosine) optimizer.options.rate = dcs::cosine_rate(c.rate, epoch, c.epochs);
      const double rate = optimizer.options.rate;
      dcs::step_losses trained;
      {
        progress_line line("epoch " + std::to_string(epoch + 1) + "/" + std::to_string(c.epochs));
        trained = trainer.epoch(train_set, o, epoch,
                                [&](std::int64_t done, std::int64_t all, const dcs::step_losses& l) { line(done, all, l.total, c.batch); });
      }
      const auto [validated, metrics] = dcs::validate<device, element>(*net_, val, o);
      optimizer.options.rate = plateau.next(rate, validated.total);
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      std::printf("epoch %d/%d  loss %.4f  val %.4f  dice %.4f  iou %.4f  hd95 %.2f  missed %lld/%lld  rate %.1e  %.0f s%s\n", epoch + 1, c.epochs,
                  trained.total, validated.total, metrics.dice, metrics.iou, metrics.hd95, static_cast<long long>(metrics.missed),
                  static_cast<long long>(metrics.images), rate, seconds, plateau.improved() ? "  best" : "");
      std::fflush(stdout);
      const std::map<std::string, std::string> meta{{"epoch", std::to_string(epoch)},
                                                    {"rate", exact(optimizer.options.rate)},
                                                    {"best_loss", exact(plateau.best)},
                                                    {"since_best", std::to_string(plateau.since_best)},
                                                    {"since_change", std::to_string(plateau.since_change)},
                                                    {"config", to_json(c).dump()}};
      // The last checkpoint goes last: a run that is killed before it does this epoch again, to the same bits.
      if (plateau.improved()) dcs::save_checkpoint<device>(best, *net_, nullptr, meta);
      append_results(results, epoch, rate, seconds, trained, validated, metrics);
      dcs::save_checkpoint<device>(last, *net_, &optimizer, meta);
    }
    std::printf("run: %s\n", out.string().c_str());
  }

  void evaluate(const evaluate_config& e) override {
    const train_config c = load_run(e.run, e.checkpoint, e.tf32);
    dcs::expect(e.boxes == "detected" || e.boxes == "truth", "--boxes ", e.boxes, ": expected detected or truth");
    const dcs::folder_dataset data(e.data.empty() ? c.data : e.data, e.split, c.side);
    const auto o = options_of(c);
    const fs::path overlays = fs::path(e.run) / "overlays";
    if (e.overlays > 0) fs::create_directories(overlays);
    json images = json::array();
    std::vector<dcs::segmentation_metrics> all;
    std::int64_t undetected = 0;
    for (std::int64_t i = 0; i < data.size(); ++i) {
      const dcs::sample s = data.load(i);
      const auto b = dcs::make_batch({s}, o.input);
      const auto found = e.boxes == "truth" ? dcs::predict<device, element>(*net_, b.images, {}, &b.boxes)[0]
                         : e.augmented      ? dcs::predict_augmented<device, element>(*net_, b.images)[0]
                                            : dcs::predict<device, element>(*net_, b.images)[0];
      undetected += found.detections.empty();
      all.push_back(e.native ? native_metrics(found, data, i) : dcs::measure(found.above(), s.truth));
      json entry = to_json(all.back());
      entry["name"] = s.name;
      entry["detections"] = found.detections.size();
      images.push_back(entry);
      if (i < e.overlays) {
        std::vector<dcs::box<float>> boxes;
        for (const auto& d : found.detections) boxes.push_back(d.box);
        dcs::io::write_png((overlays / (fs::path(s.name).stem().string() + ".png")).string(),
                           dcs::io::draw_overlay(s.pixels, s.truth, found.above(), boxes));
      }
    }
    const auto mean = dcs::mean_of(all);
    const double threshold = dcs::best_threshold_dice(data);
    json j{{"split", e.split},
           {"boxes", e.boxes},
           {"test_time_augmentation", e.augmented},
           {"native_size", e.native},
           {"mean", to_json(mean)},
           {"without_detection", undetected},
           {"threshold_dice", threshold},
           {"images", images}};
    write_text((fs::path(e.run) / "evaluation.json").string(), j.dump(2) + "\n");
    std::printf("dice=%.4f iou=%.4f precision=%.4f hd95=%.2f missed=%lld images=%lld threshold_dice=%.4f\n", mean.dice, mean.iou, mean.precision,
                mean.hd95, static_cast<long long>(mean.missed), static_cast<long long>(mean.images), threshold);
  }

  void predict(const predict_config& p) override {
    const train_config c = load_run(p.run, p.checkpoint, p.tf32);
    const auto o = options_of(c);
    std::map<std::string, std::string> stems;
    for (const auto& path : p.images) {
      const auto [it, is_new] = stems.emplace(fs::path(path).stem().string(), path);
      dcs::expect(is_new, path, ": its results would have the names of those of ", it->second);
    }
    std::map<fs::path, std::string> inputs;
    for (const auto& path : p.images) inputs.emplace(fs::weakly_canonical(path), path);
    for (const auto& path : p.images)
      for (const char* kind : {".mask.png", ".overlay.png"}) {
        const auto input = inputs.find(fs::weakly_canonical(result_of(p, path, kind)));
        if (input != inputs.end()) dcs::fail(input->second, ": the results of ", path, " would overwrite it; another --out keeps it");
      }
    fs::create_directories(p.out);
    for (const auto& path : p.images) {
      const dcs::image original = dcs::io::read_image(path);
      dcs::sample s{path,
                    dcs::resize(dcs::to_float(original), c.side, c.side),
                    {c.side, c.side, std::vector<std::uint8_t>(static_cast<std::size_t>(c.side * c.side), 0)},
                    original.height,
                    original.width};
      const auto b = dcs::make_batch({s}, o.input);
      const auto found =
          p.augmented ? dcs::predict_augmented<device, element>(*net_, b.images)[0] : dcs::predict<device, element>(*net_, b.images)[0];
      const dcs::mask m = dcs::resize(found.above(), original.height, original.width);
      dcs::image picture{m.height, m.width, 1, m.pixels};
      for (auto& v : picture.pixels) v = static_cast<std::uint8_t>(v * 255);
      std::vector<dcs::box<float>> boxes;
      for (const auto& d : found.detections) boxes.push_back(d.box);
      dcs::io::write_png(result_of(p, path, ".mask.png"), picture);
      dcs::io::write_png(result_of(p, path, ".overlay.png"), dcs::io::draw_overlay(s.pixels, {}, found.above(), boxes));
      std::printf("%s: %zu detections, %lld pixels\n", path.c_str(), found.detections.size(), static_cast<long long>(m.count()));
      for (const auto& d : found.detections)
        std::printf("  score %.3f  box %.1f %.1f %.1f %.1f of %d × %d\n", static_cast<double>(d.score), static_cast<double>(d.box.x1),
                    static_cast<double>(d.box.y1), static_cast<double>(d.box.x2), static_cast<double>(d.box.y2), c.side, c.side);
    }
  }

  void summary(int side) override {
    dcs::initialize(*net_, 0);
    place();
    dcs::summary table(*net_);
    run_layers<device, element>(*net_, side);
    std::printf("%sone image of %d × %d, one box through the box head, one region\nparameters %lld\n", table.text().c_str(), side, side,
                static_cast<long long>(dcs::parameters<net_type>));
  }

 private:
  static std::string result_of(const predict_config& p, const std::string& image, const char* kind) {
    return (fs::path(p.out) / fs::path(image).stem()).string() + kind;
  }
  // What would end a run after hours, told before it begins: a file that cannot be read, and a frozen backbone that nobody has trained.
  static void check_start(const train_config& c, const first_of& train_set, const dcs::folder_dataset& val) {
    if constexpr (requires { net_type::backbone_type::frozen; })
      dcs::expect(!net_type::backbone_type::frozen || !c.backbone.empty(), "--net ", c.net,
                  ": its backbone's norms are frozen, so it comes with weights: --backbone names their file");
    for (std::int64_t i = 0; i < train_set.size(); ++i) (void)train_set.load(i);
    for (std::int64_t i = 0; i < val.size(); ++i) (void)val.load(i);
  }
  // One engine of cuDNN is met in every run, the fastest of several perhaps not.
  static void choose_arithmetic([[maybe_unused]] bool tuned, [[maybe_unused]] bool tf32) {
#if defined(__CUDACC__)
    if (!tuned) dcs::cuda::library_options::get().candidates = 1;
    dcs::cuda::library_options::get().tf32 = tf32;
#endif
  }
  // Brings the network where it runs.
  void place() {
    if constexpr (!std::is_same_v<device, dcs::cpu_device>) dcs::to_device<device>(*net_);
    if constexpr (std::is_same_v<element, dcs::bf16>) dcs::mix_precision<device>(*net_);
  }
  static dcs::epoch_options options_of(const train_config& c) {
    dcs::epoch_options o;
    o.batch = c.batch, o.seed = c.seed, o.augmented = c.augment;
    o.step.regions.ground_truth_only = c.truth_regions;
    o.step.detector.box.sampler.size = c.box_samples;
    if (!c.backbone.empty() || c.imagenet_input) o.input = dcs::normalisation::imagenet();
    return o;
  }
  train_config load_run(const std::string& run, const std::string& checkpoint, bool tf32) {
    const std::string path = (fs::path(run) / "config.json").string();
    const auto c = config_of(read_json(path), path);
    dcs::initialize(*net_, 0);
    place();
    choose_arithmetic(false, tf32);
    dcs::load_checkpoint<device>((fs::path(run) / (checkpoint + ".safetensors")).string(), *net_);
    return c;
  }
  static dcs::segmentation_metrics native_metrics(const dcs::prediction& found, const dcs::folder_dataset& data, std::int64_t i) {
    const dcs::mask truth = data.native_truth(i);
    return dcs::measure(dcs::resize(found.above(), truth.height, truth.width), truth);
  }
  static double number_of(const std::map<std::string, std::string>& meta, const std::string& key, const std::string& path) {
    const auto it = meta.find(key);
    dcs::expect(it != meta.end(), path, ": its metadata lacks ", key);
    char* end = nullptr;
    const double v = std::strtod(it->second.c_str(), &end);
    dcs::expect(end != it->second.c_str() && *end == '\0', path, ": ", key, " is ", it->second, "; expected a number");
    return v;
  }
  static std::string results_head() {
    return "epoch,rate,seconds,total,main,levels,edge,consistency,classifier,box,objectness,rpn_box,regions,val_total,val_main,val_levels,val_edge,"
           "val_consistency,val_classifier,val_box,val_objectness,val_rpn_box,dice,iou,precision,hd95,missed\n";
  }
  // The whole rows of the epochs that the last checkpoint has seen.
  static std::string results_until(const std::string& path, int epochs) {
    const std::string head = results_head();
    const auto fields = std::count(head.begin(), head.end(), ',');
    std::ifstream in(path);
    std::string kept, row;
    while (std::getline(in, row) && !in.eof())
      if (std::count(row.begin(), row.end(), ',') == fields && std::atoi(row.c_str()) >= 1 && std::atoi(row.c_str()) <= epochs) kept += row + "\n";
    return kept;
  }
  static std::ptrdiff_t rows_of(const std::string& csv) { return std::count(csv.begin(), csv.end(), '\n'); }
  static void append_results(const std::string& path, int epoch, double rate, double seconds, const dcs::step_losses& t, const dcs::step_losses& v,
                             const dcs::mean_metrics& m) {
    std::FILE* f = std::fopen(path.c_str(), "a");
    dcs::expect(f != nullptr, path, ": cannot be written");
    std::fprintf(f, "%d,%g,%.1f", epoch + 1, rate, seconds);
    for (double x : {t.total,       t.main,
                     t.levels,      t.edge,
                     t.consistency, t.classifier,
                     t.box,         t.objectness,
                     t.rpn_box,     static_cast<double>(t.regions),
                     v.total,       v.main,
                     v.levels,      v.edge,
                     v.consistency, v.classifier,
                     v.box,         v.objectness,
                     v.rpn_box,     m.dice,
                     m.iou,         m.precision,
                     m.hd95,        static_cast<double>(m.missed)})
      std::fprintf(f, ",%.6g", x);
    std::fprintf(f, "\n");
    dcs::expect(std::fclose(f) == 0, path, ": cannot be written");
  }

  std::unique_ptr<net_type> net_ = std::make_unique<net_type>();
};

}  // namespace

#define DCS_JOIN_(a, b) a##b
#define DCS_JOIN(a, b) DCS_JOIN_(a, b)
#if defined(__CUDACC__)
std::unique_ptr<session> DCS_JOIN(make_cuda_variant_, DCS_VARIANT)() {
  dcs::cuda::stream();  // no GPU, or a driver too old: said before anything is read or written
  return std::make_unique<net_session>();
}
#else
std::unique_ptr<session> DCS_JOIN(make_variant_, DCS_VARIANT)() { return std::make_unique<net_session>(); }
#endif

}  // namespace programs
