#include "src/catalog_json.h"

#include "sim/core/nearest.h"
#include "sim/core/pointer.h"
#include "sim/core/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace tideline {
namespace {

using namespace catalog_format;
using param::Value;

/// The time of batches as it was given: by items, ascending.
struct Point {
  std::uint32_t items = 0;
  Duration latency{};
};
using Table = std::vector<Point>;

/// One table for each number of cores.
struct CoreTable {
  std::uint32_t cores = 1;
  std::string pointer;
  Table table;
};

/// A name that is a whole number from 1, written the one way there is ("4", not "04").
std::optional<std::uint32_t> count_of(std::string_view key, std::uint32_t most) {
  std::uint32_t out = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), out);
  if (error != std::errc{} || end != key.data() + key.size() || key.starts_with('0') || out == 0 || out > most) return {};
  return out;
}

class Reader {
 public:
  Reader(Problems& problems, bool extrapolated) : problems_(problems), extrapolated_(extrapolated) {}

  Catalog read(const Json& value, const std::string& pointer) {
    // The lists are long: they are bound element by element, not copied as a whole.
    param::Object head;
    for (const auto& [key, member] : value.items()) head.emplace_back(key, member.is_array() ? Value(param::List{}) : to_value(member));
    catalog_.name = param::bind<CatalogParams>(head, pointer, problems_).name;
    read_list(value, pointer, "tasks", [&](const Value& v, const std::string& at) { read_task(v, at); });
    read_list(value, pointer, "hardware", [&](const Value& v, const std::string& at) { read_hardware(v, at); });
    read_list(value, pointer, "variants", [&](const Value& v, const std::string& at) { read_variant(v, at); });
    for (const auto& [v, name, at] : resumes_) read_resumes(v, name, at);
    read_list(value, pointer, "colocation", [&](const Value& v, const std::string& at) { read_colocation(v, at); });
    const auto variants = value.find("variants");
    if (variants != value.end() && variants->is_array() && variants->empty())
      problems_.add(child(pointer, "variants"), "must have at least one variant");
    catalog_.complete();
    // Where a variant is wrong, that was said, and is the reason.
    if (variants != value.end() && variants->is_array() && variants->size() == catalog_.variants.size() && !variants->empty())
      check_tasks_are_answered(child(pointer, "tasks"));
    return std::move(catalog_);
  }

 private:
  /// Where names stand: of one kind of section.
  struct Names {
    std::vector<std::string> list;                       // those that may be referred to, for suggestions; in order of the catalog
    std::unordered_map<std::string, std::size_t> index;  // in `list`
    std::vector<std::string> pointers;
  };

  template <class Read>
  void read_list(const Json& catalog, const std::string& pointer, const char* key, Read read) {
    const auto list = catalog.find(key);
    if (list == catalog.end()) return;  // that it is missing was said
    const std::string at = child(pointer, key);
    if (!list->is_array()) return problems_.add(at, "must be a list of objects");
    for (std::size_t i = 0; i < list->size(); ++i) read(to_value((*list)[i]), child(at, i));
  }

  void add_name(Names& names, const std::string& name, const std::string& pointer) {
    const auto [found, is_new] = names.index.try_emplace(name, names.list.size());
    if (name.empty()) {
      // Where the key is missing, this was said.
      if (!is_new || !has_problem(child(pointer, "name"))) problems_.add(child(pointer, "name"), "must not be empty");
    } else if (!is_new) {
      problems_.add(child(pointer, "name"), "the name " + in_quotes(name) + " is taken by " + names.pointers[found->second]);
    }
    names.list.push_back(name);
    names.pointers.push_back(pointer);
  }

  bool has_problem(const std::string& pointer) const {
    const auto& list = problems_.list();
    return std::any_of(list.begin(), list.end(), [&](const Problem& problem) { return problem.pointer == pointer; });
  }

