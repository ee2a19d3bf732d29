#include "src/commands.h"
#include "src/errors.h"
#include "src/report.h"
#include "src/report_json.h"

#include <set>

namespace tideline {

namespace {

constexpr std::size_t comparison_version = 1;

Json texts(const JsonPart& list) {
  Json out = Json::array();
  for (const JsonPart& line : list.elements()) out.push_back(line.text());
  return out;
}

}  // namespace

Json report_of_comparison(const std::filesystem::path& path) {
  const std::string file = path.string();
  const Json root = read_own_json(file, "tideline-compare", "a comparison", comparison_version);
  const JsonPart whole(file, root), scenario = whole.member("scenario"), replication = whole.member("replication");
  const std::string& baseline = whole.member("baseline").text();
  Json out{{"kind", "comparison"},
           {"title", scenario.member("name").text() + ", compared with " + baseline},
           {"file", path.filename().string()},
           {"written_by", version_text()},
           {"program_version", whole.member("program").text()},
           {"scenario", scenario.json()},
           {"baseline", baseline},
           {"replication", replication.member("text").text()},
           {"replications", whole.member("replications").count()},
           {"confidence", whole.member("confidence").number()},
           {"correction", whole.member("correction").text()},
           {"warnings", texts(whole.member("warnings"))},
           {"text", texts(whole.member("text"))},
           {"axes", Json::array()},
           {"metrics", Json::array()},
           {"alternatives", Json::array()},
           {"effects", Json::array()}};
  for (const JsonPart& a : whole.member("axes").elements()) {
    Json values = Json::array();
    for (const JsonPart& v : a.member("values").elements()) values.push_back(v.json().is_string() ? v.text() : v.json().dump());
    out["axes"].push_back({{"name", a.member("name").text()}, {"values", std::move(values)}});
  }
  std::set<std::string> metrics, labels;
  for (const JsonPart& m : whole.member("metrics").elements()) {
    metrics.insert(m.member("name").text());
    out["metrics"].push_back({{"name", m.member("name").text()}, {"unit", m.member("unit").text()}, {"better", m.member("better").text()}});
  }
  for (const JsonPart& a : whole.member("alternatives").elements()) {
    labels.insert(a.member("label").text());
    Json values = Json::object();
    for (const std::string& m : metrics) {
      const JsonPart all = a.member("metrics");
      if (!all.has(m)) continue;
      std::vector<double> list;
      for (const JsonPart& v : all.member(m).member("values").elements()) list.push_back(v.number_or_null());
      values[m] = {{"mean", rounded(all.member(m).member("mean").number_or_null(), 8)}, {"values", rounded(list, 8)}};
    }
    out["alternatives"].push_back(
        {{"label", a.member("label").text()}, {"metrics", std::move(values)}, {"notes", texts(a.member("notes"))}});
  }
  // With several axes the baseline is a value of the first: each effect then says which alternative has it under its conditions.
  const bool one_baseline = labels.count(baseline) > 0;
  if (!one_baseline && whole.member("effects").elements().empty()) whole.member("baseline").fail("no alternative has this label");
  for (const JsonPart& e : whole.member("effects").elements()) {
    if (labels.count(e.member("alternative").text()) == 0) e.member("alternative").fail("no alternative has this label");
    if (metrics.count(e.member("metric").text()) == 0) e.member("metric").fail("no metric has this name");
    const std::string& against = e.has("against") ? e.member("against").text() : baseline;
    if (labels.count(against) == 0)
      (e.has("against") ? e.member("against") : whole.member("baseline")).fail("no alternative has this label");
    Json effect{{"alternative", e.member("alternative").text()},
                {"against", against},
                {"metric", e.member("metric").text()},
                {"verdict", e.member("verdict").text()}};
    for (const char* name :
         {"baseline_mean", "mean", "difference", "relative", "low", "high", "p", "p_adjusted", "smallest_difference", "margin"})
      effect[name] = rounded(e.member(name).number_or_null(), 8);
    out["effects"].push_back(std::move(effect));
  }
  return out;
}

}  // namespace tideline
