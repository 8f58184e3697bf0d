#pragma once
#include <dcs/cpu/gemm.hpp>
#include <dcs/ops/conv2d/geometry.hpp>
namespace dcs::cpu {
template <class T> bool winograd_suits(const conv2d_geometry&) { return false; }
template <class T> void winograd_forward(const conv2d_geometry&, const T*, const T*, const epilogue<T>&, T*) {}
template <class T> void winograd_data_gradient(const conv2d_geometry&, const T*, const T*, T*) {}
template <class T> void winograd_weight_gradient(const conv2d_geometry&, const T*, const T*, T*) {}
}