  void read_resumes(VariantId v, const std::string& name, const std::string& pointer) {
    const auto exit = find(variants_, name, "variant", pointer);
    if (!exit || *exit >= catalog_.variants.size()) return;
    Variant& variant = catalog_.variants[v.index()];
    const Variant& early = catalog_.variants[*exit];
    if (early.task != variant.task || early.hardware != variant.hardware)
      problems_.add(pointer, in_quotes(name) + " has another task or hardware");
    else if (early.profile.max_items() > 0 && variant.profile.max_items() > 0 && early.profile.latency(1) >= variant.profile.latency(1))
      problems_.add(pointer, in_quotes(name) + " takes no less time than the whole network");
    else
      variant.resumes = VariantId{*exit};
  }

  void read_colocation(const Value& value, const std::string& pointer) {
    const auto p = param::bind<ColocationParams>(value, pointer, problems_);
    const auto v = find(variants_, p.variant, "variant", child(pointer, "variant"));
    const auto other = find(variants_, p.beside, "variant", child(pointer, "beside"));
    // Where a variant is wrong, that was said, and its number is not that of its name.
    if (!v || !other || catalog_.variants.size() != variants_.list.size()) return;
    if (catalog_.variants[*v].hardware != catalog_.variants[*other].hardware)
      return problems_.add(pointer, "the two are never on one device: they are made for different hardware");
    auto& beside = catalog_.variants[*v].beside;
    if (std::any_of(beside.begin(), beside.end(), [&](const auto& b) { return b.first == VariantId{*other}; }))
      return problems_.add(pointer, "is there twice");
    beside.emplace_back(VariantId{*other}, p.factor);
  }

  void read_task(const Value& value, const std::string& pointer) {
    const auto p = param::bind<TaskParams>(value, pointer, problems_);
    add_name(tasks_, p.name, pointer);
    if (p.hit_rate && p.concentration > 0) problems_.add(child(pointer, "concentration"), "only a task of kind \"score\" has one");
    Task task;
    task.name = p.name;
    task.metric = p.metric;
    task.hit_rate = p.hit_rate;
    task.correlation = p.correlation;
    task.information = p.information;
    task.concentration = p.concentration;
    catalog_.tasks.push_back(std::move(task));
  }

  void read_hardware(const Value& value, const std::string& pointer) {
    const auto p = param::bind<HardwareParams>(value, pointer, problems_);
    add_name(hardware_, p.name, pointer);
    if (p.sharing == Sharing::partitioned && p.concurrent_batches)
      problems_.add(child(pointer, "concurrent_batches"), "only hardware with \"sharing\": \"exclusive\" or \"shared\" has it");
    if (p.sharing != Sharing::shared && p.sharing_exponent)
      problems_.add(child(pointer, "sharing_exponent"), "only hardware with \"sharing\": \"shared\" has it");
    if (p.sharing != Sharing::partitioned && !p.interference.empty())
      problems_.add(child(pointer, "interference"), "only hardware with \"sharing\": \"partitioned\" has it");
    if (!p.interference.empty() && p.interference.front() != 1)
      problems_.add(child(child(pointer, "interference"), std::size_t{0}), "must be 1: the profile is that of a batch that runs alone");
    if (p.unified_memory && p.copy_bytes_per_s > 0)
      problems_.add(child(pointer, "copy_bytes_per_s"), "nothing is copied where \"unified_memory\" is true");
    if (p.unified_memory && p.host_bytes > 0)
      problems_.add(child(pointer, "host_bytes"), "is the memory of the device where \"unified_memory\" is true");
    if (p.busy_watts < p.idle_watts)
      problems_.add(child(pointer, "busy_watts"), "must be at least \"idle_watts\", which is " + to_text(p.idle_watts));
    Hardware h;
    h.name = p.name;
    h.kind = p.kind;
    h.accelerator = p.kind != "cpu";
    h.sharing = p.sharing;
    h.concurrent_batches = p.concurrent_batches.value_or(p.sharing == Sharing::shared ? 1024 : 1);
    h.sharing_exponent = p.sharing_exponent.value_or(1);
    h.cores = p.cores;
    h.memory_bytes = p.memory_bytes;
    h.unified_memory = p.unified_memory;
    h.store_bytes_per_s = p.store_bytes_per_s;
    h.disk_bytes_per_s = p.disk_bytes_per_s;
    h.copy_bytes_per_s = p.copy_bytes_per_s;
    h.disk_bytes = p.disk_bytes;
    h.host_bytes = p.host_bytes;
    h.tier_eviction = p.tier_eviction;
    h.concurrent_loads = p.concurrent_loads;
    h.load_slowdown = p.load_slowdown;
    h.price_per_hour_usd = p.price_per_hour_usd;
    h.idle_watts = p.idle_watts;
    h.busy_watts = p.busy_watts;
    h.boot = p.boot;
    h.interference = p.interference;
    catalog_.hardware.push_back(std::move(h));
  }

