// Suppression of later boxes by one; see nms.hpp.
namespace dcs::DCS_ISA {

// suppressed[j] = 1 for j in [begin, n) where IoU(box i, box j) > threshold. Boxes are columns x1, y1, x2, y2, area; one class at a time where `group` is given.
template <class T>
DCS_TARGET void suppress(const T* const* box, const std::int64_t* group, std::int64_t i, std::int64_t n, T threshold, unsigned char* suppressed) {
  const T x1 = box[0][i], y1 = box[1][i], x2 = box[2][i], y2 = box[3][i], area = box[4][i];
  std::int64_t j = i + 1;
  for (; j + lanes<T> <= n; j += lanes<T>) {
    const vec<T> w = min<T>(load(box[2] + j), broadcast(x2)) - max<T>(load(box[0] + j), broadcast(x1));
    const vec<T> h = min<T>(load(box[3] + j), broadcast(y2)) - max<T>(load(box[1] + j), broadcast(y1));
    const vec<T> inner = max<T>(w, vec<T>{}) * max<T>(h, vec<T>{});
    const vec<T> over = inner / (load(box[4] + j) + area - inner);
    const auto hit = over > broadcast(threshold);
    for (int k = 0; k < lanes<T>; ++k) suppressed[j + k] = static_cast<unsigned char>(suppressed[j + k] | (hit[k] && (!group || group[j + k] == group[i])));
  }
  for (; j < n; ++j) {
    const T w = std::max(T(0), std::min(box[2][j], x2) - std::max(box[0][j], x1)), h = std::max(T(0), std::min(box[3][j], y2) - std::max(box[1][j], y1));
    const T inner = w * h;
    if (inner / (box[4][j] + area - inner) > threshold && (!group || group[j] == group[i])) suppressed[j] = 1;
  }
}

}  // namespace dcs::DCS_ISA
