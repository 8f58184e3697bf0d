// Trains a network on a folder of images and masks; the run is a folder that --resume continues.
#include "command_line.hpp"
#include "network_flags.hpp"
#include "processes.hpp"
#include "resuming_flags.hpp"
#include "session.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace {

// "--a, --b and --c".
std::string list_of_resuming_flags() {
  std::string all;
  for (std::size_t i = 0; i < programs::resuming_flags.size(); ++i)
    all += (i == 0 ? "--" : i + 1 == programs::resuming_flags.size() ? " and --" : ", --") + std::string(programs::resuming_flags[i]);
  return all;
}
bool is_resumed_with(const std::string& flag) { return flag == "--resume" || flag == "--out" || programs::may_be_resumed_with(flag.substr(2)); }

void add_training_flags(CLI::App& app, programs::train_request& t, bool& plain, bool& cosine) {
  dcs::run_config& c = t.config;
  app.add_option("--data", c.data, "folder of the set");
  app.add_option("--out", t.out, "folder of the run")->required();
  app.add_option("--backbone", c.backbone,
                 "weights of the network's encoder, as ImageNet's of a ResNet (safetensors); sets ImageNet's input normalisation")
      ->check(CLI::ExistingFile);
  app.add_option("--size", c.side, "side that images are resized to, a multiple of 32")->capture_default_str()->check(CLI::Range(64, 2048));
  app.add_option("--epochs", c.epochs, "epochs at most")->capture_default_str()->check(CLI::Range(1, 100000));
  app.add_option("--batch", c.batch, "images of a step")->capture_default_str()->check(CLI::Range(1, 1024));
  app.add_option("--rate", c.rate, "learning rate")->capture_default_str()->check(programs::number(1e-6, 10));
  app.add_option("--backbone-rate", c.backbone_rate, "learning rate of the network's encoder, as a factor of --rate")
      ->capture_default_str()
      ->check(programs::number(0, 10));
  app.add_option("--rate-schedule", c.rate_schedule, "plateau: halved where the validation loss stays; or cosine, polynomial, constant")
      ->capture_default_str()
      ->check(CLI::IsMember({"plateau", "cosine", "polynomial", "constant"}));
  app.add_option("--warmup", c.warmup, "epochs over which the rate rises to --rate")->capture_default_str()->check(CLI::Range(0, 100000));
  app.add_option("--optimizer", c.optimizer, "adamw or sgd")->capture_default_str()->check(CLI::IsMember({"adamw", "sgd"}));
  app.add_option("--momentum", c.momentum, "SGD's momentum")->capture_default_str()->check(programs::number(0, 0.9999));
  app.add_flag("--nesterov", c.nesterov, "SGD with Nesterov's momentum");
  app.add_option("--ema", c.ema, "decay of an exponential average of the weights, which is then what is evaluated and predicted with; 0: none")
      ->capture_default_str()
      ->check(programs::number(0, 0.999999));
  app.add_flag("--cosine", cosine, "--rate-schedule cosine");
  app.add_option("--weight-decay", c.weight_decay, "weight decay")->capture_default_str()->check(programs::number(0, 10));
  app.add_flag("!--no-decay-norms", c.decay_norms, "no weight decay on norms and biases");
  app.add_option("--patience", c.patience, "epochs without a better validation loss before the rate is halved")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--stop-after", c.stop_after, "epochs without a better validation loss before the run ends")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--seed", c.seed, "seed")->capture_default_str()->check(programs::digits());
  app.add_option("--images", c.images, "train on the first N images only (0: all)")->capture_default_str()->check(programs::whole_number());
  app.add_option(
         "--oversample-small", c.oversample_small,
         "show images with small lesions more often: an image weighs (A / a)^X, 1 to 8, by its smallest lesion's pixels a and the set's median A; "
         "0: each once in an epoch")
      ->capture_default_str()
      ->check(programs::number(0, 4));
  app.add_option("--copy-paste", c.copy_paste, "probability that an image gets a lesion of another training image, in tissue that has none")
      ->capture_default_str()
      ->check(programs::number(0, 1));
  app.add_flag("--no-augment", plain, "train on the images as they are");
  app.add_flag(
      "--instances", c.instances,
      "the values of a mask number its objects: pixels of one value are one object, though it touches another; otherwise objects are connected "
      "components");
  app.add_flag("--native-targets", c.native_targets,
               "find objects, and crop what is learned inside their boxes, in masks at their own size where it is larger than --size");
  app.add_flag("--imagenet-input", c.imagenet_input, "normalise the input with ImageNet's mean and deviation");
  app.add_option(
         "--shards", c.shards,
         "cut each batch into so many shards, which are computed apart and added up in one tree: the bits are those of any number of processes "
         "(under mpirun, where it is not given: an image each); 0: batches are not cut")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  app.add_flag("--sync-norm,!--no-sync-norm", c.sync_norm, "of shards: batch norm over the whole batch (default), or over each shard");
  app.add_flag("--fast-reduce", c.fast_reduce,
               "of shards: let MPI add up gradients in its own order, which is faster, and whose bits depend on the number of processes");
  app.add_flag("--capture,!--no-capture", t.capture, "cuda: a training step is one graph (default), or a launch for each kernel, to the same bits");
  app.add_flag("--tune", t.tune, "cuda: time the engines of cuDNN and cuBLASLt and take the fastest; the same run may then differ by rounding");
  programs::add_tf32(app, t.tf32);
  programs::add_limits(app, t.limits);
  programs::add_skip_bad(app, t.skip_bad);
  app.add_option("--save-minutes", t.save_minutes, "write a checkpoint within an epoch after so many minutes without one; 0: at its end only")
      ->capture_default_str()
      ->check(programs::number(0, 100000));
  app.add_option("--loaders", t.loaders,
                 "threads that read and augment images ahead of the steps, to the same bits; 0: one, on a GPU as many as compute, up to 8")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  app.add_flag("--tensorboard", t.tensorboard, "write losses and measures of every epoch as an event file, which TensorBoard shows");
  app.add_flag("--resume", t.resume,
               "continue the run in --out with its own configuration; " + list_of_resuming_flags() +
                   " alone may be given. A run that has ended says why, with exit code 0");
}

