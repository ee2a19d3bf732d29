#include "policies/builtin.h"

#include <array>

namespace tideline {

namespace {

/// At most so many queries of a task in flight, those in service included (policy AC1): with one instance the queue M/M/1/K, with
/// as many instances as the limit Erlang's loss system.
class BoundedInFlight final : public AdmissionPolicy {
 public:
  struct Params {
    std::uint32_t limit = 1;
    static constexpr auto declare() {
      return param::fields(
          param::field("limit", &Params::limit, "Most queries of a task in flight, those in service included.", {1, 4e9}, param::required));
    }
  };
  BoundedInFlight(const Params& params, const Setup&) : limit_(params.limit) {}

  std::span<const std::string_view> reasons() const override {
    static constexpr std::array<std::string_view, 2> names{"admitted", "full"};
    return names;
  }

  Admission admit(const QueryView& query, ClusterView view) override {
    // The query that asks is counted already.
    if (view.in_flight(query.task()) <= limit_) return {};
    return {false, 1};
  }

 private:
  std::uint32_t limit_;
};

}  // namespace

PolicyDefinition bounded_in_flight() {
  return define<BoundedInFlight>("bounded_in_flight", "Admits a query if at most a given number of its task are then in flight.",
                                 {Provenance::textbook, R"(Kleinrock, "Queueing systems, volume 1: theory", Wiley 1975)"});
}

}  // namespace tideline
