// What the programs write of losses and measures: the rows of results.csv, the entries of evaluation.json.
#pragma once

#include "run_config.hpp"

#include <dcs/train/loop.hpp>

#include <string>
#include <vector>

namespace programs {

/// The columns of results.csv.
inline std::string results_head() {
  return "epoch,rate,seconds,total,main,levels,edge,consistency,classifier,box,objectness,rpn_box,regions,val_total,val_main,val_levels,val_edge,"
         "val_consistency,val_classifier,val_box,val_objectness,val_rpn_box,dice,iou,precision,hd95,missed";
}
/// A row's values behind epoch, rate and seconds.
inline std::vector<double> result_values(const dcs::step_losses& t, const dcs::step_losses& v, const dcs::mean_metrics& m) {
  return {t.total,       t.main,
          t.levels,      t.edge,
          t.consistency, t.classifier,
          t.box,         t.objectness,
          t.rpn_box,     static_cast<double>(t.regions),
          v.total,       v.main,
          v.levels,      v.edge,
          v.consistency, v.classifier,
          v.box,         v.objectness,
          v.rpn_box,     m.dice,
          m.iou,         m.precision,
          m.hd95,        static_cast<double>(m.missed)};
}

inline json to_json(const dcs::segmentation_metrics& m) {
  return {{"dice", m.dice}, {"iou", m.iou}, {"precision", m.precision}, {"hd95", m.hd95}, {"missed", m.missed}};
}
inline json to_json(const dcs::mean_metrics& m) {
  return {{"dice", m.dice}, {"iou", m.iou}, {"precision", m.precision}, {"hd95", m.hd95}, {"missed", m.missed}, {"images", m.images}};
}

}  // namespace programs
