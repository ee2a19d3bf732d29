// The list of policies by kind and name, and how one is made from its parameters.
#pragma once

#include "sim/core/param.h"
#include "sim/policy/policy.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tideline {

/// A policy chosen and its parameters bound: ready to be made, once per controller.
struct BoundPolicy {
  std::string name;
  param::Value effective;  ///< its parameters, defaults included
  std::function<std::unique_ptr<Policy>(const Setup&)> make;
};

/// How near a policy is to its source.
enum class Provenance : std::uint8_t {
  unstated,
  as_published,
  as_released,  ///< as in the released code, where that differs from the paper or says more
  our_reading,  ///< the source leaves something open, or something of it is left out: the comment above the class says what
  textbook,     ///< a baseline that many describe
  ours          ///< no source has it: the nearest is cited
};
std::string_view to_string(Provenance provenance);

/// Where a policy comes from. The built-in ones all say it.
struct PolicySource {
  Provenance provenance = Provenance::unstated;
  std::string citation;  ///< authors, "title", venue and year, and the DOI where there is one
};

/// One entry of the list.
struct PolicyDefinition {
  std::string name;
  std::vector<PolicyKind> kinds;  ///< one, or several for a joint policy
  std::string help;               ///< one sentence
  PolicySource source;
  bool is_default = false;  ///< of its kind, where a scenario names none
  std::function<std::vector<param::FieldInfo>()> parameters;
  /// Binds parameters; adds to `problems` with pointers below `pointer`.
  std::function<BoundPolicy(const param::Value&, std::string_view pointer, Problems&)> bind;

  bool has(PolicyKind kind) const;
};

enum class DefaultPolicy : bool { no, yes };

/// Declares policy `P`: it has a `Params` struct (param.h) and a constructor `P(const Params&, const Setup&)`. Its kinds are
/// the interfaces it implements.
template <class P>
PolicyDefinition define(std::string name, std::string help, PolicySource source = {}, DefaultPolicy is_default = DefaultPolicy::no) {
  PolicyDefinition d;
  d.name = name;
  d.help = std::move(help);
  d.source = std::move(source);
  d.is_default = is_default == DefaultPolicy::yes;
  const auto add = [&]<class Kind>(std::type_identity<Kind>) {
    if constexpr (std::is_base_of_v<Kind, P>) d.kinds.push_back(Kind::kind);
  };
  add(std::type_identity<AdmissionPolicy>{});
  add(std::type_identity<SelectionPolicy>{});
  add(std::type_identity<DispatchPolicy>{});
  add(std::type_identity<SharingPolicy>{});
  add(std::type_identity<BatchingPolicy>{});
  add(std::type_identity<AutoscalingPolicy>{});
  add(std::type_identity<PlacementPolicy>{});
  add(std::type_identity<ColdstartPolicy>{});
  add(std::type_identity<EvictionPolicy>{});
  d.parameters = [] { return param::describe<typename P::Params>(); };
  d.bind = [name](const param::Value& value, std::string_view pointer, Problems& problems) {
    const auto params = param::bind<typename P::Params>(value, pointer, problems);
    return BoundPolicy{name, param::effective(params),
                       [params](const Setup& setup) -> std::unique_ptr<Policy> { return std::make_unique<P>(params, setup); }};
  };
  return d;
}

/// Parameters of a policy that has none.
struct NoParams {
  static constexpr auto declare() { return param::fields(); }
};

class PolicyRegistry {
 public:
  /// Throws std::logic_error if a policy of that name is already there, or if it has no kind.
  void add(PolicyDefinition definition);
  const std::vector<PolicyDefinition>& list() const { return list_; }
  /// The policy of that name and kind, or null.
  const PolicyDefinition* find(PolicyKind kind, std::string_view name) const;
  const PolicyDefinition* find(std::string_view name) const;
  /// The default of a kind; there is one for each kind once the built-in policies are added.
  const PolicyDefinition* default_of(PolicyKind kind) const;
  std::vector<std::string_view> names(PolicyKind kind) const;

 private:
  std::vector<PolicyDefinition> list_;
};

}  // namespace tideline
