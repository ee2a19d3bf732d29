#include "src/perturb.h"

#include "sim/core/normal.h"
#include "sim/core/random.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace tideline {

namespace {

double standard_normal(std::uint64_t draw, std::string_view what, std::string_view name) {
  Stream stream(hash(hash(draw, hash(what)), hash(name)));
  return normal_quantile(std::clamp(uniform01(stream), 1e-12, 1 - 1e-12));
}

}  // namespace

void perturb(Catalog& catalog, std::uint64_t draw, const ProfileSpread& spread) {
  const auto factor = [&](double sd, std::string_view what, std::string_view name) {
    return std::exp(sd * standard_normal(draw, what, name));
  };
  for (Variant& v : catalog.variants) {
    const double latency = factor(spread.hardware, "hardware", catalog[v.hardware].name) * factor(spread.variant, "variant", v.name);
    std::vector<std::vector<Duration>> tables;
    for (std::uint32_t o = 0; o < v.profile.cores().size(); ++o) {
      auto& table = tables.emplace_back(v.profile.max_items() + 1);
      for (std::uint32_t b = 1; b <= v.profile.max_items(); ++b) table[b] = std::max(Duration{1}, scaled(v.profile.latency(b, o), latency));
    }
    v.profile = Profile(v.profile.cores(), std::move(tables));
    const double load = factor(spread.load, "load", v.name);
    v.load.build = scaled(v.load.build, load);
    v.load.runtime_init = scaled(v.load.runtime_init, load);
    v.load.first_run = scaled(v.load.first_run, load);
    if (v.accuracy > 0 && v.accuracy < 1) {
      const double logit = std::log(v.accuracy / (1 - v.accuracy)) + spread.accuracy * standard_normal(draw, "accuracy", v.name);
      v.accuracy = 1 / (1 + std::exp(-logit));
    }
  }
  catalog.complete();
}

}  // namespace tideline
