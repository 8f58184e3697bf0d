// expect: dcs::faster_rcnn: a backbone has channels of C2 to C5 and a call
#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/models/dcsnet/stages.hpp>

int main() {
  struct backbone {
    static constexpr int channels[] = {1, 2, 3, 4};
  };
  dcs::faster_rcnn<backbone, 32, dcs::models::dcsnet::stages> detector;
}
