// Writes a plan for a data set: what dcs_train is to be told, each number with its reason, from what the set looks like and what a step takes here.
#include "command_line.hpp"
#include "network_flags.hpp"
#include "session.hpp"

#include <dcs/data/folder.hpp>
#include <dcs/data/set_statistics.hpp>
#include <dcs/train/run/plan.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

namespace {

using programs::train_request;

struct plan_request {
  std::string set, net, out, backbone;
  double minutes = 60;
  dcs::io::image_limits limits;
};

// Bytes that processes can still have without swapping, as Linux estimates it; 0 where it does not say.
std::int64_t available_memory() {
  std::ifstream lines("/proc/meminfo");
  for (std::string word; lines >> word;)
    if (std::int64_t kilobytes = 0; word == "MemAvailable:" && lines >> kilobytes) return kilobytes * 1024;
  return 0;
}

// The fingerprint of the training set, at the images' own sizes.
dcs::set_statistics statistics_of(const plan_request& p) {
  const dcs::folder_files files = dcs::list_folder(p.set, "train");
  if (!files.faults.empty()) dcs::fail(files.faults[0].text());
  dcs::set_statistics sum;
  std::mutex adding;
  dcs::cpu::parallel_for(static_cast<std::int64_t>(files.pairs.size()), [&](std::int64_t i) {
    const auto& f = files.pairs[static_cast<std::size_t>(i)];
    dcs::set_statistics one;
    one.add(dcs::io::read_image(f.image, p.limits), dcs::io::read_mask(f.mask, p.limits), {});
    const std::lock_guard lock(adding);
    sum.add(one);
  });
  return sum;
}

// Boxes of the training set's objects at a side of images, in ascending order of their sides (√area).
std::vector<dcs::box<float>> boxes_of(const plan_request& p, int side) {
  const dcs::folder_dataset data(p.set, "train", side, p.limits);
  std::vector<dcs::box<float>> boxes;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto found = dcs::object_boxes(data.load(i));
    boxes.insert(boxes.end(), found.begin(), found.end());
  }
  const auto area = [](const dcs::box<float>& b) { return b.width() * b.height(); };
  std::stable_sort(boxes.begin(), boxes.end(), [&](const auto& a, const auto& b) { return area(a) < area(b); });
  return boxes;
}

// The network, where --net does not say: of those that can be trained without weights (or with --backbone's) and crop, the one of the fitting H that
// has the fewest parameters; where none crops, the smallest of all.
dcs::reasoned<std::string> net_for(const plan_request& p, const std::vector<dcs::box<float>>& boxes) {
  if (!p.net.empty()) return {p.net, "--net"};
  std::set<int> crops;
  std::vector<std::pair<std::int64_t, std::string>> smallest;  // by parameters
  std::map<std::string, programs::network_facts> facts;
  for (const auto& name : programs::nets()) {
    const auto f = programs::make_session(name)->facts();
    if (f.needs_weights && p.backbone.empty()) continue;
    facts[name] = f;
    if (f.crop > 0) crops.insert(f.crop);
    smallest.emplace_back(f.parameters, name);
  }
  dcs::expect(!smallest.empty(), "every network that is compiled in needs weights: --backbone names their file");
  std::sort(smallest.begin(), smallest.end());
  if (crops.empty() || boxes.empty())
    return {smallest[0].second, "the network of fewest parameters, as none crops, or no lesion is large enough for a box"};
  const auto& box = boxes[boxes.size() * 3 / 4];
  const auto crop = dcs::crop_for({crops.begin(), crops.end()}, std::sqrt(static_cast<double>(box.width() * box.height())));
  for (const auto& [parameters, name] : smallest)
    if (facts[name].crop == crop.value) return {name, crop.reason + "; of the networks of this H it has the fewest parameters"};
  dcs::fail("no network of H = ", crop.value);
}

// Options of the network that are chosen from boxes: anchors.
void add_network_options(std::vector<dcs::plan_entry>& entries, std::vector<dcs::network_option> options, const std::vector<dcs::box<float>>& boxes) {
  for (auto& o : options) {
    if (o.from_boxes.choose == nullptr || boxes.empty()) continue;
    dcs::choose_from_boxes(o, boxes);
    entries.push_back(
        {o.name, dcs::to_json(o).dump(),
         "from " + std::to_string(boxes.size()) + " boxes: the lower quartile of their sides on the finest level, twice that on each above"});
  }
}

std::string plan_text(const plan_request& p) {
  const dcs::set_statistics train = statistics_of(p);
  const int wanted = dcs::side_for(train).value;
  const auto net = net_for(p, boxes_of(p, wanted));
  train_request t;
  t.config.net = net.value, t.config.data = p.set, t.config.backbone = p.backbone, t.config.imagenet_input = !p.backbone.empty(), t.limits = p.limits;
  dcs::plan_conditions c;
  c.minutes = p.minutes, c.validation = dcs::folder_dataset(p.set, "val", wanted, p.limits).size();
  c.memory = available_memory();
  const auto at = [&](int side, int batch) {
    auto request = t;
    auto session = programs::make_session(net.value);
    request.config.side = side, request.config.batch = batch, request.config.network = session->options();
    return std::pair(std::move(session), std::move(request));
  };
  c.memory_of_step = [&](int side) {
    const auto [session, request] = at(side, 1);
    return session->measure_memory(request);
  };
  c.seconds_of_batch = [&](int side, int batch) {
    const auto [session, request] = at(side, batch);
    return session->measure_seconds(request);
  };
  std::vector<dcs::plan_entry> entries{{"net", net.value, net.reason}};
  const auto costs = dcs::plan_of_costs(train, c), augmentation = dcs::plan_of_augmentation(train);
  entries.insert(entries.end(), costs.begin(), costs.end());
  add_network_options(entries, programs::make_session(net.value)->options(), boxes_of(p, std::stoi(costs[0].value)));
  entries.insert(entries.end(), augmentation.begin(), augmentation.end());
  if (!p.backbone.empty()) entries.push_back({"backbone", dcs::json(p.backbone).dump(), "--backbone"});
  return dcs::plan_file("For " + dcs::printable(p.set) + ": dcs_train --plan FILE --data SET --out RUN. Flags beside it come before its lines.",
                        entries);
}

int body(int argc, char** argv) {
  plan_request p;
  CLI::App app{
      "Writes a plan for SET, the file that dcs_train --plan reads: every number below its reason. Reads the set, and measures steps on this "
      "machine"};
  app.add_option("SET", p.set, "folder of the set")->required();
  app.add_option("--net", p.net, "network; without, one of those compiled in: " + programs::net_names());
  app.add_option("--minutes", p.minutes, "that the training may take")->capture_default_str()->check(programs::number(0.1, 100000));
  app.add_option("--backbone", p.backbone, "weights of the network's encoder, as for dcs_train")->check(CLI::ExistingFile);
  app.add_option("--out", p.out, "new file of the plan; without, it is printed");
  programs::add_limits(app, p.limits);
  programs::add_conventions(app, "dcs_plan", {"set --minutes 30 --out plan.ini", "set --net small-scratch"});
  CLI11_PARSE(app, argc, argv);
  dcs::expect(p.out.empty() || !std::filesystem::exists(p.out), "--out ", dcs::printable(p.out), " exists already; expected a new file");
  const std::string text = plan_text(p);
  if (p.out.empty())
    std::printf("%s", text.c_str());
  else
    dcs::write_text(p.out, text);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return programs::guarded("dcs_plan", body, argc, argv); }
