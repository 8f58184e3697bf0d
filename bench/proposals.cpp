// The recall of a trained detector's proposals on a split of its data: the share of true boxes that one of an image's first proposals overlaps by
// half (intersection over union), for 10, 100 and 1000 proposals. It shows what the scales of the anchors do before the box head chooses:
//
//   proposals RUN [SPLIT [DATA]]      a run of dcs_train --net resnet18-128; SPLIT: test unless passed; DATA: where the set is now
#include <dcs/data/batch.hpp>
#include <dcs/data/folder.hpp>
#include <dcs/models/dcsnet/dcsnet.hpp>
#include <dcs/train/checkpoint.hpp>
#include <dcs/train/run.hpp>

#include <cstdio>

using namespace dcs;
using namespace dcs::models::dcsnet;

namespace {

using net_type = dcsnet<resnet<18>, dghc<32>, msfa<4, 8>, 128>;
constexpr std::array<std::size_t, 3> counts{10, 100, 1000};

struct recall {
  std::int64_t boxes = 0;
  std::array<std::int64_t, counts.size()> found{};
  // Proposals in the order of their scores.
  void add(const std::vector<box<float>>& proposals, const std::vector<box<float>>& truth) {
    for (const auto& t : truth) {
      ++boxes;
      std::size_t first = 0;
      while (first < proposals.size() && iou(proposals[first], t) < 0.5f) ++first;
      for (std::size_t k = 0; k < counts.size(); ++k) found[k] += first < std::min(counts[k], proposals.size());
    }
  }
};

recall measured(const net_type& net, const net_type::options& o, const folder_dataset& data, const normalisation& input) {
  recall r;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const batch b = make_batch({data.load(i)}, input);
    const extent_t h = b.images.sizes()[1], w = b.images.sizes()[2];
    const auto levels = net.detector.propose_levels(net.detector.features(b.images));
    r.add(net.detector.proposals<float>(o.detector.rpn, false, h, w, levels)[0], b.boxes[0]);
  }
  return r;
}

void run(const std::string& folder, const std::string& split, const std::string& moved) {
  auto net = std::make_unique<net_type>();
  const auto c = read_config(run_folder(folder).config(), listed_options(net_type::options{}));
  const auto o = assigned_options(net_type::options{}, c.network);
  initialize(*net, 0);
  load_checkpoint<cpu_device>(run_folder(folder).best(), *net);
  const folder_dataset data(moved.empty() ? c.data : moved, split, c.side);
  const recall r = measured(*net, o, data, training_run<net_type>::input_of(c));
  std::printf("%s: anchors", folder.c_str());
  for (const double s : o.detector.rpn.anchors.scales) std::printf(" %g", s);
  std::printf(", %s, %lld boxes, recall", split.c_str(), static_cast<long long>(r.boxes));
  for (std::size_t k = 0; k < counts.size(); ++k)
    std::printf(" %zu: %.3f", counts[k], static_cast<double>(r.found[k]) / static_cast<double>(std::max<std::int64_t>(r.boxes, 1)));
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    expect(argc >= 2 && argc <= 4, "usage: proposals RUN [SPLIT [DATA]]");
    run(argv[1], argc > 2 ? argv[2] : "test", argc > 3 ? argv[3] : "");
  } catch (const std::exception& e) {
    std::fprintf(stderr, "proposals: %s\n", e.what());
    return 1;
  }
}
