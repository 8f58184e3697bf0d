// What the lessons end with: each is a program that fails where it teaches something wrong.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

inline int wrong = 0;

inline void check(bool holds, const char* what) {
  if (holds) return;
  std::printf("wrong: %s\n", what);
  ++wrong;
}
inline void check_near(double value, double expected, const char* what, double tolerance = 1e-5) {
  if (std::abs(value - expected) <= tolerance) return;
  std::printf("wrong: %s is %.9g, not %.9g\n", what, value, expected);
  ++wrong;
}

// A folder for what a lesson writes; it goes away with this object.
class temporary_folder {
 public:
  temporary_folder() {
    path_ = (std::filesystem::temp_directory_path() / "dcs_lesson_XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr) std::perror(path_.c_str()), std::exit(1);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() { std::filesystem::remove_all(path_); }
  // The path of a file or folder in it.
  std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};
