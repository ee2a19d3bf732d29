#include "policies/builtin.h"
#include "policies/components/shortest_queues.h"
#include "sim/policy/policy.h"

#include <array>
#include <cstdint>
#include <stdexcept>

namespace tideline {

namespace {

/// The warm instance within reach with the fewest visits travelling to, waiting or in service; ties at random, drawn afresh
/// for each query (a fixed tie-break would herd on an old view); holds where nothing is warm.
/// Source: Winston, "Optimality of the shortest line discipline", J. Appl. Prob. 1977.
///
/// With `slack_choice` any instance with at most one visit more than the least, each as likely as the other: on an old view fewer queries
/// go to the same one. By `work` it is the least time by profile until what is there is done, for instances of different speed. Those
/// that have nothing to do tie; of equally busy ones of a site that of the lowest id is taken, of equally busy ones of several any.
class JoinShortestQueue final : public DispatchPolicy {
 public:
  enum class Length : std::uint8_t { visits, work };
  struct Params {
    Length length = Length::visits;
    bool slack_choice = false;
    static constexpr auto declare() {
      return param::fields(
          param::choice("length", &Params::length, "What a queue has least of: visits, or time by profile until they are done.",
                        {{"visits", Length::visits}, {"work", Length::work}}),
          param::field("slack_choice", &Params::slack_choice, "Any instance with at most one visit more than the least; by visits only."));
    }
  };
  JoinShortestQueue(const Params& params, const Setup& setup)
      : by_work_(params.length == Length::work),
        otherwise_(by_work_ || params.slack_choice),
        longer_by_(params.slack_choice ? 1 : 0),
        stream_(setup.stream) {
    if (by_work_ && params.slack_choice) throw std::invalid_argument("slack_choice counts visits: it does not go with length work");
  }

  Needs needs() const override { return {.indexes = {.by_load = true, .by_free = by_work_}, .writes = {}, .reads = {}}; }
  std::span<const std::string_view> reasons() const override { return names; }

  Dispatch place(const QueryView& query, VariantId variant, ClusterView view) override {
    if (otherwise_) [[unlikely]]
      return place_otherwise(query, variant, view);
    const auto groups = view.groups_of(variant, query.origin());
    std::uint32_t least = ~std::uint32_t{0};
    std::size_t ties = 0;
    for (const GroupId g : groups) {
      const LevelIndex& index = view.group(g).by_load;
      if (index.empty() || index.least_load() > least) continue;
      ties = (index.least_load() < least ? 0 : ties) + index.least().size();
      least = index.least_load();
    }
    if (ties == 0) return Dispatch::hold(nothing_warm);
    if (ties == 1) return Dispatch::to(pick(groups, least, 0, view), shortest);
    const std::uint32_t k = below(stream_, static_cast<std::uint32_t>(ties));
    return Dispatch::to(pick(groups, least, k, view), tie, pick(groups, least, k == 0 ? 1 : 0, view));
  }

 private:
  enum : Reason { shortest, tie, nothing_warm };
  static constexpr std::array<std::string_view, 3> names{"shortest", "tie", "nothing_warm"};

  /// The k-th of all instances with load `least`.
  static InstanceId pick(std::span<const GroupId> groups, std::uint32_t least, std::size_t k, ClusterView view) {
    for (const GroupId g : groups) {
      const LevelIndex& index = view.group(g).by_load;
      if (index.empty() || index.least_load() != least) continue;
      const InstanceSpan here = view.least_loaded(g);
      if (k < here.size()) return here[k];
      k -= here.size();
    }
    return {};
  }

  /// By work, or with slack.
  [[gnu::noinline]] Dispatch place_otherwise(const QueryView& query, VariantId variant, ClusterView view) {
    const auto groups = view.groups_of(variant, query.origin());
    if (by_work_)
      if (const Dispatch busy = least_work(groups, view); busy.instance) return busy;
    const ShortestQueues queues(groups, view, {}, longer_by_);
    if (queues.empty()) return Dispatch::hold(nothing_warm);
    if (queues.size() == 1) return Dispatch::to(queues[0], shortest);
    const std::uint32_t k = below(stream_, static_cast<std::uint32_t>(queues.size()));
    return Dispatch::to(queues[k], tie, queues[k == 0 ? 1 : 0]);
  }

  /// Where all instances have work, or none is warm; nowhere where one has none.
  Dispatch least_work(std::span<const GroupId> groups, ClusterView view) {
    InstanceId best, second;
    Time least = never, next = never;
    std::uint32_t ties = 0;
    for (const GroupId g : groups) {
      const LevelIndex& index = view.group(g).by_load;
      if (index.empty()) continue;
      if (index.least_load() == 0) return Dispatch::hold();
      const InstanceId i = view.earliest_free(g);
      const Time free = view.free_at(i);
      ties = free < least ? 1 : free == least ? ties + 1 : ties;
      if (free < least || (free == least && below(stream_, ties) == 0)) {
        second = best;
        next = least;
        best = i;
        least = free;
      } else if (free < next) {
        second = i;
        next = free;
      }
    }
    if (!best) return Dispatch::hold(nothing_warm);
    return Dispatch::to(best, ties > 1 ? tie : shortest, second);
  }

  bool by_work_, otherwise_;
  std::uint32_t longer_by_;
  Stream stream_;
};

}  // namespace

PolicyDefinition join_shortest_queue() {
  return define<JoinShortestQueue>(
      "join_shortest_queue", "The warm instance with the fewest visits; ties at random.",
      {Provenance::textbook, R"(Winston, "Optimality of the shortest line discipline", Journal of Applied Probability 14(1), 1977)"});
}

}  // namespace tideline
