#include "src/catalog_show.h"

#include "src/figures.h"
#include "src/text_table.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace tideline {
namespace {

constexpr std::array<std::string_view, 4> fields{"latency", "accuracy", "load", "memory"};
constexpr std::array<std::string_view, 4> origins{"measured", "computed", "derived", "assumed"};

/// Items of the smallest batch, and its time.
std::uint32_t least_items(const Variant& v) { return v.batch_sizes.empty() ? 1 : v.batch_sizes.front(); }
Duration least_time(const Variant& v) {
  Duration out = forever;
  for (std::uint32_t o = 0; o < v.profile.cores().size(); ++o) out = std::min(out, v.profile.latency(least_items(v), o));
  return out;
}
double best_rate(const Variant& v) {
  double best = 0;
  for (std::uint32_t o = 0; o < v.profile.cores().size(); ++o)
    for (std::uint32_t items = 1; items <= v.profile.max_items(); ++items)
      if (const Duration t = v.profile.latency(items, o); t > Duration{}) best = std::max(best, items / to_seconds(t));
  return best;
}

/// The first words of what a variant says of its source: who published it.
std::string publisher(const std::string& source) { return source.substr(0, source.find_first_of(",;:")); }

/// By the names of variants.
std::map<std::string, std::string> sources_in(const Json& file) {
  std::map<std::string, std::string> out;
  const auto variants = file.find("variants");
  if (variants == file.end() || !variants->is_array()) return out;
  for (const Json& v : *variants)
    if (v.is_object() && v.contains("name") && v["name"].is_string() && v.contains("source") && v["source"].is_string())
      out[v["name"].get<std::string>()] = publisher(v["source"].get<std::string>());
  return out;
}

/// "accuracies are 3 measured, 1 assumed", or nothing where all are alike.
void doubt(std::vector<std::string>& doubts, const std::string& what, const std::map<std::string, std::size_t>& counts) {
  if (counts.size() < 2) return;
  std::string text = what;
  const char* comma = " ";
  for (const auto& [name, n] : counts) text += std::exchange(comma, ", ") + std::to_string(n) + " " + name;
  doubts.push_back(std::move(text));
}

std::vector<std::string> doubts_of(const Catalog& catalog, const std::vector<VariantId>& variants,
                                   const std::map<std::string, std::string>& named) {
  std::map<std::string, std::size_t> accuracies, latencies, publishers, batches;
  for (const VariantId id : variants) {
    const Variant& v = catalog[id];
    ++accuracies[std::string(origins[static_cast<std::size_t>(v.origin_accuracy)])];
    ++latencies[std::string(origins[static_cast<std::size_t>(v.origin_latency)])];
    const auto source = named.find(v.name);
    ++publishers["of " + (source == named.end() ? "no source that is named" : source->second)];
    ++batches["of batches of " + std::to_string(least_items(v))];
  }
  std::vector<std::string> out;
  doubt(out, "accuracies are", accuracies);
  doubt(out, "latencies are", latencies);
  doubt(out, "variants are", publishers);
  doubt(out, "latencies are", batches);
  return out;
}

}  // namespace

double OriginShares::measured() const {
  std::size_t sum = 0;
  for (const auto& field : counts) sum += field[static_cast<std::size_t>(Origin::measured)];
  return variants == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(4 * variants);
}

std::vector<CatalogFront> fronts_of(const Catalog& catalog, const Json& file) {
  const auto publishers_of = sources_in(file);
  std::vector<CatalogFront> out;
  for (std::size_t t = 0; t < catalog.tasks.size(); ++t)
    for (std::size_t h = 0; h < catalog.hardware.size(); ++h) {
      CatalogFront f;
      f.task = TaskId{t};
      f.hardware = HardwareId{h};
      std::vector<VariantId> all;
      for (const VariantId v : catalog.tasks[t].variants)
        if (catalog[v].hardware == f.hardware) all.push_back(v);
      if (all.empty()) continue;
      f.variants = all.size();
      f.doubts = doubts_of(catalog, all, publishers_of);
      std::stable_sort(all.begin(), all.end(), [&](VariantId a, VariantId b) {
        const Duration x = least_time(catalog[a]), y = least_time(catalog[b]);
        return x != y ? x < y : catalog[a].accuracy > catalog[b].accuracy;
      });
      double best = -1;
      for (const VariantId v : all)
        if (catalog[v].accuracy > best) {
          best = catalog[v].accuracy;
          f.front.push_back(v);
        }
      out.push_back(std::move(f));
    }
  return out;
}

