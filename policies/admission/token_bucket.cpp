#include "policies/builtin.h"
#include "sim/policy/policy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace tideline {

namespace {

/// Each tenant has a bucket of tokens that fills at a constant rate up to a bound; a query takes one token or is rejected. A bucket
/// starts full. Each controller has buckets of its own.
/// Source: token bucket, Turner, "New directions in communications, or which way to the information age?", IEEE Communications
/// Magazine 24(10), 1986 (as a leaky bucket with a counter); ITU-T I.371 defines the same conformance.
class TokenBucket final : public AdmissionPolicy {
 public:
  struct Params {
    double rate = 1;
    double burst = 1;
    static constexpr auto declare() {
      return param::fields(param::field("rate_qps", &Params::rate, "Tokens per second of each tenant.", {1e-9, 1e12}, param::required),
                           param::field("burst", &Params::burst, "Most tokens that a tenant can save up.", {1, 1e12}, param::required));
    }
  };
  TokenBucket(const Params& params, const Setup&) : params_(params), buckets_(most_tenants, {params.burst, Time{}}) {}

  std::span<const std::string_view> reasons() const override { return names; }

  Admission admit(const QueryView& query, ClusterView view) override {
    Bucket& b = buckets_[query.tenant()];
    b.tokens = std::min(params_.burst, b.tokens + params_.rate * to_seconds(view.now() - b.at));
    b.at = view.now();
    if (b.tokens < 1 - rounding) return {false, no_token};
    b.tokens = std::max(0.0, b.tokens - 1);
    return {true, admitted};
  }

 private:
  enum : Reason { admitted, no_token };
  static constexpr std::array<std::string_view, 2> names{"admitted", "no_token"};
  /// Parts of a token that were added one by one make a whole one.
  static constexpr double rounding = 1e-9;
  static constexpr std::size_t most_tenants = std::size_t{1} << 16;
  static_assert(sizeof(Visit::tenant) == 2);

  struct Bucket {
    double tokens = 0;
    Time at{};
  };

  Params params_;
  std::vector<Bucket> buckets_;  // by tenant
};

}  // namespace

PolicyDefinition token_bucket() {
  return define<TokenBucket>(
      "token_bucket", "Admits a query of a tenant if a token is left in its bucket.",
      {Provenance::textbook,
       R"(Turner, "New directions in communications, or which way to the information age?", IEEE Communications Magazine 24(10), 1986, doi:10.1109/MCOM.1986.1092946)"});
}

}  // namespace tideline
