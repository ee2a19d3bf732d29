#include "policies/builtin.h"
#include "policies/components/group_count.h"
#include "policies/components/group_windows.h"
#include "policies/components/over_another.h"
#include "sim/core/text.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

namespace {

/// Holds at least as many instances as a schedule says, over any other autoscaler: the maximum of both.
/// Source: ours in this form; scheduled scaling as in AWS Application Auto Scaling.
///
/// An entry holds from its time of day, or from a time of one day, until the next of its variant and site; each day begins with
/// what held before. Where several entries begin at once, the last of the list holds. Rounds are those of the other autoscaler, and an
/// entry takes effect in the first round that is not before its time. What the other leaves alone, and the schedule does not
/// change, is left alone.
class Scheduled final : public OverAnother {
 public:
  struct Params {
    std::vector<std::string> schedule;
    std::string autoscaler = "fixed";
    param::Value params;
    Duration interval = 60s;
    static constexpr auto declare() {
      return param::fields(
          param::field(
              "schedule", &Params::schedule,
              "Entries \"HH:MM[:SS] variant@site=N\" of every day, or of one, such as \"0d HH:MM[:SS] variant@site=N\" of the first.",
              param::required),
          param::field("autoscaler", &Params::autoscaler, "The autoscaler that ships whose plan this one is over."),
          param::field("params", &Params::params, "Its parameters."),
          param::field("interval_s", &Params::interval, "Time between two rounds, where the other has none.", {0.001, 86400}));
    }
  };

  /// Throws std::invalid_argument where an entry or the other autoscaler is wrong.
  Scheduled(const Params& params, const Setup& setup) : OverAnother(params.autoscaler, params.params, params.interval, own_reasons, setup) {
    for (const std::string& text : params.schedule) add(text, *setup.world);
    scheduled_.resize(setup.world->groups().size());
    listed_.resize(scheduled_.size());
    for (const Entry& e : entries_) listed_[e.what.group.index()] = 1;
  }

  Needs needs() const override {
    Needs needs = OverAnother::needs();
    needs.writes.wish = true;
    return needs;
  }

  void plan(ClusterView view, Plan& plan) override {
    plan_of_other(view, plan);
    for (std::size_t k = 0; k < listed_.size(); ++k) {
      if (listed_[k] == 0) continue;
      const GroupId g{k};
      const std::uint32_t n = in_force(g, view.now()), before = scheduled_[k];
      scheduled_[k] = n;
      const auto planned = std::find_if(plan.wishes.begin(), plan.wishes.end(), [&](const Plan::Wish& w) { return w.group == g; });
      const Reason reason = own_reason(0);
      if (planned != plan.wishes.end()) {
        if (planned->instances < n) *planned = {g, n, reason};
      } else if (n != before || instances_in_use(view.group(g)) < n) {
        plan.wishes.push_back({g, n, reason});
      }
    }
  }

 private:
  struct Entry {
    GroupCount what;
    std::int64_t day = every_day;
    Duration at{};  // of its day
  };
  static constexpr std::int64_t every_day = -1;

  void add(const std::string& text, const World& world) {
    const auto wrong = [&] {
      return std::invalid_argument("schedule: " + in_quotes(text) +
                                   ": expected \"HH:MM[:SS] variant@site=N\", after the number of a day and \"d \" where it is of one");
    };
    std::string_view rest = text;
    const auto number = [&](char after, bool may_end, std::int64_t most) {
      std::int64_t n = 0;
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), n);
      if (error != std::errc{} || n < 0 || n > most || end == rest.data() + rest.size()) throw wrong();
      rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
      const bool goes_on = rest.front() == after;
      if (!goes_on && !(may_end && rest.front() == ' ')) throw wrong();
      rest.remove_prefix(1);
      return std::pair{n, goes_on};
    };
    Entry e;
    if (const std::size_t space = rest.find(' '); space != std::string_view::npos && space > 0 && rest[space - 1] == 'd') {
      e.day = number('d', false, 1'000'000).first;
      if (rest.empty() || rest.front() != ' ') throw wrong();
      rest.remove_prefix(1);
    }
    e.at = number(':', false, 23).first * 1h;
    const auto [minutes, has_seconds] = number(':', true, 59);
    e.at += minutes * 1min;
    if (has_seconds) e.at += number(' ', true, 59).first * 1s;
    e.what = group_count(rest, world, "schedule");
    entries_.push_back(e);
  }

  std::uint32_t in_force(GroupId g, Time now) const {
    const std::int64_t day = now.time_since_epoch() / 24h;
    std::uint32_t n = 0;
    Time latest = Time::min();
    for (const Entry& e : entries_) {
      if (e.what.group != g) continue;
      Time began = Time{} + (e.day == every_day ? day : e.day) * Duration{24h} + e.at;
      if (e.day == every_day && began > now) began -= 24h;
      if (began > now || began < latest) continue;
      latest = began;
      n = e.what.instances;
    }
    return n;
  }

  static constexpr std::array<std::string_view, 1> own_reasons{"scheduled"};

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> scheduled_;  // by group, in the last round
  std::vector<char> listed_;              // by group: some entry names it
};

}  // namespace

PolicyDefinition scheduled() {
  return define<Scheduled>("scheduled", "At least as many instances as a schedule says, over another autoscaler.",
                           {Provenance::ours, R"(AWS Application Auto Scaling documentation, "Scheduled scaling")"});
}

}  // namespace tideline