OriginShares origins_of(const Catalog& catalog) {
  OriginShares out;
  out.variants = catalog.variants.size();
  for (const Variant& v : catalog.variants) {
    const std::array<Origin, 4> of{v.origin_latency, v.origin_accuracy, v.origin_load, v.origin_memory};
    for (std::size_t k = 0; k < of.size(); ++k) ++out.counts[k][static_cast<std::size_t>(of[k])];
  }
  return out;
}

std::string show_text(const Catalog& catalog, const Json& file) {
  std::string out = catalog.name + ": " + std::to_string(catalog.variants.size()) + " variants, " + std::to_string(catalog.tasks.size()) +
                    (catalog.tasks.size() == 1 ? " task, " : " tasks, ") + std::to_string(catalog.hardware.size()) + " hardware types\n\n";
  const OriginShares shares = origins_of(catalog);
  std::vector<std::vector<std::string>> lines{{"origin of", "measured", "computed", "derived", "assumed", ""}};
  for (std::size_t k = 0; k < fields.size(); ++k) {
    std::vector<std::string> line{std::string(fields[k])};
    for (const std::size_t n : shares.counts[k])
      line.push_back(figure::percent(shares.variants == 0 ? 0 : static_cast<double>(n) / static_cast<double>(shares.variants)));
    line.emplace_back();
    lines.push_back(std::move(line));
  }
  out += in_columns(lines, "", true) + "measured of all: " + figure::percent(shares.measured()) + "\n";
  for (const CatalogFront& f : fronts_of(catalog, file)) {
    const Hardware& h = catalog[f.hardware];
    out += '\n' + catalog[f.task].name + " (" + catalog[f.task].metric + ") on " + h.name + ": " + std::to_string(f.front.size()) + " of " +
           std::to_string(f.variants) + " on the Pareto front of latency and accuracy\n";
    for (const std::string& why : f.doubts) out += "not comparable as they stand: " + why + '\n';
    lines = {{"variant", "accuracy", "batch", "latency", "largest rate", "memory", "latency is"}};
    for (const VariantId id : f.front) {
      const Variant& v = catalog[id];
      lines.push_back({v.name, figure::accuracy(v.accuracy), std::to_string(least_items(v)), figure::time(to_seconds(least_time(v))),
                       figure::rate(best_rate(v)), figure::bytes(static_cast<double>(v.memory_bytes)),
                       std::string(origins[static_cast<std::size_t>(v.origin_latency)])});
    }
    out += in_columns(lines, "", true);
  }
  std::set<std::string> metrics;
  for (const Task& t : catalog.tasks) metrics.insert(t.metric);
  if (metrics.size() > 1) {
    std::string list;
    for (const std::string& m : metrics) list += (list.empty() ? "" : ", ") + m;
    out += "\nAccuracies of tasks with different metrics are not comparable: " + list + ".\n";
  }
  return out;
}

Json show_json(const Catalog& catalog, const Json& file) {
  const OriginShares shares = origins_of(catalog);
  Json origin = Json::object(), fronts = Json::array();
  for (std::size_t k = 0; k < fields.size(); ++k)
    for (std::size_t o = 0; o < origins.size(); ++o) origin[std::string(fields[k])][std::string(origins[o])] = shares.counts[k][o];
  for (const CatalogFront& f : fronts_of(catalog, file)) {
    Json front = Json::array();
    for (const VariantId id : f.front) {
      const Variant& v = catalog[id];
      front.push_back({{"variant", v.name},
                       {"model", v.model},
                       {"accuracy", v.accuracy},
                       {"batch", least_items(v)},
                       {"latency_s", to_seconds(least_time(v))},
                       {"rate_qps", best_rate(v)},
                       {"memory_bytes", v.memory_bytes}});
    }
    fronts.push_back({{"task", catalog[f.task].name},
                      {"metric", catalog[f.task].metric},
                      {"not_comparable", f.doubts},
                      {"hardware", catalog[f.hardware].name},
                      {"variants", f.variants},
                      {"front", front}});
  }
  return {{"name", catalog.name},
          {"variants", catalog.variants.size()},
          {"origin", origin},
          {"measured_share", shares.measured()},
          {"fronts", fronts}};
}

}  // namespace tideline
