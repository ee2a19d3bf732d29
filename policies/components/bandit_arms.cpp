#include "policies/components/bandit_arms.h"

#include <Eigen/Dense>

namespace tideline {

namespace {

constexpr int arm_dimensions = static_cast<int>(LinearArms::dimensions);
using ArmVector = Eigen::Matrix<double, arm_dimensions, 1>;
using ArmMatrix = Eigen::Matrix<double, arm_dimensions, arm_dimensions>;

}  // namespace

LinearArms::Estimate LinearArms::at(std::size_t arm, const Context& context) const {
  const Arm& k = arms_[arm];
  const Eigen::Map<const ArmVector> x(context.data()), theta(k.theta.data());
  const Eigen::Map<const ArmMatrix> inverse(k.inverse.data());
  return {theta.dot(x), std::sqrt(std::max(0.0, x.dot(inverse * x)))};
}

void LinearArms::learn(std::size_t arm, const Context& context, double reward) {
  Arm& k = arms_[arm];
  const Eigen::Map<const ArmVector> x(context.data());
  Eigen::Map<ArmMatrix> a(k.a.data()), inverse(k.inverse.data());
  Eigen::Map<ArmVector> b(k.b.data()), theta(k.theta.data());
  a = discount_ * a + x * x.transpose() + (1 - discount_) * ArmMatrix::Identity();
  b = discount_ * b + reward * x;
  const ArmVector seen = inverse * x;
  if (discount_ < 1)
    inverse = a.inverse();
  else
    inverse -= seen * seen.transpose() / (1 + x.dot(seen));  // Sherman and Morrison
  theta = inverse * b;
}

}  // namespace tideline
