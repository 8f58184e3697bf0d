// A network of the programs: one file in examples/networks/ contains a name and a type,
//
//   #include "../network.hpp"
//   #include <dcs/models/unet/unet.hpp>
//   DCS_NETWORK("unet", dcs::unet<>)
//
// and is the translation unit that contains the network with its training, evaluation and prediction. On the host it is compiled in three parts, so
// that none is large (DCS_NETWORK_PART): the session, which declares the templates that the other two instantiate; the training step; and inference.
// A fourth, the export to ONNX, is in dcs_export alone.
// For a GPU nvcc compiles the same file as a whole.
#pragma once

#include "network_data.hpp"
#include "network_trial.hpp"
#include "records.hpp"
#include "session.hpp"

#if defined(__CUDACC__)
#include <dcs/cuda/graph.cuh>
#include <dcs/kernels.cuh>
#include <dcs/models/dcsnet/fixed_size.cuh>
#include <dcs/train/captured_trainer.hpp>
#endif
#include <dcs/data/fingerprint.hpp>
#include <dcs/data/folder.hpp>
#include <dcs/detect/anchors.hpp>
#include <dcs/nn/summary.hpp>
#include <dcs/train/run.hpp>
#include <dcs/train/views.hpp>

namespace programs {

#if defined(__CUDACC__)
inline constexpr const char* device_name = "cuda";
#if defined(DCS_BF16)
using placement = dcs::precision<dcs::cuda::device, dcs::bf16>;
#else
using placement = dcs::precision<dcs::cuda::device>;
#endif
#else
inline constexpr const char* device_name = "cpu";
using placement = dcs::precision<>;
#endif

/// Predictions inside boxes that are passed; an error for a network that does not take boxes. A struct, so that it can be instantiated for any
/// network.
template <class Net>
struct prediction_in_boxes {
  static dcs::prediction of(const Net& net, const dcs::batch& b, const typename Net::options& o) {
    if constexpr (dcs::region_segmenter<Net>)
      return dcs::predict<placement>(net, b.images, o, b.boxes)[0];
    else
      dcs::fail("--boxes truth: this network looks into no boxes; expected detected");
  }
};

/// Writes a network's prediction at a side of images as an ONNX file. Null in a program that does not contain the network's fourth part, which sets
/// it.
template <class Net>
inline void (*exporter)(const std::string& path, const Net&, const typename Net::options&, int side) = nullptr;

/// A segmenter behind the interface of session.hpp.
template <dcs::segmenter Net, class P>
class network_session final : public session {
  using device = typename P::device;
  using options_type = typename Net::options;

 public:
  network_session() {
#if defined(__CUDACC__)
    dcs::cuda::stream();  // throws without a GPU or with too old a driver, before anything is read or written
#endif
  }

  std::vector<dcs::network_option> options() const override { return dcs::listed_options(options_type{}); }