int train(int argc, char** argv, programs::process_group& processes) {
  programs::train_request t;
  t.ranks = processes.ranks();
  t.config.net = "small-scratch";
  std::string device = "cpu";
  bool plain = false, cosine = false;
  CLI::App app{"Trains a network on SET/{train,val}/{images,masks}. Networks: " + programs::net_names() +
               ". What a network alone can be told stands last: --net NAME --help lists it"};
  app.set_config("--plan", "", "file of options, a line OPTION = VALUE each, as dcs_plan writes it; flags come before it")->check(CLI::ExistingFile);
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.add_option("--net", t.config.net, "network")->capture_default_str();
  programs::add_device(app, device);
  add_training_flags(app, t, plain, cosine);
  // The network must be known before its flags are defined: from --net, or from the folder of a resumed run.
  const std::string net = programs::net_of_arguments(argc, argv, t.config.net);
  const auto session = programs::make_session(net, programs::value_of_argument(argc, argv, "--device", device));
  t.config.network = session->options();
  programs::add_network_flags(app, t.config.network);
  programs::add_conventions(
      app, "dcs_train",
      {"--net small-scratch --data set --size 128 --epochs 10 --out runs/a", "--resume --out runs/a --epochs 20", "--net small-scratch --help"});
  CLI11_PARSE(app, argc, argv);
  t.config.net = net, t.config.augment = !plain, t.config.rate_schedule = cosine ? "cosine" : t.config.rate_schedule;
  if (processes.launched() && t.config.shards == 0) t.config.shards = t.config.batch;
  if (t.config.side % 32 != 0) throw std::runtime_error("--size " + std::to_string(t.config.side) + ": expected a multiple of 32");
  if (t.config.data.empty() && !t.resume) throw std::runtime_error("--data is required");
  if (t.resume) {
    for (const CLI::Option* o : app.get_options())
      if (o->count() > 0 && !is_resumed_with(o->get_name()))
        throw std::runtime_error(o->get_name() + ": a resumed run keeps its configuration; only " + list_of_resuming_flags() +
                                 " may be given with --resume");
    if (app.count("--epochs") == 0) t.config.epochs = 0;
  }
  return session->train(t);
}

int body(int argc, char** argv) {
  programs::process_group processes;
  return processes.guarded([&] { return train(argc, argv, processes); });
}

}  // namespace

int main(int argc, char** argv) { return programs::guarded("dcs_train", body, argc, argv); }
