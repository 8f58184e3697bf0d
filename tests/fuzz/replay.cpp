// replay CORPUS: every input of CORPUS/NAME/ through the target NAME. Each target must have a folder with inputs, and each folder a target.
#include "target.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  if (argc != 2) return std::fprintf(stderr, "usage: %s CORPUS\n", argv[0]), 2;
  for (const auto& e : fs::directory_iterator(argv[1]))
    if (!fuzz::targets().contains(e.path().filename().string())) return std::fprintf(stderr, "%s is of no target\n", e.path().c_str()), 1;
  for (const auto& [name, target] : fuzz::targets()) {
    const fs::path folder = fs::path(argv[1]) / name;
    std::vector<fs::path> inputs;
    if (fs::is_directory(folder))
      for (const auto& e : fs::directory_iterator(folder)) inputs.push_back(e.path());
    if (inputs.empty()) return std::fprintf(stderr, "%s has no input\n", folder.c_str()), 1;
    std::sort(inputs.begin(), inputs.end());
    target({});
    for (const auto& path : inputs) {
      std::ifstream file(path, std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(file), {});
      try {
        target(bytes);
      } catch (const std::exception& e) {
        return std::fprintf(stderr, "%s: %s\n", path.c_str(), e.what()), 1;
      }
    }
    std::printf("%s: %zu inputs\n", name.c_str(), inputs.size());
  }
}
