// Makes a policy as the program does: parameters bound, then constructed.
#pragma once

#include "sim/policy/registry.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

namespace tideline::test {

template <class Kind>
class Made {
 public:
  explicit Made(std::unique_ptr<Policy> policy) : policy_(std::move(policy)), kind_(dynamic_cast<Kind*>(policy_.get())) {}
  Kind* operator->() const { return kind_; }
  /// The name of a reason that it gave.
  std::string_view why(Reason reason) const {
    const auto names = policy_->reasons();
    return reason < names.size() ? names[reason] : std::string_view("?");
  }

 private:
  std::unique_ptr<Policy> policy_;
  Kind* kind_;
};

template <class Kind>
Made<Kind> make_policy(const PolicyDefinition& definition, const Setup& setup, const param::Object& params = {}) {
  Problems problems;
  const BoundPolicy bound = definition.bind(params, "", problems);
  EXPECT_TRUE(problems.empty()) << "the parameters of " << definition.name;
  return Made<Kind>(bound.make(setup));
}

}  // namespace tideline::test