  int train(const train_request& t) override {
    choose_arithmetic(t.tune, t.tf32);
    dcs::run_config requested = t.config;
    std::optional<set_objects> objects;
    dcs::any_communicator ranks = t.ranks;
    const bool first = ranks.rank() == 0;
    dcs::in_agreement(ranks, [&] {
      if (!first || t.resume || !dcs::wants_boxes(requested.network)) return;
      objects.emplace(training_set(requested, t));
      choose_from_boxes(requested, *objects);
    });
    dcs::training_run<Net, P> run(*net_, t.out, requested, t.resume, {}, t.capture, ranks);
    const dcs::run_config& c = run.config();
    if (run.arrays() > 0) std::printf("backbone: %d arrays from %s\n", run.arrays(), dcs::printable(c.backbone).c_str());
    if (const auto why = run.ended(); !why.empty()) {
      std::printf("run: %s has ended: %s\n", dcs::printable(t.out).c_str(), why.c_str());
      if (first) complete_records(t.out, t.tensorboard);
      return 0;
    }
    std::optional<first_of> training;
    std::optional<dcs::folder_dataset> validation;
    std::string fingerprint;
    dcs::in_agreement(ranks, [&] {
      dcs::expect(!t.resume || !t.config.data.empty() || std::filesystem::is_directory(c.data), c.data,
                  ": the set of this run is not there; --data says where it is now");
      training.emplace(training_set(c, t)), validation.emplace(split_of(c, c.data, "val", t.limits, t.skip_bad));
      if (!first) return;  // it has looked at every file
      report_left_out(training->data), report_left_out(*validation);
      if (!run.begun()) check_start(c, objects ? *objects : set_objects(*training), *validation);
      auto left_out = training->data.left_out();
      left_out.insert(left_out.end(), validation->left_out().begin(), validation->left_out().end());
      fingerprint = dcs::fingerprint_without(dcs::data_fingerprint(c.data), c.data, left_out);
    });
    run.use_data(fingerprint);
    const first_of& train_set = *training;
    const dcs::folder_dataset& val = *validation;
    run.processes().expect_same("a data set",
                                std::to_string(train_set.size()) + " images to train on and " + std::to_string(val.size()) + " to validate");
    std::printf("%s: %lld parameters, %lld images to train on, %lld to validate, %d × %d, epochs %d to %d\n", c.net.c_str(),
                static_cast<long long>(dcs::parameters<Net>), static_cast<long long>(train_set.size()), static_cast<long long>(val.size()), c.side,
                c.side, run.epochs_done() + 1, c.epochs);
    if (run.steps_done() > 0)
      std::printf("going on in epoch %d, of which %lld steps are done\n", run.epochs_done() + 1, static_cast<long long>(run.steps_done()));
    std::fflush(stdout);
    dcs::stop_request stop;
    const dcs::stop_on_signals signals(stop);  // from here on: before, there is nothing to keep
    const auto watch = [&](const dcs::epoch_report& e) {
      dcs::print_epoch(e);
      const bool pictures = t.tensorboard && dcs::has_pictures(e.epoch, e.epochs);
      record_epoch(t.out, t.tensorboard, pictures ? overlays(run, val) : std::vector<dcs::io::log_image>());
    };
    bool ended = false;
    try {
      ended = run.train(train_set, val, watch, {.stop = &stop, .save_minutes = t.save_minutes, .loaders = t.loaders});
    } catch (const std::exception& e) {
      if (!dcs::is_lack_of_memory(e) || ranks.size() > 1) throw;
      dcs::fail(dynamic_cast<const std::bad_alloc*>(&e) ? "out of memory" : e.what(), advice_on_memory(run, train_set));
    }
    if (!ended) return stopped(t, run, run.processes().stop_reason());
    std::printf("run: %s\n", dcs::printable(t.out).c_str());
    std::fflush(stdout);
    return 0;
  }

  dcs::run_config load(const std::string& run, const std::string& checkpoint, bool tf32) override {
    auto c = load_run(run, checkpoint, tf32);
    input_ = dcs::training_run<Net, P>::input_of(c);
    return c;
  }

  std::vector<dcs::prediction> predict(const dcs::sample& s, bool augmented) const override {
    const auto images = dcs::make_batch({s}, input_).images;
    if (augmented) return dcs::predict_views<P>(*net_, images, options_)[0];
    return dcs::predict<P>(*net_, images, options_);
  }

  dcs::prediction predict_in_true_boxes(const dcs::sample& s) const override {
    return prediction_in_boxes<Net>::of(*net_, dcs::make_batch({s}, input_), options_);
  }

  void export_onnx(const export_request& e) override {
    const auto c = load_run(e.run, e.checkpoint, false);
    dcs::expect(exporter<Net> != nullptr, c.net, ": its export is not compiled in; -DDCS_ONNX_NETWORKS=", c.net, " builds it");
    exporter<Net>(e.out, *net_, options_, c.side);
    const auto n = dcs::training_run<Net, P>::input_of(c);
    std::printf("%s: %s for images of %d × %d, channels (value / 255 - mean) / deviation, mean %g %g %g, deviation %g %g %g\n",
                dcs::printable(e.out).c_str(), c.net.c_str(), c.side, c.side, n.mean[0], n.mean[1], n.mean[2], n.deviation[0], n.deviation[1],
                n.deviation[2]);
  }

  void summary(int side) override {
    dcs::initialize(*net_, 0);
    place();
    dcs::summary table(*net_);
    const auto image = dcs::tensor<typename P::element, dcs::image_shape, device>::zeros({1, side, side, 3});
    const char* what = "one image of %d × %d\n";
    if constexpr (requires { net_->run_layers(image); })
      net_->run_layers(image), what = "one image of %d × %d, one box through the box head, one region\n";
    else
      (void)(*net_)(image);
    std::printf("%s", table.text().c_str());
    std::printf(what, side, side);
    std::printf("parameters %lld\n", static_cast<long long>(dcs::parameters<Net>));
  }

  network_facts facts() const override {
    network_facts f;
    f.parameters = dcs::parameters<Net>, f.takes_boxes = dcs::region_segmenter<Net>;
    if constexpr (requires { requires !Net::cropper_type::takes_whole_images; }) f.crop = Net::cropper_type::base;
    if constexpr (requires { requires Net::backbone_type::frozen; }) f.needs_weights = true;
    return f;
  }
  dcs::step_memory measure_memory(const train_request& t) override {
    begin(t);
    return memory_of_trial<Net, P>(*net_, t);
  }
  dcs::batch_seconds measure_seconds(const train_request& t) override {
    begin(t);
    return seconds_of_trial<Net, P>(*net_, t);
  }

