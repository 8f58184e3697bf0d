// What the lessons end with: each is a program that fails where it teaches something wrong.
#pragma once

#include <cmath>
#include <cstdio>

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