  std::optional<std::size_t> find(const Names& names, const std::string& name, std::string_view what, const std::string& pointer) {
    if (name.empty() && has_problem(pointer)) return {};
    const auto found = names.index.find(name);
    if (found != names.index.end()) return found->second;
    problems_.add(pointer, "unknown " + std::string(what) + " " + in_quotes(name) + suggestion(name, std::span(names.list)));
    return {};
  }

  void read_variant(const Value& value, const std::string& pointer) {
    const auto p = param::bind<VariantParams>(value, pointer, problems_);
    add_name(variants_, p.name, pointer);
    const auto task = find(tasks_, p.task, "task", child(pointer, "task"));
    const auto hardware = find(hardware_, p.hardware, "hardware", child(pointer, "hardware"));

    Variant v;
    v.name = p.name;
    v.model = p.model.empty() ? p.name : p.model;
    v.base_model = p.base_model.empty() ? v.model : p.base_model;
    v.transformation = p.transformation;
    v.framework = p.framework;
    v.precision = p.precision;
    v.pre = p.pre;
    v.resolution = p.resolution;
    v.accuracy = p.accuracy;
    v.batch_sizes = p.batch_sizes;
    v.artefact_bytes = p.artefact_bytes;
    v.memory_bytes = p.memory_bytes;
    v.memory_per_item_bytes = p.memory_per_item_bytes;
    v.energy_per_item_j = p.energy_per_item_j.value_or(-1);

    const bool good_sizes = check_batch_sizes(p, child(pointer, "batch_sizes"), child(pointer, "max_batch"));
    std::vector<CoreTable> tables = read_profile(p, pointer, hardware ? &catalog_.hardware[*hardware] : nullptr);
    if (good_sizes && !tables.empty()) v.max_batch = read_max_batch(p, pointer, tables);
    if (!tables.empty()) v.profile = dense(p, v.max_batch, tables);

    const std::string service = child(pointer, "service");
    v.service = read_law(param::bind<LawParams>(p.service, service, problems_), service, problems_);
    const std::string load = child(pointer, "load");
    const auto times = param::bind<LoadParams>(p.load, load, problems_);
    v.load.build = times.build;
    v.load.runtime_init = times.runtime_init;
    v.load.first_run = times.first_run;
    v.load.law = read_law(times, load, problems_);
    const std::string origin = child(pointer, "origin");
    const auto origins = param::bind<OriginParams>(p.origin, origin, problems_);
    v.origin_latency = origins.latency;
    v.origin_accuracy = origins.accuracy;
    v.origin_load = origins.load;
    v.origin_memory = origins.memory;
    v.kernel = read_kernel(p, child(pointer, "kernel"));
    if (affine_ && origins.latency != Origin::assumed)
      problems_.add(child(origin, "latency"), "an affine profile is \"assumed\"; give a table for what was measured or derived");

    for (std::size_t i = 0; i < origins.measured_batches.size() && !tables.empty(); ++i) {
      const std::uint32_t items = origins.measured_batches[i];
      const bool there = std::any_of(tables.begin(), tables.end(), [&](const CoreTable& t) {
        return std::any_of(t.table.begin(), t.table.end(), [&](const Point& at) { return at.items == items; });
      });
      if (!there || affine_)
        problems_.add(child(child(origin, "measured_batches"), i), "the profile has no time of a batch of " + std::to_string(items));
    }

    // The index of a variant without a task or hardware would lead nowhere.
    if (!task || !hardware) return;
    v.task = TaskId{*task};
    v.hardware = HardwareId{*hardware};
    if (!p.resumes.empty()) resumes_.emplace_back(VariantId{catalog_.variants.size()}, p.resumes, child(pointer, "resumes"));
    catalog_.variants.push_back(std::move(v));
  }

