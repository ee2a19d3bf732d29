// Lists of variants that policies make before the run: from the names in a scenario, and for each class at each site.
#pragma once

#include "sim/policy/view.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tideline {

/// The variant of that name; throws std::invalid_argument where there is none, or none that the cluster can run.
VariantId variant_named(const World& world, const std::string& name);

/// The variants of these names in their order, by task; throws also where a name is there twice.
std::vector<std::vector<VariantId>> variants_by_task(const World& world, const std::vector<std::string>& names);

/// A list of variants for each class and site of origin.
class VariantLists {
 public:
  /// `fill(cls, origin, list)` puts the variants of a class for queries from a site into the empty list.
  template <class Fill>
  VariantLists(const World& world, Fill fill) : sites_(world.site_count()) {
    std::vector<VariantId> list;
    for (std::size_t c = 0; c < world.classes().size(); ++c) {
      for (std::size_t s = 0; s < sites_; ++s) {
        list.clear();
        fill(ClassId{c}, SiteId{s}, list);
        first_.push_back(variants_.size());
        variants_.insert(variants_.end(), list.begin(), list.end());
      }
    }
    first_.push_back(variants_.size());
  }

  std::span<const VariantId> of(ClassId cls, SiteId origin) const {
    const std::size_t k = cls.index() * sites_ + origin.index();
    return std::span(variants_).subspan(first_[k], first_[k + 1] - first_[k]);
  }

 private:
  std::size_t sites_;
  std::vector<std::size_t> first_;  // by class and site; one more
  std::vector<VariantId> variants_;
};

/// Members of an ensemble for each class and site, those that the site can reach: the named variants of the class's task, or where no names are
/// given its candidates, the most accurate 16. Throws std::invalid_argument where more than 16 of a task are named, and, if their answers are
/// put to a vote, where those of a task that they are for have scores; `instead` then says what would do.
VariantLists ensemble_members(const World& world, const std::vector<std::string>& names, bool vote, const std::string& instead);

}  // namespace tideline
