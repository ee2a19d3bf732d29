// A named law (sim/core/law.h) as files say it: of service and load times in catalogs, of jitter in scenarios.
#pragma once

#include "sim/core/law.h"
#include "sim/core/param.h"
#include "sim/core/problem.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tideline {

struct LawParams {
  LawKind law = LawKind::deterministic;
  std::optional<double> cv2;
  std::optional<std::uint32_t> k;
  param::Value points;
  static constexpr auto declare() {
    return param::fields(
        param::choice("law", &LawParams::law, "Law of a factor with mean 1.",
                      {{"deterministic", LawKind::deterministic},
                       {"exponential", LawKind::exponential},
                       {"erlang", LawKind::erlang},
                       {"gamma", LawKind::gamma},
                       {"lognormal", LawKind::lognormal},
                       {"hyperexponential", LawKind::hyperexponential},
                       {"quantiles", LawKind::quantiles}}),
        param::field("cv2", &LawParams::cv2,
                     "Squared coefficient of variation: of gamma and lognormal (above 0) and hyperexponential (at least 1).", {0, 10000}),
        param::field("k", &LawParams::k, "Phases of erlang.", {1, 1000}),
        param::field("points", &LawParams::points,
                     "Of quantiles: [probability, factor] pairs from probability 0 to 1; scaled so that the mean is 1."));
  }
};

/// Whether a law takes the parameter `key` of LawParams.
constexpr bool law_takes(LawKind law, std::string_view key) {
  if (key == "cv2") return law == LawKind::gamma || law == LawKind::lognormal || law == LawKind::hyperexponential;
  if (key == "k") return law == LawKind::erlang;
  return key == "points" && law == LawKind::quantiles;
}

/// The law that `p`, at `pointer`, names; deterministic, and problems, where its parameters are wrong.
Law read_law(const LawParams& p, const std::string& pointer, Problems& problems);

}  // namespace tideline
