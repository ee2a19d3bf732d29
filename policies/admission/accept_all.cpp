#include "policies/builtin.h"

namespace tideline {

namespace {

/// Every query enters: no admission control (policy AC0).
class AcceptAll final : public AdmissionPolicy {
 public:
  using Params = NoParams;
  AcceptAll(const Params&, const Setup&) {}
  Admission admit(const QueryView&, ClusterView) override { return {}; }
  bool may_refuse() const override { return false; }
};

}  // namespace

PolicyDefinition accept_all() {
  return define<AcceptAll>("accept_all", "Admits every query.",
                           {Provenance::textbook, R"(Kleinrock, "Queueing systems, volume 1: theory", Wiley 1975)"}, DefaultPolicy::yes);
}

}  // namespace tideline
