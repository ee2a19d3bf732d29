#include "policies/builtin.h"
#include "policies/components/group_count.h"
#include "policies/components/weighted_routes.h"
#include "sim/core/text.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tideline {

namespace {

/// Sends fixed shares of each task's queries to variants and sites, such as a tenth to a new variant: canary or proportional routing
/// (policy D10).
/// Source: weighted traffic splitting, as in Istio's virtual services and Knative's revisions; the routing rule of Proteus, doi:10.1145/3617232.3624849, whose planned shares `accuracy_scaling` draws by itself.
///
/// The variant is drawn by the shares of the groups that are listed, over all of those that the class may be answered by and that the
/// query's site reaches; then, at dispatch, the site by the variant's own, and one of its instances. A class that may use none of what is
/// listed is rejected.
class Proportional final : public SelectionPolicy, public DispatchPolicy {
  static bool is_there(GroupId g, ClusterView view) { return view.warm(g) + view.starting(g) > 0; }
  auto reached_from(const QueryView& query, ClusterView view) const {
    return [from = query.origin(), view](GroupId g, VariantId) { return view.route(from, view.world()[g].site).reachable; };
  }
  auto present(const QueryView& query, ClusterView view) const {
    return [reached = reached_from(query, view), view](GroupId g, VariantId v) { return is_there(g, view) && reached(g, v); };
  }

 public:
  enum class Absent : std::uint8_t { renormalise, wait, reject };
  struct Params {
    std::vector<std::string> shares;
    Absent on_absent = Absent::renormalise;
    static constexpr auto declare() {
      return param::fields(
          param::field("shares", &Params::shares, "Entries \"variant@site=SHARE\"; shares of a task are over their sum, whatever that is.",
                       param::required),
          param::choice("on_absent", &Params::on_absent,
                        "Where what was drawn has no instance, not even one on its way: draw among what has one, wait for one, or reject.",
                        {{"renormalise", Absent::renormalise}, {"wait", Absent::wait}, {"reject", Absent::reject}}));
    }
  };

  /// Throws std::invalid_argument where a share is not as it says, or a group is there twice.
  Proportional(const Params& params, const Setup& setup) : params_(params), stream_(setup.stream), routes_(setup.world->classes().size()) {
    const World& world = *setup.world;
    std::vector<GroupId> seen;
    for (const std::string& text : params.shares) {
      const GroupShare s = group_share(text, world, "shares");
      if (std::find(seen.begin(), seen.end(), s.group) != seen.end())
        throw std::invalid_argument("shares: " + in_quotes(text) + ": the variant is there twice for this site");
      seen.push_back(s.group);
      for (std::size_t c = 0; c < world.classes().size(); ++c)
        if (const VariantId v = world[s.group].variant; world.is_candidate(ClassId{c}, v)) routes_.add(ClassId{c}, {s.group, v, s.share});
    }
  }

  std::span<const std::string_view> reasons() const override { return names; }

  Selection select(const QueryView& query, ClusterView view) override {
    const GroupId g = routes_.draw(query.class_id(), stream_, reached_from(query, view));
    if (!g) return Selection::reject(not_listed);
    if (is_there(g, view)) return Selection::one(view.world()[g].variant, drawn);
    if (params_.on_absent == Absent::reject) return Selection::reject(absent);
    if (params_.on_absent == Absent::renormalise)
      if (const GroupId other = routes_.draw(query.class_id(), stream_, present(query, view)))
        return Selection::one(view.world()[other].variant, redrawn);
    return Selection::one(view.world()[g].variant, absent);
  }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    const GroupId g = routes_.draw(query.class_id(), variant, stream_, present(query, view));
    if (g)
      if (const InstanceId i = draw_instance(view, g, stream_, true)) return Dispatch::to(i, drawn);
    return Dispatch::hold(absent);
  }

 private:
  enum : Reason { drawn, redrawn, absent, not_listed };
  static constexpr std::array<std::string_view, 4> names{"drawn", "redrawn", "absent", "not_listed"};

  Params params_;
  Stream stream_;
  WeightedRoutes routes_;
};

}  // namespace

PolicyDefinition proportional() {
  return define<Proportional>(
      "proportional", "Sends given shares of each task's queries to variants and sites.",
      {Provenance::textbook,
       R"(Ahmad et al., "Proteus: a high-throughput inference-serving system with accuracy scaling", ASPLOS 2024, doi:10.1145/3617232.3624849)"});
}

}  // namespace tideline
