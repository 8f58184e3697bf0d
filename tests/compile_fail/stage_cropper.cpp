// expect: dcs::dcsnet: a cropper has base, takes_whole_images and a call
#include <dcs/models/dcsnet/dcsnet.hpp>

int main() {
  struct cropper {
    static constexpr int base = 64;
  };
  dcs::dcsnet<dcs::resnet<18>, cropper> net;
}
