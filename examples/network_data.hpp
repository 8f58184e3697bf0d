// The data that a network of the programs is trained on.
#pragma once

#include "session.hpp"

#include <dcs/data/folder.hpp>

#include <algorithm>

namespace programs {

/// A part of a data set: its first images.
struct first_of {
  dcs::folder_dataset data;
  std::int64_t count;
  std::int64_t size() const { return count > 0 ? std::min(count, data.size()) : data.size(); }
  dcs::sample load(std::int64_t i) const { return data.load(i); }
};

/// The objects of a data set: how many of its images have a lesion, and the boxes of all that are large enough for one.
struct set_objects {
  std::int64_t lesions = 0;
  std::vector<dcs::box<float>> boxes;
  explicit set_objects(const first_of& set) {
    for (std::int64_t i = 0; i < set.size(); ++i) {
      const dcs::sample s = set.load(i);
      const auto found = dcs::object_boxes(s);
      lesions += s.truth.count() > 0;
      boxes.insert(boxes.end(), found.begin(), found.end());
    }
  }
};

/// The training images of a run.
inline first_of training_set(const dcs::run_config& c, const train_request& t) {
  return {split_of(c, c.data, "train", t.limits, t.skip_bad), c.images};
}

/// Sets the options that are to be chosen from the training set's boxes; the run's configuration has them as if they had been passed.
inline void choose_from_boxes(dcs::run_config& c, const set_objects& objects) {
  for (auto& o : c.network) {
    if (!o.automatic) continue;
    dcs::expect(!objects.boxes.empty(), "--", o.name, " auto: no object of the training set in ", c.data, " is large enough for a box at ", c.side,
                " × ", c.side, "; expected one, or numbers");
    dcs::choose_from_boxes(o, objects.boxes);
    std::printf("%s, from %zu boxes: %s\n", o.name.c_str(), objects.boxes.size(), dcs::to_json(o).dump().c_str());
  }
}

}  // namespace programs
