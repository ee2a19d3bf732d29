#include "src/catalog_show.h"

#include "sim/core/nearest.h"
#include "src/csv_table.h"
#include "src/errors.h"
#include "src/figures.h"
#include "src/published_fronts.h"
#include "src/text_table.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <utility>

namespace tideline {
namespace {

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

/// What the file says of a variant and the catalog in memory does not.
struct Said {
  std::string publisher;
  bool measured_least = false;  ///< the time of its smallest batch was measured, whatever that of the others is
};
using AllSaid = std::map<std::string, Said>;  // by the names of variants

const Json* member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return object.is_object() && found != object.end() ? &*found : nullptr;
}

std::string text_of(const Json& object, const char* key, const char* otherwise) {
  const Json* const found = member(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : otherwise;
}

/// The batches that the origin of a variant names as measured.
std::set<std::string> measured_batches(const Json& origin) {
  std::set<std::string> out;
  if (const Json* const list = member(origin, "measured_batches"); list != nullptr && list->is_array())
    for (const Json& items : *list) out.insert(items.dump());
  return out;
}

AllSaid said_in(const Catalog& catalog, const Json& file) {
  AllSaid out;
  std::map<std::string, std::string> least;
  for (const Variant& v : catalog.variants) least[v.name] = std::to_string(least_items(v));
  if (const Json* const variants = member(file, "variants"); variants != nullptr && variants->is_array())
    for (const Json& v : *variants) {
      const std::string name = text_of(v, "name", "");
      const Json* const origin = member(v, "origin");
      out[name] = {publisher(text_of(v, "source", "")), origin != nullptr && measured_batches(*origin).contains(least[name])};
    }
  return out;
}

/// Where the time of the smallest batch comes from.
std::string_view origin_of_least(const Variant& v, const AllSaid& said) {
  const auto found = said.find(v.name);
  const Origin of = found != said.end() && found->second.measured_least ? Origin::measured : v.origin_latency;
  return origins[static_cast<std::size_t>(of)];
}

/// "accuracies are 3 measured, 1 assumed", or nothing where all are alike.
void doubt(std::vector<std::string>& doubts, const std::string& what, const std::map<std::string, std::size_t>& counts) {
  if (counts.size() < 2) return;
  std::string text = what;
  const char* comma = " ";
  for (const auto& [name, n] : counts) text += std::exchange(comma, ", ") + std::to_string(n) + " " + name;
  doubts.push_back(std::move(text));
}

std::vector<std::string> doubts_of(const Catalog& catalog, const std::vector<VariantId>& variants, const AllSaid& said) {
  std::map<std::string, std::size_t> accuracies, latencies, publishers, batches, frameworks;
  for (const VariantId id : variants) {
    const Variant& v = catalog[id];
    ++accuracies[std::string(origins[static_cast<std::size_t>(v.origin_accuracy)])];
    ++latencies[std::string(origin_of_least(v, said))];
    const auto found = said.find(v.name);
    ++publishers["of " + (found == said.end() || found->second.publisher.empty() ? "no source that is named" : found->second.publisher)];
    ++frameworks["of " + (v.framework.empty() ? "no framework that is named" : v.framework)];
    ++batches["of batches of " + std::to_string(least_items(v))];
  }
  std::vector<std::string> out;
  doubt(out, "accuracies are", accuracies);
  doubt(out, "latencies are", latencies);
  doubt(out, "variants are", publishers);
  doubt(out, "latencies are", batches);
  doubt(out, "the front is of no framework alone (--framework shows one): variants are", frameworks);
  return out;
}

/// Variants that tasks have.
std::size_t shown(const Catalog& catalog) {
  std::size_t out = 0;
  for (const Task& t : catalog.tasks) out += t.variants.size();
  return out;
}

}  // namespace

std::size_t OriginShares::figures(std::size_t field) const {
  return std::accumulate(counts[field].begin(), counts[field].end(), std::size_t{0});
}

std::size_t OriginShares::figures() const {
  std::size_t sum = 0;
  for (std::size_t k = 0; k < fields.size(); ++k) sum += figures(k);
  return sum;
}

double OriginShares::measured() const {
  std::size_t sum = 0;
  for (const auto& field : counts) sum += field[static_cast<std::size_t>(Origin::measured)];
  return figures() == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(figures());
}

std::vector<CatalogFront> fronts_of(const Catalog& catalog, const Json& file) {
  const AllSaid said = said_in(catalog, file);
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
      f.doubts = doubts_of(catalog, all, said);
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

OriginShares origins_of(const Json& file) {
  OriginShares out;
  const Json* const variants = member(file, "variants");
  if (variants == nullptr || !variants->is_array()) return out;
  std::map<std::string, std::string> task_of;  // of a table of times: another task that has it did not measure it again
  for (const Json& v : *variants) {
    const Json* const profile = member(v, "profile");
    const Json* const said = member(v, "origin");
    if (profile == nullptr) continue;
    const Json origin = said != nullptr ? *said : Json::object();
    const auto index = [&](const char* field) {
      const auto found = std::find(origins.begin(), origins.end(), text_of(origin, field, "assumed"));
      return static_cast<std::size_t>(found - origins.begin()) % origins.size();
    };
    for (std::size_t k = 1; k < OriginShares::fields.size(); ++k) ++out.counts[k][index(OriginShares::fields[k].data())];
    std::string key = profile->dump();
    for (const char* of : {"hardware", "framework", "precision", "base_model"}) key += '\n' + text_of(v, of, "");
    const std::string task = text_of(v, "task", "");
    if (task_of.emplace(key, task).first->second != task) continue;
    auto& latencies = out.counts[0];
    const std::set<std::string> measured = measured_batches(origin);
    const auto add = [&](const Json& table) {
      for (const auto& [items, time] : table.items()) ++latencies[measured.contains(items) ? 0 : index("latency")];
    };
    const Json *const by_cores = member(*profile, "cores"), *const table = member(*profile, "latency_s");
    if (by_cores != nullptr)
      for (const auto& [cores, one] : by_cores->items()) add(one);
    else if (table != nullptr)
      add(*table);
    else
      ++latencies[index("latency")];
  }
  return out;
}

void keep_framework(const std::string& framework, Catalog& catalog, Json& file) {
  std::set<std::string> known;
  std::size_t kept = 0;
  for (const Variant& v : catalog.variants) {
    known.insert(v.framework);
    if (v.framework == framework) ++kept;
  }
  if (kept == 0) {
    const std::vector<std::string> names(known.begin(), known.end());
    throw InputError("--framework " + framework + ": no variant has this framework" + suggestion(framework, std::span(names)));
  }
  for (Task& t : catalog.tasks) std::erase_if(t.variants, [&](VariantId v) { return catalog[v].framework != framework; });
  Json variants = Json::array();
  for (const Json& v : file["variants"])
    if (text_of(v, "framework", "") == framework) variants.push_back(v);
  file["variants"] = std::move(variants);
}

std::string show_text(const Catalog& catalog, const Json& file, const CsvTable* published) {
  std::string out = catalog.name + ": " + std::to_string(shown(catalog)) + " variants, " + std::to_string(catalog.tasks.size()) +
                    (catalog.tasks.size() == 1 ? " task, " : " tasks, ") + std::to_string(catalog.hardware.size()) + " hardware types\n\n";
  const OriginShares shares = origins_of(file);
  std::vector<std::vector<std::string>> lines{{"origin of", "figures", "measured", "computed", "derived", "assumed", "measured", ""}};
  for (std::size_t k = 0; k < OriginShares::fields.size(); ++k) {
    const std::size_t all = shares.figures(k);
    std::vector<std::string> line{std::string(OriginShares::fields[k]), std::to_string(all)};
    for (const std::size_t n : shares.counts[k]) line.push_back(std::to_string(n));
    line.push_back(figure::percent(all == 0 ? 0 : static_cast<double>(shares.counts[k][0]) / static_cast<double>(all)));
    line.emplace_back();
    lines.push_back(std::move(line));
  }
  out += in_columns(lines, "", true) + "A latency is a figure for each batch size. Measured of all " + std::to_string(shares.figures()) +
         ": " + figure::percent(shares.measured()) + "\n";
  const AllSaid said = said_in(catalog, file);
  const std::vector<CatalogFront> fronts = fronts_of(catalog, file);
  const std::vector<PublishedFront> upstream =
      published != nullptr ? compare_fronts(catalog, fronts, *published) : std::vector<PublishedFront>{};
  for (const CatalogFront& f : fronts) {
    const Hardware& h = catalog[f.hardware];
    out += '\n' + catalog[f.task].name + " (" + catalog[f.task].metric + ") on " + h.name + ": " + std::to_string(f.front.size()) + " of " +
           std::to_string(f.variants) + " on the Pareto front of latency and accuracy\n";
    for (const std::string& why : f.doubts) out += "not comparable as they stand: " + why + '\n';
    for (const PublishedFront& p : upstream)
      if (p.front == &f - fronts.data())
        out += p.data + " " + p.column + " as published: " +
               (!p.not_comparable.empty() ? "not comparable, " + p.not_comparable
                : p.equal                 ? "equal"
                                          : "differs: " + p.difference) +
               '\n';
    lines = {{"variant", "accuracy", "batch", "latency", "largest rate", "memory", "latency is"}};
    for (const VariantId id : f.front) {
      const Variant& v = catalog[id];
      lines.push_back({v.name, figure::accuracy(v.accuracy), std::to_string(least_items(v)), figure::time(to_seconds(least_time(v))),
                       figure::rate(best_rate(v)), figure::bytes(static_cast<double>(v.memory_bytes)),
                       std::string(origin_of_least(v, said))});
    }
    out += in_columns(lines, "", true);
  }
  if (published != nullptr) out += '\n' + to_text(upstream, published->name());
  std::set<std::string> metrics;
  for (const Task& t : catalog.tasks) metrics.insert(t.metric);
  if (metrics.size() > 1) {
    std::string list;
    for (const std::string& m : metrics) list += (list.empty() ? "" : ", ") + m;
    out += "\nAccuracies of tasks with different metrics are not comparable: " + list + ".\n";
  }
  return out;
}

Json show_json(const Catalog& catalog, const Json& file, const CsvTable* published) {
  const OriginShares shares = origins_of(file);
  const AllSaid said = said_in(catalog, file);
  Json origin = Json::object(), fronts = Json::array();
  for (std::size_t k = 0; k < OriginShares::fields.size(); ++k)
    for (std::size_t o = 0; o < origins.size(); ++o)
      origin[std::string(OriginShares::fields[k])][std::string(origins[o])] = shares.counts[k][o];
  const std::vector<CatalogFront> all = fronts_of(catalog, file);
  for (const CatalogFront& f : all) {
    Json front = Json::array();
    for (const VariantId id : f.front) {
      const Variant& v = catalog[id];
      front.push_back({{"variant", v.name},
                       {"model", v.model},
                       {"accuracy", v.accuracy},
                       {"batch", least_items(v)},
                       {"latency_s", to_seconds(least_time(v))},
                       {"latency_is", origin_of_least(v, said)},
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
  Json out{
      {"name", catalog.name}, {"variants", shown(catalog)}, {"origin", origin}, {"measured_share", shares.measured()}, {"fronts", fronts}};
  if (published != nullptr) out["published"] = to_json(compare_fronts(catalog, all, *published));
  return out;
}

}  // namespace tideline
