#include "policies/components/over_autoscaler.h"

#include "policies/builtin.h"
#include "sim/core/text.h"

#include <stdexcept>

namespace tideline {

OverAutoscaler::OverAutoscaler(const std::string& autoscaler, const param::Value& params, const Setup& setup,
                               std::initializer_list<std::string_view> own_reasons) {
  PolicyRegistry registry;
  add_builtin_policies(registry);
  const PolicyDefinition* definition = registry.find(PolicyKind::autoscaling, autoscaler);
  if (definition == nullptr) throw std::invalid_argument("autoscaler: there is no " + in_quotes(autoscaler));
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
}

}  // namespace tideline
