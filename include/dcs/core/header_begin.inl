// Every header begins with this and ends with header_end.inl, so that it means the same whatever the program that includes it has set: macros that
// many systems define under common names (min and max of Windows, I of <complex.h>) are set aside, and warnings that the library deliberately does
// not follow are off. DCS_EXACT_MATH stands between a header's includes and its code. Deliberately without an include guard.
#ifndef DCS_EXACT_MATH

#if __cplusplus < 201709L
#error "dcs needs C++20: compile with -std=c++20"
#endif
#if !defined(__cpp_exceptions) && !defined(__CUDA_ARCH__)
#error "dcs reports errors by throwing dcs::error: compile without -fno-exceptions"
#endif

// -ffast-math and its parts (-Ofast, -funsafe-math-optimizations, -ffinite-math-only, -fassociative-math, -freciprocal-math) let compilers reorder
// sums and assume that there is no NaN. Kernels round by adding and subtracting a large number, and look for NaN: from here to the header's end
// arithmetic is as written. What the standard library inlines, and the program's own code, stay as the program's flags say.
#if defined(__clang__)
#if defined(__x86_64__) || defined(__i386__)
#define DCS_EXACT_MATH _Pragma("float_control(precise, on, push)")
#define DCS_EXACT_MATH_ENDS 1
#elif defined(__FAST_MATH__) || __FINITE_MATH_ONLY__
#error "dcs: clang cannot keep exact arithmetic on this processor under -ffast-math or -ffinite-math-only: compile without them"
#endif
#elif defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__) || \
    defined(__NO_TRAPPING_MATH__) || __FINITE_MATH_ONLY__
#define DCS_EXACT_MATH                                                              \
  _Pragma("GCC push_options") _Pragma("GCC optimize(\"no-fast-math\")")             \
      _Pragma("GCC optimize(\"no-finite-math-only,no-unsafe-math-optimizations\")") \
          _Pragma("GCC optimize(\"no-associative-math,no-reciprocal-math,signed-zeros,trapping-math\")")
#define DCS_EXACT_MATH_ENDS 1
#endif
#ifndef DCS_EXACT_MATH
#define DCS_EXACT_MATH
#define DCS_EXACT_MATH_ENDS 0
#endif

#endif  // DCS_EXACT_MATH

#pragma push_macro("min")
#pragma push_macro("max")
#pragma push_macro("near")
#pragma push_macro("far")
#pragma push_macro("small")
#pragma push_macro("interface")
#pragma push_macro("I")
#undef min
#undef max
#undef near
#undef far
#undef small
#undef interface
#undef I

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"  // sizes and indices are signed, those of the standard library's containers are not
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wfloat-equal"
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wuseless-cast"  // a template's cast may be useless for one type
#endif
