#include "src/law_params.h"

#include "sim/core/pointer.h"
#include "sim/core/text.h"

#include <utility>
#include <vector>

namespace tideline {

namespace {

/// A parameter of another law is a mistake, not something to pass over.
bool check_use(std::string_view key, bool used, bool given, const LawParams& p, const std::string& pointer, Problems& problems) {
  if (used == given) return true;
  const std::string law = param::to_text(std::get<0>(LawParams::declare()).value(p));
  problems.add(child(pointer, key), used ? "is needed by the law " + law : "is no parameter of the law " + law + "; leave it out, or null");
  return false;
}

Law read_quantiles(const param::Value& value, const std::string& pointer, Problems& problems) {
  constexpr param::detail::Spec probability{"probability", "Probability.", {0, 1}}, factor{"factor", "Factor.", {0, 1e9}};
  const auto* list = std::get_if<param::List>(&value.data);
  if (!list || list->size() < 2) {
    problems.add(pointer, "must be a list of at least two [probability, factor] pairs");
    return {};
  }
  const std::size_t before = problems.list().size();
  std::vector<std::pair<double, double>> points;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string at = child(pointer, i);
    const auto* pair = std::get_if<param::List>(&(*list)[i].data);
    std::pair<double, double> point;
    if (!pair || pair->size() != 2) {
      problems.add(at, "must be a pair [probability, factor]");
      continue;
    }
    bool good = param::detail::read((*pair)[0], probability, child(at, std::size_t{0}), problems, point.first);
    good = param::detail::read((*pair)[1], factor, child(at, std::size_t{1}), problems, point.second) && good;
    if (good) {
      if (!points.empty() && point.first <= points.back().first)
        problems.add(child(at, std::size_t{0}), "probabilities must be ascending; is after " + to_text(points.back().first));
      if (!points.empty() && point.second < points.back().second)
        problems.add(child(at, std::size_t{1}), "factors must not decrease; is after " + to_text(points.back().second));
      points.push_back(point);
    }
  }
  if (problems.list().size() != before) return {};
  if (points.front().first != 0) problems.add(child(child(pointer, std::size_t{0}), std::size_t{0}), "the first probability must be 0");
  if (points.back().first != 1) problems.add(child(child(pointer, points.size() - 1), std::size_t{0}), "the last probability must be 1");
  if (points.back().second == 0) problems.add(pointer, "factors must not all be 0");
  if (problems.list().size() != before) return {};
  return Law::quantiles(std::move(points));
}

}  // namespace

Law read_law(const LawParams& p, const std::string& pointer, Problems& problems) {
  const bool has_cv2 = law_takes(p.law, "cv2"), has_k = law_takes(p.law, "k"), has_points = law_takes(p.law, "points");
  // Each is called: all of its problems are reported.
  bool good = check_use("cv2", has_cv2, p.cv2.has_value(), p, pointer, problems);
  good = check_use("k", has_k, p.k.has_value(), p, pointer, problems) && good;
  good = check_use("points", has_points, !p.points.is_null(), p, pointer, problems) && good;
  if (!good) return {};
  if (has_cv2) {
    const bool enough = p.law == LawKind::hyperexponential ? *p.cv2 >= 1 : *p.cv2 > 0;
    if (!enough) {
      problems.add(child(pointer, "cv2"), "must be " + std::string(p.law == LawKind::hyperexponential ? "at least 1" : "above 0") +
                                              " for this law, is " + to_text(*p.cv2));
      return {};
    }
  }
  switch (p.law) {
    case LawKind::deterministic:
      return Law::deterministic();
    case LawKind::exponential:
      return Law::exponential();
    case LawKind::erlang:
      return Law::erlang(*p.k);
    case LawKind::gamma:
      return Law::gamma(*p.cv2);
    case LawKind::lognormal:
      return Law::lognormal(*p.cv2);
    case LawKind::hyperexponential:
      return Law::hyperexponential(*p.cv2);
    case LawKind::quantiles:
      break;
  }
  return read_quantiles(p.points, child(pointer, "points"), problems);
}

}  // namespace tideline
