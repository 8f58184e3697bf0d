// What a network needs: tensors, expressions, gradients, every op, layers, losses, the detector and DCSNet. Files (io/), data sets (data/),
// optimisers (optim/), loops (train/), the state dict (nn/state_dict.hpp) and views of other libraries (interop/) are included by name.
#pragma once

#include <dcs/expr/gradcheck.hpp>
#include <dcs/models/dcsnet/dcsnet.hpp>
#include <dcs/models/dcsnet/loss.hpp>
