// An autoscaler that ships, made by its name: for those that plan over another one.
#pragma once

#include "policies/builtin.h"
#include "sim/core/text.h"
#include "sim/policy/policy.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tideline {

/// Passes on what it is asked and told to another autoscaler; who derives from it changes what that plans. The other's round is made
/// in each of this one's where it has rounds, and once where it has none.
class OverAnother : public AutoscalingPolicy, public Observer {
 public:
  /// `interval`: of the rounds, where the other has none. `own_reasons` come after the other's.
  /// Throws std::invalid_argument where the other cannot be made.
  OverAnother(const std::string& name, const param::Value& params, Duration interval, std::span<const std::string_view> own_reasons,
              const Setup& setup)
      : interval_(interval) {
    PolicyRegistry registry;
    add_builtin_policies(registry);
    const PolicyDefinition* definition = registry.find(PolicyKind::autoscaling, name);
    if (definition == nullptr) throw std::invalid_argument("autoscaler: there is no " + in_quotes(name));
    Problems problems;
    const BoundPolicy bound = definition->bind(params, "params", problems);
    if (!problems.empty()) throw std::invalid_argument(problems.list().front().pointer + ": " + problems.list().front().message);
    made_ = bound.make(setup);
    other_ = dynamic_cast<AutoscalingPolicy*>(made_.get());
    observer_ = dynamic_cast<Observer*>(made_.get());
    const auto theirs = other_->reasons();
    names_.assign(theirs.begin(), theirs.end());
    if (names_.empty()) names_.emplace_back("none");
    first_own_ = names_.size();
    names_.insert(names_.end(), own_reasons.begin(), own_reasons.end());
    if (other_->interval() != forever) interval_ = other_->interval();
  }

  Needs needs() const override { return other_->needs(); }
  std::span<const std::string_view> reasons() const override { return names_; }
  Duration interval() const override { return interval_; }
  Time round(ClusterView view) override { return other_->round(view); }
  HeldAnswer on_held(const QueryView& query, VariantId v, std::uint32_t starting, ClusterView view) override {
    return other_->on_held(query, v, starting, view);
  }

  Facts facts() const override { return observer_ == nullptr ? Facts{} : observer_->facts(); }
  void arrived(const QueryView& q, ClusterView view) override {
    if (observer_ != nullptr) observer_->arrived(q, view);
  }
  void visit_began(const QueryView& q, InstanceId i, ClusterView view) override {
    if (observer_ != nullptr) observer_->visit_began(q, i, view);
  }
  void batch_began(InstanceId i, std::uint32_t visits, ClusterView view) override {
    if (observer_ != nullptr) observer_->batch_began(i, visits, view);
  }
  void batch_done(InstanceId i, std::uint32_t visits, Duration took, ClusterView view) override {
    if (observer_ != nullptr) observer_->batch_done(i, visits, took, view);
  }
  void feedback(const Label& label, ClusterView view) override {
    if (observer_ != nullptr) observer_->feedback(label, view);
  }
  void ended(const Ended& end, ClusterView view) override {
    if (observer_ != nullptr) observer_->ended(end, view);
  }
  void voted(const QueryView& q, std::span<const VariantId> answers, std::uint32_t agreed, ClusterView view) override {
    if (observer_ != nullptr) observer_->voted(q, answers, agreed, view);
  }
  void instance_changed(InstanceId i, Phase phase, ClusterView view) override {
    if (observer_ != nullptr) observer_->instance_changed(i, phase, view);
  }

 protected:
  void plan_of_other(ClusterView view, Plan& plan) {
    if (other_->interval() != forever || first_) other_->plan(view, plan);
    first_ = false;
  }
  /// The k-th own reason.
  Reason own_reason(std::size_t k) const { return static_cast<Reason>(first_own_ + k); }

 private:
  Duration interval_;
  std::unique_ptr<Policy> made_;
  AutoscalingPolicy* other_ = nullptr;  // what was made, as what it is
  Observer* observer_ = nullptr;
  std::vector<std::string_view> names_;
  std::size_t first_own_ = 0;
  bool first_ = true;
};

}  // namespace tideline