 private:
  // A network as training begins with it.
  void begin(const train_request& t) {
    dcs::initialize(*net_, t.config.seed);
    place();
  }
  // What an error about memory is followed by: which batch would fit.
  static std::string advice_on_memory([[maybe_unused]] dcs::training_run<Net, P>& run, [[maybe_unused]] const first_of& train_set) {
    if constexpr (std::is_same_v<device, dcs::cpu_device>) {
      const int fits = run.fitting_batch(train_set);
      if (fits > 0) return "; a step of --batch " + std::to_string(fits) + " fits into the memory that there is";
      if (run.config().batch > 1) return "; not even a step of --batch 1 fits, a smaller --size needs less";
    }
    return "; a smaller --batch or --size needs less";
  }
  // Pictures of the first validation images, for the event file.
  std::vector<dcs::io::log_image> overlays(dcs::training_run<Net, P>& run, const dcs::folder_dataset& val) const {
    std::vector<dcs::io::log_image> all;
    run.with_evaluated_weights([&] {
      for (std::int64_t i = 0; i < std::min(val.size(), logged_overlays); ++i) {
        const dcs::sample s = val.load(i);
        const auto b = dcs::make_batch({s}, dcs::training_run<Net, P>::input_of(run.config()));
        all.push_back(logged_overlay(s, dcs::predict<P>(*net_, b.images, run.options())[0]));
      }
    });
    return all;
  }
  // Says that a run was stopped by a signal; returns the exit code.
  static int stopped(const train_request& t, const dcs::training_run<Net, P>& run, int signal) {
    const std::string where = run.steps_done() > 0
                                  ? "in epoch " + std::to_string(run.epochs_done() + 1) + " after step " + std::to_string(run.steps_done())
                                  : "after epoch " + std::to_string(run.epochs_done());
    report(std::string("stopped by ") + (signal == SIGINT ? "SIGINT " : "SIGTERM ") + where + "; dcs_train --resume --out " + t.out +
           " goes on from there");
    return 128 + signal;
  }
  // Checks before training starts for what would otherwise fail after hours: a file that cannot be read. Refuses a frozen backbone without trained
  // weights, and data whose objects are all too small for a box, as such a run learns nothing.
  static void check_start(const dcs::run_config& c, const set_objects& objects, const dcs::folder_dataset& val) {
    if constexpr (requires { requires Net::backbone_type::frozen; })
      dcs::expect(!c.backbone.empty(), "--net ", c.net, ": its backbone's norms are frozen, so it comes with weights: --backbone names their file");
    for (std::int64_t i = 0; i < val.size(); ++i) (void)val.load(i);
    if constexpr (dcs::region_segmenter<Net>)
      dcs::expect(objects.lesions == 0 || !objects.boxes.empty(), c.data, ": all objects of its ", objects.lesions,
                  " training masks with a lesion are under ", dcs::smallest_object, " pixels at ",
                  c.native_targets ? "their own size" : std::to_string(c.side) + " × " + std::to_string(c.side),
                  ", too small for a box, so that nothing would be learned; a larger --size keeps them");
    report_warnings();
  }
  // With one candidate, cuDNN uses the same engine in every run; the fastest of several may differ.
  static void choose_arithmetic([[maybe_unused]] bool tuned, [[maybe_unused]] bool tf32) {
#if defined(__CUDACC__)
    if (!tuned) dcs::cuda::library_options::get().candidates = 1;
    dcs::cuda::library_options::get().tf32 = tf32;
#endif
  }
  // Moves the network to the device that it runs on.
  void place() {
    if constexpr (!std::is_same_v<device, dcs::cpu_device>) dcs::to_device<device>(*net_);
    if constexpr (std::is_same_v<typename P::element, dcs::bf16>) dcs::mix_precision<device>(*net_);
  }
  dcs::run_config load_run(const std::string& run, const std::string& checkpoint, bool tf32) {
    const auto c = dcs::read_config(dcs::run_folder(run).config(), options());
    options_ = dcs::assigned_options(options_type{}, c.network);
    dcs::initialize(*net_, 0);
    place();
    choose_arithmetic(false, tf32);
    const std::string path = (std::filesystem::path(run) / (checkpoint + ".safetensors")).string();
    if (c.ema > 0)
      dcs::load_averaged<device>(path, *net_);
    else
      dcs::load_checkpoint<device>(path, *net_);
    return c;
  }

  std::unique_ptr<Net> net_ = std::make_unique<Net>();
  options_type options_{};
  dcs::normalisation input_{};
};

}  // namespace programs

#include "network_parts.hpp"
