// An autoscaler that adds to the plan of another.
#pragma once

#include "sim/core/param.h"
#include "sim/policy/policy.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// Has the rounds, the facts and the answers of another autoscaler that ships; its heir changes the plan.
class OverAutoscaler : public AutoscalingPolicy, public Observer {
 public:
  /// `own_reasons` come after those of the other. Throws std::invalid_argument where there is no such autoscaler, or its parameters are
  /// wrong.
  OverAutoscaler(const std::string& autoscaler, const param::Value& params, const Setup& setup,
                 std::initializer_list<std::string_view> own_reasons);

  Needs needs() const override {
    Needs needs = other_->needs();
    needs.writes.wish = true;
    return needs;
  }
  std::span<const std::string_view> reasons() const override { return names_; }
  Time round(ClusterView view) override { return other_->round(view); }
  HeldAnswer on_held(const QueryView& query, VariantId v, std::uint32_t starting, ClusterView view) override {
    return other_->on_held(query, v, starting, view);
  }
  Facts facts() const override { return observer_ == nullptr ? Facts{} : observer_->facts(); }
  void arrived(const QueryView& q, ClusterView view) override { observer_->arrived(q, view); }
  void visit_began(const QueryView& q, InstanceId i, ClusterView view) override { observer_->visit_began(q, i, view); }
  void batch_began(InstanceId i, std::uint32_t visits, ClusterView view) override { observer_->batch_began(i, visits, view); }
  void batch_done(InstanceId i, std::uint32_t visits, Duration took, ClusterView view) override {
    observer_->batch_done(i, visits, took, view);
  }
  void feedback(ClassId c, VariantId v, double realised, ClusterView view) override { observer_->feedback(c, v, realised, view); }
  void instance_changed(InstanceId i, Phase phase, ClusterView view) override { observer_->instance_changed(i, phase, view); }

 protected:
  AutoscalingPolicy& other() { return *other_; }
  /// The number of the heir's k-th reason.
  Reason own_reason(std::size_t k) const { return static_cast<Reason>(first_own_ + k); }

 private:
  std::unique_ptr<Policy> made_;
  AutoscalingPolicy* other_ = nullptr;  // what was made, as what it is
  Observer* observer_ = nullptr;
  std::vector<std::string_view> names_;
  std::size_t first_own_ = 0;
};

}  // namespace tideline
