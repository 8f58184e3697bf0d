// What dcs_predict is given: files, folders and lists, as the images that they are.
#pragma once

#include <dcs/image/spacing.hpp>

#include <optional>
#include <string>
#include <vector>

namespace programs {

/// An image to segment, or a volume whose slices are.
struct prediction_input {
  std::string path, name;  // the file, and what its results are called: without the extension of an image or volume
  bool is_volume = false;
  std::optional<dcs::pixel_spacing> spacing{};  // in mm, of an image where a set's spacing.csv states it
};

/// The inputs that arguments stand for. A folder: its images and volumes (by their extensions, in the order of their names, hidden ones left out); a
/// file NAME.txt: a list, each line an argument, paths from the list's own folder on; any other: itself. An image in SET/SPLIT/images has the spacing
/// that SET/spacing.csv states. Throws dcs::error where a folder or list names nothing or cannot be read, a list names a list, or two inputs would
/// have results of one name.
std::vector<prediction_input> prediction_inputs(const std::vector<std::string>& arguments);

}  // namespace programs
