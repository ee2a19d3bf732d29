// Typed indexes of entities.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace tideline {

/// A dense 32-bit slot index of one kind of entity. The default value is *none* and is false.
template <class Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(std::size_t index) : value_(static_cast<std::uint32_t>(index)) {}
  constexpr explicit operator bool() const { return value_ != none_; }
  constexpr std::uint32_t index() const { return value_; }
  friend constexpr auto operator<=>(Id, Id) = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 takes its implied 0 for a pointer

 private:
  static constexpr std::uint32_t none_ = ~std::uint32_t{0};
  std::uint32_t value_ = none_;
};

using TaskId = Id<struct TaskTag>;
using VariantId = Id<struct VariantTag>;
using HardwareId = Id<struct HardwareTag>;
using SiteId = Id<struct SiteTag>;
using PoolId = Id<struct PoolTag>;
using NodeId = Id<struct NodeTag>;
using DeviceId = Id<struct DeviceTag>;
using GroupId = Id<struct GroupTag>;
using InstanceId = Id<struct InstanceTag>;
using ClassId = Id<struct ClassTag>;
using VisitId = Id<struct VisitTag>;
using GatheringId = Id<struct GatheringTag>;
using LineId = Id<struct LineTag>;
using ControllerId = Id<struct ControllerTag>;

}  // namespace tideline
