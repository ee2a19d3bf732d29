#include "src/published_fronts.h"

#include "src/import_yolobench.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace tideline {
namespace {

std::vector<std::size_t> indices_of(const CsvTable& t, std::size_t row, std::size_t column) {
  const std::string& text = t.cell(row, column);
  std::vector<std::size_t> out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    while (begin < end && text[begin] == ' ') ++begin;
    std::size_t index = 0;
    const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, index);
    if (error != std::errc{} || stop != text.data() + end) t.fail(row, column, "is no list of rows");
    out.push_back(index);
    begin = end + 1;
  }
  return out;
}

/// How a framework is called in messages.
std::string named(const std::string& framework) { return framework.empty() ? "no framework that is named" : framework; }

/// Why a front of the catalog is not the published one.
std::string difference_of(const std::vector<VariantId>& here, const std::vector<VariantId>& rows, const std::vector<std::size_t>& indices) {
  std::size_t common = 0, beyond = 0;
  for (const std::size_t index : indices)
    if (index >= rows.size())
      ++beyond;
    else if (std::find(here.begin(), here.end(), rows[index]) != here.end())
      ++common;
  if (beyond > 0)
    return std::to_string(beyond) + " of its " + std::to_string(indices.size()) + " rows are beyond the " + std::to_string(rows.size()) +
           " variants of the catalog: is it of all rows of merged_results.csv?";
  if (common == here.size() && common == indices.size()) return "the same variants in another order";
  return std::to_string(common) + " variants are on both, " + std::to_string(here.size() - common) + " only here, " +
         std::to_string(indices.size() - common) +
         " only there; rows are counted as in merged_results.csv, and those of another table differ";
}

}  // namespace

std::vector<PublishedFront> compare_fronts(const Catalog& catalog, const std::vector<CatalogFront>& fronts, const CsvTable& published) {
  const std::size_t data = published.column("data"), hardware = published.column("hardware"), list = published.column("pareto_indices");
  std::vector<PublishedFront> out;
  for (std::size_t row = 0; row < published.size(); ++row) {
    PublishedFront p{published.cell(row, data), published.cell(row, hardware), -1, "", false, ""};
    const std::vector<std::size_t> indices = indices_of(published, row, list);
    const auto platform = yolobench_platform(p.column);
    if (!platform) published.fail(row, hardware, "is no column of latencies of merged_results.csv");
    const std::string_view task = yolobench_task(p.data);
    for (std::size_t k = 0; k < fronts.size(); ++k)
      if (catalog[fronts[k].task].name == task && catalog[fronts[k].hardware].name == platform->hardware) p.front = static_cast<int>(k);
    std::vector<VariantId> rows;
    std::set<std::string> frameworks;
    if (p.front >= 0)
      for (const VariantId v : catalog[fronts[static_cast<std::size_t>(p.front)].task].variants) {
        if (catalog[catalog[v].hardware].name != platform->hardware) continue;
        frameworks.insert(catalog[v].framework);
        if (catalog[v].framework == platform->framework) rows.push_back(v);
      }
    if (task.empty()) {
      p.not_comparable = "of " + p.data.substr(0, p.data.rfind('_')) + ", and tasks have the metric mAP@0.5:0.95";
    } else if (p.front < 0) {
      p.not_comparable = "the catalog has no " + std::string(task) + " on " + std::string(platform->hardware);
    } else if (rows.empty()) {
      p.not_comparable = "the catalog has no variant of " + std::string(platform->framework) + " on " + std::string(platform->hardware);
    } else if (frameworks.size() > 1) {
      std::string all;
      for (const std::string& f : frameworks) all += (all.empty() ? "" : " and ") + named(f);
      p.not_comparable = "of " + std::string(platform->framework) + " alone, and the front on " + std::string(platform->hardware) +
                         " is over " + all + ": see it with --framework " + std::string(platform->framework);
    } else {
      const std::vector<VariantId>& here = fronts[static_cast<std::size_t>(p.front)].front;
      p.equal = std::equal(here.begin(), here.end(), indices.begin(), indices.end(),
                           [&](VariantId v, std::size_t index) { return index < rows.size() && rows[index] == v; });
      if (!p.equal) p.difference = difference_of(here, rows, indices);
    }
    out.push_back(std::move(p));
  }
  return out;
}

std::string to_text(const std::vector<PublishedFront>& published, const std::string& name) {
  std::size_t equal = 0, differ = 0;
  std::map<std::string, std::size_t> reasons;
  for (const PublishedFront& p : published)
    if (!p.not_comparable.empty())
      ++reasons[p.not_comparable];
    else
      ++(p.equal ? equal : differ);
  std::string out = "Fronts of " + name + ": " + std::to_string(equal) + " equal, " + std::to_string(differ) + " differ, " +
                    std::to_string(published.size() - equal - differ) + " not comparable\n";
  for (const auto& [reason, n] : reasons) out += "  " + std::to_string(n) + " " + reason + '\n';
  return out;
}

Json to_json(const std::vector<PublishedFront>& published) {
  Json out = Json::array();
  for (const PublishedFront& p : published) {
    Json one{{"data", p.data}, {"hardware", p.column}};
    if (p.not_comparable.empty())
      one["equal"] = p.equal;
    else
      one["not_comparable"] = p.not_comparable;
    if (!p.difference.empty()) one["difference"] = p.difference;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace tideline