  std::optional<Kernel> read_kernel(const VariantParams& p, const std::string& pointer) {
    if (p.kernel.is_null()) return {};
    const auto k = param::bind<KernelParams>(p.kernel, pointer, problems_);
    const std::string resolution = child(pointer, "resolution");
    if (has_problem(resolution)) return {};
    if (k.resolution % 32 != 0)
      problems_.add(resolution, "must be a multiple of 32, is " + std::to_string(k.resolution));
    else if (p.resolution != 0 && p.resolution != k.resolution)
      problems_.add(resolution, "must be the \"resolution\" of the variant, which is " + std::to_string(p.resolution));
    if (k.backend != "cpu" && k.threads > 1)
      problems_.add(child(pointer, "threads"), "the backend \"" + std::string(k.backend) + "\" has one thread");
    if (k.backend == "eigen" && k.precision != "f32") problems_.add(child(pointer, "precision"), "the backend \"eigen\" has f32 alone");
    return Kernel{std::string(k.network), k.depth,   k.width, k.resolution, std::string(k.precision),
                  std::string(k.backend), k.threads, k.seed};
  }

  bool check_batch_sizes(const VariantParams& p, const std::string& pointer, const std::string& max_batch) {
    for (std::size_t i = 1; i < p.batch_sizes.size(); ++i) {
      if (p.batch_sizes[i] > p.batch_sizes[i - 1]) continue;
      problems_.add(child(pointer, i), "batch sizes must be ascending; " + std::to_string(p.batch_sizes[i]) + " follows " +
                                           std::to_string(p.batch_sizes[i - 1]));
      return false;
    }
    if (!p.batch_sizes.empty() && p.max_batch && *p.max_batch != p.batch_sizes.back()) {
      problems_.add(max_batch, "must be the largest of \"batch_sizes\", " + std::to_string(p.batch_sizes.back()) + ", or left out; is " +
                                   std::to_string(*p.max_batch));
      return false;
    }
    return true;
  }

  /// The tables as given, by cores ascending; none where something is wrong. Sets `affine_`.
  std::vector<CoreTable> read_profile(const VariantParams& p, const std::string& variant, const Hardware* hardware) {
    affine_ = false;
    if (p.profile.is_null()) {
      if (!has_problem(child(variant, "profile"))) problems_.add(child(variant, "profile"), "must be an object, is null");
      return {};
    }
    const std::string pointer = child(variant, "profile");
    const auto profile = param::bind<ProfileParams>(p.profile, pointer, problems_);
    const int given = !profile.latency.is_null() + !profile.cores.is_null() + !profile.affine.is_null();
    if (given != 1) {
      problems_.add(pointer, "must have exactly one of \"latency_s\", \"cores\", \"affine\"");
      return {};
    }
    affine_ = !profile.affine.is_null();
    std::vector<CoreTable> out;
    if (!profile.cores.is_null()) {
      out = read_core_tables(profile.cores, child(pointer, "cores"), p, variant, hardware);
    } else {
      CoreTable only{p.instance_cores.value_or(1), child(pointer, affine_ ? "affine" : "latency_s"), {}};
      if (hardware && hardware->sharing == Sharing::exclusive && only.cores > 1) {
        problems_.add(child(variant, "instance_cores"), "instances hold no cores on exclusive hardware");
      } else if (hardware && only.cores > hardware->cores) {
        problems_.add(child(variant, "instance_cores"), "is " + std::to_string(only.cores) + ", but a device of " +
                                                            in_quotes(hardware->name) + " has " + std::to_string(hardware->cores));
      }
      only.table = affine_ ? read_affine(profile.affine, only.pointer, p) : read_table(profile.latency, only.pointer, p);
      if (!only.table.empty()) out.push_back(std::move(only));
    }
    return out;
  }

