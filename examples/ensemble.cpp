#include "ensemble.hpp"

#include <dcs/image/fusion.hpp>

#include <filesystem>
#include <set>

namespace programs {

namespace fs = std::filesystem;

ensemble::ensemble(const members_request& r) : checkpoint_(r.checkpoint) {
  dcs::expect(!r.runs.empty(), "--run: there is none; expected at least one");
  std::set<fs::path> before;
  for (const auto& run : r.runs) {
    dcs::expect(before.insert(fs::weakly_canonical(run)).second, "--run ", run, " stands twice; expected each run once");
    auto network = make_session(net_of_run(run), r.device);
    auto config = network->load(run, checkpoint_, r.tf32);
    members_.push_back({run, std::move(config), std::move(network)});
  }
}

std::string ensemble::weights(std::size_t k) const { return (fs::path(members_[k].run) / (checkpoint_ + ".safetensors")).string(); }

std::vector<dcs::prediction> ensemble::views(const std::vector<dcs::sample>& of_each, bool augmented) const {
  std::vector<dcs::prediction> all;
  const std::int64_t side = config().side;
  for (std::size_t k = 0; k < members_.size(); ++k)
    for (const auto& p : members_[k].network->predict(of_each[k], augmented)) {
      p.expect_numbers(of_each[k].name);
      all.push_back(dcs::scaled(p, side, side));
    }
  return all;
}

std::vector<dcs::prediction> ensemble::views(const dcs::image& original, const dcs::sample& s, bool augmented) const {
  std::vector<dcs::sample> of_each;
  for (const auto& m : members_) {
    of_each.push_back(s);
    if (m.config.side == config().side) continue;
    const auto side = static_cast<std::size_t>(m.config.side);
    of_each.back().pixels = dcs::resize(original, m.config.side, m.config.side);
    of_each.back().truth = {m.config.side, m.config.side, std::vector<std::uint8_t>(side * side, 0)};
  }
  return views(of_each, augmented);
}

dcs::prediction ensemble::in_true_boxes(const dcs::sample& s) const {
  dcs::expect(members_.size() == 1, "--boxes truth: of one run, but there are ", members_.size());
  dcs::expect(members_[0].network->facts().takes_boxes, "--boxes truth: ", members_[0].config.net, " looks into no boxes; expected detected");
  return members_[0].network->predict_in_true_boxes(s);
}

ensemble_data::ensemble_data(const ensemble& runs, const std::string& data, const std::string& split, const dcs::io::image_limits& limits,
                             bool skip_bad) {
  std::vector<int> sides;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    dcs::run_config c = runs.config();  // one set and one kind of masks for all; the size is each run's own
    c.side = runs.config(k).side;
    const auto at = std::find(sides.begin(), sides.end(), c.side);
    set_of_run_.push_back(static_cast<std::size_t>(at - sides.begin()));
    if (at != sides.end()) continue;
    sides.push_back(c.side);
    sets_.push_back(split_of(c, data.empty() ? c.data : data, split, limits, skip_bad));
    dcs::expect(sets_.back().size() == first().size(), "--skip-bad leaves out ", first().size() - sets_.back().size(), " more images at ", c.side,
                " × ", c.side, "; expected runs for which it leaves out the same");
  }
}

std::vector<dcs::sample> ensemble_data::load(std::int64_t i) const {
  std::vector<dcs::sample> at_size, of_each;
  for (const auto& set : sets_) at_size.push_back(set.load(i));
  for (const std::size_t set : set_of_run_) of_each.push_back(at_size[set]);
  return of_each;
}

}  // namespace programs
