// One network of variants.hpp, number DCS_VARIANT, behind the interface of session.hpp: on the host, and compiled by nvcc (a copy of this file is) on
// a GPU.
#include "data_fingerprint.hpp"
#include "names.hpp"
#include "progress_line.hpp"
#include "report.hpp"
#include "results.hpp"
#include "run_folder.hpp"
#include "run_state.hpp"
#include "variant_net.hpp"

#include <dcs/image/overlay.hpp>
#include <dcs/nn/summary.hpp>
#include <dcs/train/checkpoint.hpp>

#if !defined(__CUDACC__)
DCS_FORWARD_UNIT(extern)
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
    run_folder run(given.out);
    run.claim();
    if (!given.resume) run.expect_new();
    results_table results(run.results(), results_head());
    train_config c = configuration(given, run);
    const bool begun = given.resume && run.has_checkpoint();
    // A run that was stopped before its first epoch's checkpoint begins again; one that has gone on from there has lost something.
    dcs::expect(!given.resume || begun || results.rows() <= 1, run.last(), " is not there to go on from, but results.csv has ", results.rows(),
                " epochs");
    dcs::initialize(*net_, c.seed);
    if (!c.backbone.empty() && !begun)
      std::printf("backbone: %d arrays from %s\n", dcs::load_backbone(c.backbone, *net_), dcs::printable(c.backbone).c_str());
    place();
    choose_arithmetic(c.tune, c.tf32);
    dcs::basic_adamw<device> optimizer(dcs::named_parameters(*net_), {c.rate, 0.9, 0.999, 1e-8, c.weight_decay, 1.0});
    run_state state = begun ? resumed_state(run, c, optimizer) : run_state(c);
    const bool rows_change = !begun || results.keep(state.epochs);
    if (const auto why = state.ended(c); !why.empty()) {
      if (rows_change) results.write();
      std::printf("run: %s has ended: %s\n", dcs::printable(run.path()).c_str(), why.c_str());
      return;
    }
    dcs::expect(!given.resume || !given.data.empty() || fs::is_directory(c.data), c.data,
                ": the set of this run is not there; --data says where it is now");
    const dcs::folder_dataset train_all(c.data, "train", c.side, given.limits), val(c.data, "val", c.side, given.limits);
    const first_of train_set{train_all, c.images};
    if (!begun) check_start(c, train_set, val);
    check_data(c);
    run.create();
    if (!given.resume) run.expect_new();  // another process may have begun one while the images were read
    write_text(run.config(), to_json(c).dump(2) + "\n");
    if (rows_change) results.write();
    std::printf("%s: %lld parameters, %lld images to train on, %lld to validate, %d × %d, epochs %d to %d\n", c.net.c_str(),
                static_cast<long long>(dcs::parameters<net_type>), static_cast<long long>(train_set.size()), static_cast<long long>(val.size()),
                c.side, c.side, state.epochs + 1, c.epochs);
    dcs::trainer<net_type, device, element> trainer(*net_, optimizer, c.capture);
    while (state.ended(c).empty()) epoch(c, run, results, state, trainer, optimizer, train_set, val);
    std::printf("run: %s\n", dcs::printable(run.path()).c_str());
  }

  void evaluate(const evaluate_config& e) override {
    const train_config c = load_run(e.run, e.checkpoint, e.tf32);
    dcs::expect(e.boxes == "detected" || e.boxes == "truth", "--boxes ", e.boxes, ": expected detected or truth");
    const dcs::folder_dataset data(e.data.empty() ? c.data : e.data, e.split, c.side, e.limits);
    const auto o = options_of(c);
    const fs::path overlays = fs::path(e.run) / "overlays";
    if (e.overlays > 0) dcs::io::create_folders(overlays.string(), "dcs::run");
    std::vector<std::string> names;
    for (std::int64_t i = 0; i < data.size(); ++i) names.push_back(data.name(i));
    const auto pictures = e.overlays > 0 ? picture_names(names) : std::vector<std::string>();
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
      entry["name"] = json_name(s.name);
      entry["detections"] = found.detections.size();
      images.push_back(entry);
      if (i < e.overlays) {
        std::vector<dcs::box<float>> boxes;
        for (const auto& d : found.detections) boxes.push_back(d.box);
        dcs::io::write_png((overlays / (pictures[static_cast<std::size_t>(i)] + ".png")).string(),
                           dcs::io::draw_overlay(s.pixels, s.truth, found.above(), boxes));
      }
    }
    const auto mean = dcs::mean_of(all);
    const double threshold = dcs::best_threshold_dice(data);
    json j{{"split", json_name(e.split)}, {"boxes", e.boxes},      {"test_time_augmentation", e.augmented},
           {"native_size", e.native},     {"mean", to_json(mean)}, {"without_detection", undetected},
           {"threshold_dice", threshold}, {"images", images}};
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
    dcs::io::create_folders(p.out, "dcs::predict");
    for (const auto& path : p.images) {
      const dcs::image original = dcs::io::read_image(path, p.limits);
      dcs::sample s{path,
                    dcs::resize(original, c.side, c.side),
                    {c.side, c.side, std::vector<std::uint8_t>(static_cast<std::size_t>(c.side * c.side), 0)},
                    original.height,
                    original.width};
      const auto b = dcs::make_batch({s}, o.input);
      const auto found =
          p.augmented ? dcs::predict_augmented<device, element>(*net_, b.images)[0] : dcs::predict<device, element>(*net_, b.images)[0];
      const dcs::mask m = found.above(original.height, original.width);
      dcs::image picture{m.height, m.width, 1, m.pixels};
      for (auto& v : picture.pixels) v = static_cast<std::uint8_t>(v * 255);
      std::vector<dcs::box<float>> boxes;
      for (const auto& d : found.detections) boxes.push_back(d.box);
      dcs::io::write_png(result_of(p, path, ".mask.png"), picture);
      dcs::io::write_png(result_of(p, path, ".overlay.png"), dcs::io::draw_overlay(s.pixels, {}, found.above(), boxes));
      std::printf("%s: %zu detections, %lld pixels\n", dcs::printable(path).c_str(), found.detections.size(), static_cast<long long>(m.count()));
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
  // What the command line says, for a new run; what its folder says, for a resumed one. Paths are absolute.
  static train_config configuration(const train_config& given, const run_folder& run) {
    train_config c = given;
    if (given.resume) {
      c = read_config(run.config());
      c.out = given.out, c.capture = given.capture, c.tune = given.tune, c.tf32 = given.tf32;
      if (given.epochs > 0) c.epochs = given.epochs;
      if (!given.data.empty()) c.data = given.data;
    } else {
      c.imagenet_input = c.imagenet_input || !c.backbone.empty();
    }
    c.data = absolute_path(c.data), c.backbone = absolute_path(c.backbone);
    return c;
  }
  // Reads the last checkpoint into network and optimiser.
  run_state resumed_state(run_folder& run, const train_config& c, dcs::basic_adamw<device>& optimizer) {
    std::string path;
    std::map<std::string, std::string> metadata;
    const run_state state = run.read_last([&](const std::string& file) {
      path = file;
      metadata = dcs::load_checkpoint<device>(file, *net_, &optimizer);
      return run_state::of(metadata, c, file);
    });
    expect_same_config(metadata, path, c, run.config());
    optimizer.options.rate = state.rate;
    const auto made = metadata.find("instruction_set");
    const std::string here = dcs::instruction_set<device>();
    if (made == metadata.end() || made->second != here)
      warn(path + " was trained with " + (made == metadata.end() ? "an unknown instruction set" : made->second) + ", this process computes with " +
           here + ": the run goes on, but not to the bits that it would have had");
    return state;
  }
  // A run goes on with the images that it began with.
  static void check_data(train_config& c) {
    const std::string found = data_fingerprint(c.data);
    if (c.data_fingerprint.empty()) c.data_fingerprint = found;
    dcs::expect(c.data_fingerprint == found, "--data ", c.data, ": names or contents of its files differ from those that the run was trained on (",
                found, "; expected ", c.data_fingerprint, "); --data says where they are now");
  }
  // One epoch, and what the folder keeps of it.
  void epoch(const train_config& c, run_folder& run, results_table& results, run_state& state, dcs::trainer<net_type, device, element>& trainer,
             dcs::basic_adamw<device>& optimizer, const first_of& train_set, const dcs::folder_dataset& val) {
    const auto start = std::chrono::steady_clock::now();
    auto o = options_of(c);
    o.step.loss.levels = dcs::loss::level_weights(c.schedule, static_cast<double>(state.epochs) / c.epochs);
    if (c.cosine) optimizer.options.rate = dcs::cosine_rate(c.rate, state.epochs, c.epochs);
    const double rate = optimizer.options.rate;
    dcs::step_losses trained;
    {
      progress_line line("epoch " + std::to_string(state.epochs + 1) + "/" + std::to_string(c.epochs));
      trained = trainer.epoch(train_set, o, state.epochs,
                              [&](std::int64_t done, std::int64_t all, const dcs::step_losses& l) { line(done, all, l.total, c.batch); });
    }
    const auto [validated, metrics] = dcs::validate<device, element>(*net_, val, o);
    state.rate = optimizer.options.rate = state.plateau.next(rate, validated.total);
    ++state.epochs;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("epoch %d/%d  loss %.4f  val %.4f  dice %.4f  iou %.4f  hd95 %.2f  missed %lld/%lld  rate %.1e  %.0f s%s\n", state.epochs, c.epochs,
                trained.total, validated.total, metrics.dice, metrics.iou, metrics.hd95, static_cast<long long>(metrics.missed),
                static_cast<long long>(metrics.images), rate, seconds, state.plateau.improved() ? "  best" : "");
    std::fflush(stdout);
    // The last checkpoint goes last: a run that is killed before it does this epoch again, to the same bits.
    const auto metadata = state.metadata(c);
    if (state.plateau.improved()) dcs::save_checkpoint<device>(run.best(), *net_, nullptr, metadata);
    results.append(state.epochs, rate, seconds, result_values(trained, validated, metrics));
    run.write_last([&](const std::string& path) { dcs::save_checkpoint<device>(path, *net_, &optimizer, metadata); });
  }
  // What would end a run after hours, told before it begins: a file that cannot be read, and a frozen backbone that nobody has trained. And what it
  // could not learn: objects that are all too small for a box.
  static void check_start(const train_config& c, const first_of& train_set, const dcs::folder_dataset& val) {
    if constexpr (requires { net_type::backbone_type::frozen; })
      dcs::expect(!net_type::backbone_type::frozen || !c.backbone.empty(), "--net ", c.net,
                  ": its backbone's norms are frozen, so it comes with weights: --backbone names their file");
    std::int64_t lesions = 0, boxes = 0;
    for (std::int64_t i = 0; i < train_set.size(); ++i) {
      const dcs::mask truth = train_set.load(i).truth;
      lesions += truth.count() > 0, boxes += static_cast<std::int64_t>(dcs::object_boxes(truth).size());
    }
    for (std::int64_t i = 0; i < val.size(); ++i) (void)val.load(i);
    dcs::expect(lesions == 0 || boxes > 0, c.data, ": all objects of its ", lesions, " training masks with a lesion are under ", dcs::smallest_object,
                " pixels at ", c.side, " × ", c.side, ", too small for a box, so that nothing would be learned; a larger --size keeps them");
    report_warnings();
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
    const auto c = read_config(run_folder(run).config());
    dcs::initialize(*net_, 0);
    place();
    choose_arithmetic(false, tf32);
    dcs::load_checkpoint<device>((fs::path(run) / (checkpoint + ".safetensors")).string(), *net_);
    return c;
  }
  static dcs::segmentation_metrics native_metrics(const dcs::prediction& found, const dcs::folder_dataset& data, std::int64_t i) {
    const dcs::mask truth = data.native_truth(i);
    return dcs::measure(found.above(truth.height, truth.width), truth);
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
