#include "policies/builtin.h"
#include "policies/components/latency.h"
#include "policies/components/residents.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// The instance whose next use is predicted to be farthest away, over what loading it again takes (policy E11). Our reading of predictive
/// replacement: Belady's rule by a prediction, as in Kharbutli and Solihin, "Counter-based cache replacement and bypassing algorithms", IEEE
/// Transactions on Computers 57(4), 2008, by times in place of counts; histograms of idle times after Shahrad et al., ATC 2020.
///
/// Uses are batches of the variant at the site, also of instances that are gone. `mean`: the next comes one mean gap after the last, or, where
/// that is over, one mean gap from now. `histogram`: the mean of what is left of those past gaps that were longer than the present one, in
/// bins that grow by a quarter; where none was, by the mean. A variant that was used less than twice is not expected again.
class PredictedUse final : public EvictionPolicy, public Observer {
 public:
  enum class Method : std::uint8_t { mean, histogram };
  enum class Weight : std::uint8_t { none, cost };
  struct Params {
    Method method = Method::histogram;
    Weight weight = Weight::cost;
    static constexpr auto declare() {
      return param::fields(param::choice("method", &Params::method, "How the next use is predicted.",
                                         {{"mean", Method::mean}, {"histogram", Method::histogram}}),
                           param::choice("weight", &Params::weight, "What the time until then is divided by.",
                                         {{"none", Weight::none}, {"cost", Weight::cost}}));
    }
  };
  PredictedUse(const Params& params, const Setup& setup) : params_(params), uses_(setup.world->groups().size()) {
    for (std::size_t v = 0; v < setup.world->catalog().variants.size(); ++v) reload_s_.push_back(reload_time_s(*setup.world, VariantId{v}));
  }

  std::span<const std::string_view> reasons() const override { return names; }
  Facts facts() const override { return {.batch_starts = true}; }

  Victim choose(DeviceId, std::span<const InstanceId> idle, std::int64_t, ClusterView view) override {
    return {least_of(idle, view,
                     [&](InstanceId i) {
                       const GroupId g = view.instance(i).group;
                       const double cost = params_.weight == Weight::cost ? std::max(reload_s_[view.world()[g].variant.index()], 1e-9) : 1;
                       return -until_next(uses_[g.index()], view.now()) / cost;
                     }),
            farthest};
  }

  void batch_began(InstanceId i, std::uint32_t, ClusterView view) override {
    Uses& u = uses_[view.instance(i).group.index()];
    if (u.any) {
      const double gap = to_seconds(view.now() - u.last);
      u.sum += gap;
      ++u.gaps;
      ++u.histogram[bin(gap)];
      u.sums[bin(gap)] += gap;
    }
    u.any = true;
    u.last = view.now();
  }

 private:
  enum : Reason { farthest };
  static constexpr std::array<std::string_view, 1> names{"farthest"};
  static constexpr std::size_t bins = 112;  // from 1 ms to 800 days
  static constexpr double least = 1e-3, growth = 1.25;

  struct Uses {
    bool any = false;
    Time last{};
    std::uint64_t gaps = 0;
    double sum = 0;
    std::array<std::uint32_t, bins> histogram{};
    std::array<double, bins> sums{};
  };

  static std::size_t bin(double gap) {
    if (gap < least) return 0;
    return std::min(bins - 1, 1 + static_cast<std::size_t>(std::log(gap / least) / std::log(growth)));
  }

  double until_next(const Uses& u, Time now) const {
    if (u.gaps == 0) return HUGE_VAL;
    const double mean = u.sum / static_cast<double>(u.gaps), gone = to_seconds(now - u.last);
    if (params_.method == Method::histogram) {
      double n = 0, sum = 0;
      for (std::size_t k = bin(gone) + 1; k < bins; ++k) {
        n += u.histogram[k];
        sum += u.sums[k];
      }
      // Gaps of its own bin count where their mean is longer.
      const std::size_t own = bin(gone);
      if (u.histogram[own] > 0 && u.sums[own] / u.histogram[own] > gone) {
        n += u.histogram[own];
        sum += u.sums[own];
      }
      if (n > 0) return sum / n - gone;
    }
    return mean > gone ? mean - gone : mean;
  }

  Params params_;
  std::vector<Uses> uses_;        // by group
  std::vector<double> reload_s_;  // by variant
};

}  // namespace

PolicyDefinition predicted_use() {
  return define<PredictedUse>(
      "predicted_use", "The instance whose next use is predicted to be farthest away, over its load time.",
      {Provenance::our_reading,
       R"(Kharbutli and Solihin, "Counter-based cache replacement and bypassing algorithms", IEEE Transactions on Computers 57(4), 2008, doi:10.1109/TC.2007.70816)"});
}

}  // namespace tideline
