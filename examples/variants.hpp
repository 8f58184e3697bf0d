// The networks that the programs contain: one line each, number, name for --net, type. Each is compiled in a translation unit of its own; the CMake
// option DCS_VARIANTS says which are built.
#pragma once

#include <dcs/models/dcsnet/dcsnet.hpp>

// clang-format off
#define DCS_VARIANT_LIST(X)                                                                                        \
  X(0, "small-scratch",    dcs::dcsnet<dcs::resnet<18, dcs::nn::batch_norm>, dcs::models::dcsnet::dghc<32>, dcs::models::dcsnet::msfa<2, 4>, 32>)  \
  X(1, "resnet18-128",     dcs::dcsnet<dcs::resnet<18>, dcs::models::dcsnet::dghc<32>, dcs::models::dcsnet::msfa<4, 8>, 128>)                      \
  X(2, "paper",            dcs::dcsnet<dcs::resnet<50>, dcs::models::dcsnet::dghc<64>, dcs::models::dcsnet::msfa<4, 8>, 256>)                      \
  X(3, "paper-scratch",    dcs::dcsnet<dcs::resnet<50, dcs::nn::batch_norm>, dcs::models::dcsnet::dghc<64>, dcs::models::dcsnet::msfa<4, 8>, 256>) \
  X(4, "no-msfa",          dcs::dcsnet<dcs::resnet<50>, dcs::models::dcsnet::dghc<64>, dcs::models::dcsnet::mean_fusion, 256>)                     \
  X(5, "no-dghc",          dcs::dcsnet<dcs::resnet<50>, dcs::models::dcsnet::whole_image<64>, dcs::models::dcsnet::msfa<4, 8>, 256>)               \
  X(6, "no-msfa-no-dghc",  dcs::dcsnet<dcs::resnet<50>, dcs::models::dcsnet::whole_image<64>, dcs::models::dcsnet::mean_fusion, 256>)              \
  X(7, "base-32",          dcs::dcsnet<dcs::resnet<50>, dcs::models::dcsnet::dghc<32>, dcs::models::dcsnet::msfa<4, 8>, 256>)                      \
  X(8, "base-128",         dcs::dcsnet<dcs::resnet<50>, dcs::models::dcsnet::dghc<128>, dcs::models::dcsnet::msfa<4, 8>, 256>)
// clang-format on
