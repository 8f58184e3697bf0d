// A detector's work on boxes: non-maximum suppression, proposals from a pyramid's anchors for four images, and sampling for its losses. Most of it is
// limited by latency and not by bandwidth, so the floors are far below the times.
#include "measure.cuh"

#include <dcs/detect/rpn.cuh>
#include <dcs/detect/targets.cuh>
#include <dcs/models/dcsnet/regions.cuh>
#include <dcs/ops/nms/cuda.cuh>

namespace gpu_bench {

namespace {

constexpr std::int64_t images = 4, side = 256, true_boxes = 8;

// Boxes as some_rois makes them; peer.py has the same.
template <class T>
void suppression(meter& m) {
  const std::int64_t n = 4096;
  std::vector<T> corners, score;
  std::vector<std::int64_t> level;
  for (int i = 0; i < n; ++i) {
    const int w = 20 + i * 53 % 81, h = 20 + i * 31 % 81, x = i * 37 % (512 - w), y = i * 71 % (512 - h);
    for (int v : {x, y, x + w, y + h}) corners.push_back(static_cast<T>(static_cast<float>(v)));
    score.push_back(static_cast<T>(static_cast<float>(i * 2731 % n) / static_cast<float>(n)));
    level.push_back(i % 5);
  }
  const buffer<T> boxes(corners), scores(score);
  const buffer<std::int64_t> levels(level), kept(std::vector<std::int64_t>(static_cast<std::size_t>(n))), count(std::vector<std::int64_t>(1));
  const double bytes = static_cast<double>(boxes.bytes() + scores.bytes() + kept.bytes());
  m.run<T>("nms", bytes, 0, [&] { dcs::cuda::nms<T>(device{}, boxes.data(), scores.data(), n, 0.7, nullptr, kept.data(), count.data()); });
  m.run<T>("nms_levels", bytes + static_cast<double>(levels.bytes()), 0,
           [&] { dcs::cuda::nms<T>(device{}, boxes.data(), scores.data(), n, 0.7, levels.data(), kept.data(), count.data()); });
}

// As in training: at most 2000 candidates of a level, and 2000 proposals of an image.
template <class T>
class pyramid_boxes {
 public:
  using A = dcs::cuda::arithmetic_t<T>;

  pyramid_boxes() {
    for (std::int64_t s = 64; s >= 4; s /= 2) {
      const std::int64_t anchors = s * s * dcs::anchor_shapes;
      objectness_.emplace_back(images * anchors), deltas_.emplace_back(images * anchors * 4);
      levels_.push_back({objectness_.back().data(), deltas_.back().data(), s, s});
      anchors_.add({}, s, s, side, side);
      const auto decoded = static_cast<double>(images * std::min<std::int64_t>(options_.before_nms_training, anchors) * 4);
      bytes_ += static_cast<double>(objectness_.back().bytes()) + decoded * sizeof(T);
    }
  }
  void propose() { dcs::cuda::propose(device{}, options_, true, images, side, side, levels_, boxes_.data(), counts_.data()); }
  double bytes() const { return bytes_ + static_cast<double>(boxes_.bytes()); }
  const dcs::rpn_options& options() const { return options_; }
  const dcs::cuda::anchor_grid<A>& anchors() const { return anchors_; }
  dcs::cuda::padded_boxes<A> proposals() const {
    return {{boxes_.data(), boxes_.size()}, {counts_.data(), counts_.size()}, options_.after_nms_training};
  }

 private:
  dcs::rpn_options options_;
  std::vector<buffer<T>> objectness_, deltas_;
  std::vector<dcs::cuda::proposal_level<T>> levels_;
  dcs::cuda::anchor_grid<A> anchors_;
  buffer<A> boxes_{images * options_.after_nms_training * 4};
  buffer<std::int32_t> counts_{std::vector<std::int32_t>(images)};
  double bytes_ = 0;
};

template <class T>
void selection(meter& m) {
  pyramid_boxes<T> p;
  m.run<T>("propose", p.bytes(), 0, [&] { p.propose(); });
}

// Boxes are floats, whatever a network computes in.
void sampling(meter& m) {
  pyramid_boxes<float> p;
  p.propose();
  std::vector<float> corners;
  for (int i = 0; i < images * true_boxes; ++i) {
    const int w = 20 + i * 53 % 81, h = 20 + i * 31 % 81, x = i * 37 % (256 - w), y = i * 71 % (256 - h);
    for (int v : {x, y, x + w, y + h}) corners.push_back(static_cast<float>(v));
  }
  const buffer<float> boxes(corners);
  const buffer<std::int32_t> counts(std::vector<std::int32_t>(images, true_boxes));
  const dcs::cuda::padded_boxes<float> truth{{boxes.data(), boxes.size()}, {counts.data(), images}, true_boxes};
  const dcs::cuda::proposals_and_truth<float> all{p.proposals(), truth};
  const double seen = static_cast<double>(p.proposals().corners.size) * sizeof(float);
  // A sample has row, label, weight and target; a proposal has region and level too.
  const double anchor = 16 + 6 * sizeof(float), proposal = 8 + 11 * sizeof(float);
  const dcs::box_head_options head;
  const dcs::models::dcsnet::region_options some;
  m.run<float>("sample_anchors", static_cast<double>(images * p.options().sampler.size) * anchor, 0, [&] {
    (void)dcs::cuda::sample_anchors(device{}, p.options(), images, p.anchors(), truth, {1, 1});
  });
  m.run<float>("sample_proposals", seen + static_cast<double>(images * head.sampler.size) * proposal, 0, [&] {
    (void)dcs::cuda::sample_proposals(device{}, head, images, all, {1, 2});
  });
  m.run<float>("regions", seen, 0, [&] { (void)dcs::models::dcsnet::regions(device{}, some, images, side, side, all, {1, 3}, {1, 4}); });
}

template <class T>
void cases(meter& m) {
  suppression<T>(m);
  selection<T>(m);
}

}  // namespace

void proposal_cases(meter& m) { cases<float>(m), cases<dcs::bf16>(m), sampling(m); }

}  // namespace gpu_bench