  std::vector<CoreTable> read_core_tables(const Value& value, const std::string& pointer, const VariantParams& p,
                                          const std::string& variant, const Hardware* hardware) {
    const auto* object = std::get_if<param::Object>(&value.data);
    if (!object || object->empty()) {
      problems_.add(pointer, "must be an object of tables, one for each number of cores");
      return {};
    }
    if (p.instance_cores) problems_.add(child(variant, "instance_cores"), "is said by the profile's \"cores\"; leave it out");
    if (hardware && hardware->sharing == Sharing::exclusive)
      problems_.add(pointer, "instances hold no cores on exclusive hardware; use \"latency_s\"");
    const std::uint32_t most = hardware && hardware->sharing == Sharing::partitioned ? hardware->cores : 4096;
    std::vector<CoreTable> out;
    bool good = true;
    for (const auto& [key, table] : *object) {
      const std::string at = child(pointer, key);
      const auto cores = count_of(key, most);
      if (!cores) {
        problems_.add_key(at, "must be a number of cores from 1 to " + std::to_string(most) + ", is " + in_quotes(key));
      }
      out.push_back({cores.value_or(1), at, read_table(table, at, p)});
      good = good && cores && !out.back().table.empty();
    }
    if (!good) return {};
    // The order of an object's keys carries no meaning.
    std::sort(out.begin(), out.end(), [](const CoreTable& a, const CoreTable& b) { return a.cores < b.cores; });
    return out;
  }

  /// Ascending in items and not decreasing in time, or empty where something is wrong.
  Table read_table(const Value& value, const std::string& pointer, const VariantParams& p) {
    const auto* object = std::get_if<param::Object>(&value.data);
    if (!object || object->empty()) {
      problems_.add(pointer, "must be an object with the time of a batch by its number of items, such as {\"1\": 0.02}");
      return {};
    }
    constexpr param::detail::Spec spec = std::get<0>(param::declaration<BatchTimeParams>).spec;
    Table out;
    bool good = true;
    for (const auto& [key, latency] : *object) {
      const std::string at = child(pointer, key);
      Point point;
      const auto items = count_of(key, max_catalog_batch);
      if (!items) {
        problems_.add_key(at, "must be a number of items from 1 to " + std::to_string(max_catalog_batch) + ", is " + in_quotes(key));
      }
      const bool read = param::detail::read(latency, spec, at, problems_, point.latency);
      if (read && point.latency <= Duration{}) problems_.add(at, "must be above 0, at least a nanosecond");
      good = good && items && read && point.latency > Duration{};
      point.items = items.value_or(1);
      out.push_back(point);
    }
    if (!good) return {};
    std::sort(out.begin(), out.end(), [](const Point& a, const Point& b) { return a.items < b.items; });
    // An engine built for 64 items need not have been measured with 1.
    const std::uint32_t least = p.batch_sizes.empty() ? 1 : p.batch_sizes.front();
    if (out.front().items > least) {
      problems_.add(pointer, "needs the time of a batch of " + std::to_string(least) + ", the smallest that runs; begins at " +
                                 std::to_string(out.front().items));
      return {};
    }
    for (std::size_t i = 1; i < out.size(); ++i) {
      if (out[i].latency >= out[i - 1].latency) continue;
      problems_.add(child(pointer, std::to_string(out[i].items)), "must be at least the time of a batch of " +
                                                                      std::to_string(out[i - 1].items) + ", " +
                                                                      to_text(to_seconds(out[i - 1].latency)) + " s");
      return {};
    }
    return out;
  }

  Table read_affine(const Value& value, const std::string& pointer, const VariantParams& p) {
    const std::size_t before = problems_.list().size();
    const auto line = param::bind<AffineParams>(value, pointer, problems_);
    if (problems_.list().size() != before) return {};
    if (line.base + line.per_item <= Duration{}) {
      problems_.add(pointer, "a batch must take time: \"base_s\" and \"per_item_s\" are both 0");
      return {};
    }
    const std::uint32_t most = p.max_batch ? *p.max_batch : p.batch_sizes.empty() ? 0 : p.batch_sizes.back();
    if (most == 0) {
      problems_.add(pointer, "an affine profile has no largest batch: give \"max_batch\" or \"batch_sizes\"");
      return {};
    }
    Table out{{1, line.base + line.per_item}};
    if (most > 1) out.push_back({most, line.base + line.per_item * most});
    return out;
  }

