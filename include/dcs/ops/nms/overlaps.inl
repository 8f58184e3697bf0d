// Suppression of later boxes by one; see nms.hpp.
namespace dcs::DCS_ISA {

// suppressed[j] becomes -1 for j in [i + 1, n) where IoU(box i, box j) > bound. Boxes are columns x1, y1, x2, y2, area; `group` may be null. Columns
// are padded to whole vectors.
template <class T>
DCS_TARGET void suppress(const T* const* box, const cpu::mask_of<T>* group, std::int64_t i, std::int64_t n, T bound, cpu::mask_of<T>* suppressed) {
  using M = cpu::mask_of<T>;
  const vec<T> x1 = broadcast(box[0][i]), y1 = broadcast(box[1][i]), x2 = broadcast(box[2][i]), y2 = broadcast(box[3][i]), none{};
  const T area = box[4][i];
  // Whole vectors, beginning with the one that contains box i. Marks that this sets at or before i have no effect, as those boxes are decided.
  for (std::int64_t j = i / lanes<T> * lanes<T>; j < n; j += lanes<T>) {
    const vec<T> w = max<T>(min<T>(load(box[2] + j), x2) - max<T>(load(box[0] + j), x1), none);
    const vec<T> h = max<T>(min<T>(load(box[3] + j), y2) - max<T>(load(box[1] + j), y1), none);
    const vec<T> inner = w * h, iou = inner / (load(box[4] + j) + area - inner);
    vec<M> hit = iou > broadcast(bound);
    if (group) hit &= load(group + j) == broadcast(group[i]);
    store(suppressed + j, load(suppressed + j) | hit);
  }
}

}  // namespace dcs::DCS_ISA
