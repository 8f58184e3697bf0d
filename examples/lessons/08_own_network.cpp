// Lesson 8. A network of one's own from its layers to a trained model: a small UNet is made a segmenter, a run trains it on a folder of images and
// masks, is stopped and resumed, and the best weights are evaluated. docs/your-network.md says how the programs train the same struct.
#include "check.hpp"

#include <dcs/data/folder.hpp>
#include <dcs/data/synthetic_set.hpp>
#include <dcs/dcs.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/train/run.hpp>

using namespace dcs;

// Two convolutions, each with batch norm and ReLU.
template <int In, int Out>
struct block {
  nn::conv2d<In, Out, 3, 1, 1, 1, false> conv1;
  nn::batch_norm<Out> norm1;
  nn::conv2d<Out, Out, 3, 1, 1, 1, false> conv2;
  nn::batch_norm<Out> norm2;
  DCS_MEMBERS(conv1, norm1, conv2, norm2)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return eval(relu(norm2(conv2(eval(relu(norm1(conv1(x))))))));
  }
};

// Three levels of 1, 2 and 4 times Width channels; on the way up a level is resized to the one above it and joined with it. Images, shape<N, H, W,
// 3>, give logits, shape<N, H, W, 1>.
template <int Width>
struct small_unet {
  block<3, Width> down1;
  block<Width, 2 * Width> down2;
  block<2 * Width, 4 * Width> bottom;
  block<6 * Width, 2 * Width> up2;
  block<3 * Width, Width> up1;
  nn::conv2d<Width, 1, 1> head;
  DCS_MEMBERS(down1, down2, bottom, up2, up1, head)

  template <operand X>
  constexpr auto operator()(const X& images) const {
    const auto a = down1(images);
    const auto b = down2(max_pool2d<2, 2, 0>(a));
    const auto c = bottom(max_pool2d<2, 2, 0>(b));
    const auto d = up2(concat<channel>(b, resize_bilinear_like<corners::half_pixel>(c, b)));
    return eval(head(up1(concat<channel>(a, resize_bilinear_like<corners::half_pixel>(d, a)))));
  }

  // What makes it a segmenter, whatever its layers are. Numbers that may be chosen: dcs_train would make flags of them, --dice-weight for the first.
  struct options {
    double dice_weight = 1, entropy_weight = 1;
    template <class Self, class Field>
    static void fields(Self& o, Field&& field) {
      field("dice_weight", o.dice_weight, bounds{0.0, 100.0}, "weight of the Dice loss");
      field("entropy_weight", o.entropy_weight, bounds{0.0, 100.0}, "weight of the cross-entropy");
    }
  };
  // Names of the losses, which become columns of results.csv, and their values on a batch. Images are a var in training, a tensor in validation.
  static constexpr std::array loss_terms{"dice_loss", "cross_entropy"};
  template <operand X, class T, class D>
  loss::terms<X, 2> losses(const X& images, const targets<T, D>& known, const options& o, random_stream) const {
    const auto logits = widened((*this)(images));  // losses are computed in f32, also of maps in bf16
    return {
        {eval(loss::dice(sigmoid(logits), known.masks) * o.dice_weight), eval(loss::binary_cross_entropy(logits, known.masks) * o.entropy_weight)}};
  }
  // The probability of every pixel, for each image.
  template <class T, class D>
  std::vector<prediction> predict(const tensor<T, image_shape, D>& images, const options&) const {
    return predictions_of(sigmoid(widened((*this)(images))));
  }
};

// Everything that trains, evaluates or predicts asks for this concept, and nothing else.
static_assert(segmenter<small_unet<4>>);
static_assert(!region_segmenter<small_unet<4>>, "it looks into no boxes");
static_assert(parameters<small_unet<4>> == 7617);

int main() {
  // A set in folders, SET/{train,val,test}/{images,masks}/NAME. Yours stands there already; this one is synthetic.
  const temporary_folder folder;
  const std::string set = folder / "set";
  write_synthetic_set(set, modality::mri, 64, 1, {.train = 32, .val = 6, .test = 6});
  const folder_dataset train_set(set, "train", 64), val(set, "val", 64), test(set, "test", 64);

  // A run: its folder holds the configuration, a table of results, and checkpoints. This one has two epochs.
  run_config config;
  config.data = set, config.side = 64, config.epochs = 2, config.batch = 1, config.rate = 2e-2, config.seed = 1;
  std::vector<double> whole, parts;
  {
    small_unet<4> net;
    training_run run(net, folder / "whole", config);
    run.train(train_set, val, [&](const epoch_report& e) { whole.push_back(e.trained.total); });
    check(!run.ended().empty(), "a run that has ended says why");
  }

  // The same, but stopped after the first epoch. It goes on as if it had not been: the second epoch has the same bits. And then it goes further.
  const auto watch = [&](const epoch_report& e) {
    print_epoch(e);
    parts.push_back(e.trained.total);
  };
  config.epochs = 1;
  {
    small_unet<4> net;
    training_run(net, folder / "parts", config).train(train_set, val, watch);
  }
  small_unet<4> net;
  training_run run(net, folder / "parts", resumed{.epochs = 12});
  check(run.epochs_done() == 1, "it continues after the first epoch");
  run.train(train_set, val, watch);
  check(parts.size() == 12 && parts[0] == whole[0] && parts[1] == whole[1], "two parts are one run");
  check(parts.back() < 0.6 * parts.front(), "the loss falls");

  // The weights of the epoch with the least validation loss, on images that no epoch has seen.
  load_checkpoint(run.folder().best(), net);
  const auto [test_losses, measures] = validate(net, test, run.epoch_numbers());
  std::printf("test: loss %.4f, dice %.4f, %lld of %lld missed\n", test_losses.total, measures.dice, static_cast<long long>(measures.missed),
              static_cast<long long>(measures.images));
  check(measures.images == 6 && measures.dice > 0.1, "lesions are found");

  // And one image by itself: a probability for each pixel, from which a mask is cut.
  const auto images = make_batch({test.load(0)}, run.epoch_numbers().input).images;
  const auto found = predict(net, images, run.options());
  check(found.size() == 1 && found[0].height == 64 && found[0].width == 64, "a prediction has its image's size");
  check(found[0].above(0.0f).count() == 64 * 64, "every pixel has a probability");
  io::write_mask(folder / "mask.png", found[0].above());
  return wrong;
}