  /// The most items that a batch may have, at most the largest of every table unless batches are extrapolated.
  std::uint32_t read_max_batch(const VariantParams& p, const std::string& variant, const std::vector<CoreTable>& tables) {
    std::uint32_t largest = std::numeric_limits<std::uint32_t>::max();
    const CoreTable* least = nullptr;
    bool sloped = true;
    for (const auto& t : tables) {
      sloped = sloped && t.table.size() > 1;
      if (t.table.back().items >= largest) continue;
      largest = t.table.back().items;
      least = &t;
    }
    const bool sized = !p.batch_sizes.empty();
    const std::uint32_t wanted = sized ? p.batch_sizes.back() : p.max_batch.value_or(largest);
    if (wanted <= largest) return wanted;
    const std::string pointer = sized ? child(child(variant, "batch_sizes"), p.batch_sizes.size() - 1) : child(variant, "max_batch");
    const std::string beyond =
        std::to_string(wanted) + " is beyond the largest batch of " + least->pointer + ", " + std::to_string(largest);
    if (!extrapolated_) {
      problems_.add(pointer, beyond + "; only a scenario with \"extrapolated_batches\": true goes on with the last slope");
    } else if (!sloped) {
      problems_.add(pointer, beyond + ", and a table with one batch has no slope to go on with");
    } else {
      return wanted;
    }
    return largest;
  }

  static double at(const Table& table, std::uint32_t items) {
    if (table.size() == 1) return static_cast<double>(table.front().latency.count());
    // The last two points go on beyond the table.
    std::size_t i = 1;
    while (i + 1 < table.size() && table[i].items < items) ++i;
    const Point &a = table[i - 1], &b = table[i];
    const double low = static_cast<double>(a.latency.count()), high = static_cast<double>(b.latency.count());
    const double share = (static_cast<double>(items) - static_cast<double>(a.items)) / static_cast<double>(b.items - a.items);
    return low + (high - low) * share;
  }

  /// One entry for each number of items up to `most`: what the batch takes that it is padded to, and the work on the host, which
  /// padding does not have.
  static Profile dense(const VariantParams& p, std::uint32_t most, const std::vector<CoreTable>& tables) {
    std::vector<std::uint32_t> cores;
    std::vector<std::vector<Duration>> out;
    for (const auto& t : tables) {
      cores.push_back(t.cores);
      auto& row = out.emplace_back(std::size_t{most} + 1, Duration{});
      for (std::uint32_t items = 1; items <= most; ++items) {
        const auto size = std::lower_bound(p.batch_sizes.begin(), p.batch_sizes.end(), items);
        const std::uint32_t padded = size == p.batch_sizes.end() ? items : *size;
        row[items] = Duration{std::llround(at(t.table, padded))} + (p.pre + p.post) * items;
      }
    }
    return {std::move(cores), std::move(out)};
  }

  void check_tasks_are_answered(const std::string& pointer) {
    for (std::size_t i = 0; i < catalog_.tasks.size(); ++i) {
      if (catalog_.tasks[i].variants.empty()) problems_.add(child(pointer, i), "no variant answers this task");
    }
  }

  Problems& problems_;
  bool extrapolated_;
  bool affine_ = false;  // of the variant that is being read
  Catalog catalog_;
  Names tasks_, hardware_, variants_;
  std::vector<std::tuple<VariantId, std::string, std::string>> resumes_;  // variant, the name of its exit, where that is said
};

}  // namespace

Catalog read_catalog(const Json& value, std::string_view pointer, Problems& problems, bool extrapolated_batches) {
  if (!value.is_object()) {
    problems.add(std::string(pointer), "a catalog must be an object");
    return {};
  }
  return Reader(problems, extrapolated_batches).read(value, std::string(pointer));
}

}  // namespace tideline
