// Trains a DCSNet on a folder of images and masks; the run is a folder that --resume continues.
#include "command_line.hpp"
#include "session.hpp"

#include <set>
#include <stdexcept>

static int body(int argc, char** argv) {
  programs::train_config c;
  bool plain = false;
  CLI::App app{"Trains a DCSNet on SET/{train,val}/{images,masks}. Networks: " + programs::net_names()};
  app.add_option("--net", c.net, "network")->capture_default_str();
  app.add_option("--data", c.data, "folder of the set; with --resume, where the same set is now");
  app.add_option("--out", c.out, "folder of the run")->required();
  app.add_option("--backbone", c.backbone, "ImageNet weights of the ResNet (safetensors, torchvision's names); sets ImageNet's input normalisation")
      ->check(CLI::ExistingFile);
  programs::add_device(app, c.device);
  app.add_option("--size", c.side, "side that images are resized to, a multiple of 32")->capture_default_str()->check(CLI::Range(64, 2048));
  app.add_option("--epochs", c.epochs, "epochs at most")->capture_default_str()->check(CLI::Range(1, 100000));
  app.add_option("--batch", c.batch, "images of a step")->capture_default_str()->check(CLI::Range(1, 1024));
  app.add_option("--rate", c.rate, "learning rate")->capture_default_str()->check(programs::number(1e-6, 10));
  app.add_flag("--cosine", c.cosine, "anneal the rate by a cosine over --epochs, instead of halving it on a plateau");
  app.add_option("--weight-decay", c.weight_decay, "AdamW's weight decay")->capture_default_str()->check(programs::number(0, 10));
  app.add_option("--patience", c.patience, "epochs without a better validation loss before the rate is halved")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--stop-after", c.stop_after, "epochs without a better validation loss before the run ends")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--seed", c.seed, "seed")->capture_default_str()->check(programs::digits());
  app.add_option("--images", c.images, "train on the first N images only (0: all)")->capture_default_str()->check(programs::whole_number());
  app.add_option("--box-samples", c.box_samples, "boxes of an image that the box head learns from in a step")
      ->capture_default_str()
      ->check(CLI::Range(4, 2000));
  app.add_flag("--no-augment", plain, "train on the images as they are");
  app.add_flag("--schedule", c.schedule, "change the weights of the levels during training");
  app.add_flag("--truth-regions", c.truth_regions, "train the head on jittered ground truth only");
  app.add_flag("--imagenet-input", c.imagenet_input, "normalise the input with ImageNet's mean and deviation");
  app.add_flag("--capture,!--no-capture", c.capture, "cuda: a training step is one graph (default), or a launch for each kernel, to the same bits");
  app.add_flag("--tune", c.tune, "cuda: time the engines of cuDNN and cuBLASLt and take the fastest; the same run may then differ by rounding");
  programs::add_tf32(app, c.tf32);
  programs::add_limits(app, c.limits);
  app.add_flag(
      "--resume", c.resume,
      "continue the run in --out with its own configuration; --data, --epochs, --device, --capture, --tune, --tf32 and --most-pixels alone may be "
      "given. A run that has ended says why, with exit code 0");
  programs::one_line_mistakes(app);
  CLI11_PARSE(app, argc, argv);
  c.augment = !plain;
  if (c.side % 32 != 0) throw std::runtime_error("--size " + std::to_string(c.side) + ": expected a multiple of 32");
  if (c.data.empty() && !c.resume) throw std::runtime_error("--data is required");
  if (c.resume) {
    const std::set<std::string> may_change{"--resume", "--out", "--data", "--epochs", "--device", "--capture", "--tune", "--tf32", "--most-pixels"};
    for (const CLI::Option* o : app.get_options())
      if (o->count() > 0 && may_change.count(o->get_name()) == 0)
        throw std::runtime_error(
            o->get_name() +
            ": a resumed run keeps its configuration; only --data, --epochs, --device, --capture, --tune, --tf32 and --most-pixels "
            "may be given with --resume");
    if (app.count("--epochs") == 0) c.epochs = 0;
  }
  programs::make_session(c.resume ? programs::net_of_run(c.out) : c.net, c.device)->train(c);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_train", body, argc, argv); }
