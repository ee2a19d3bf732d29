#include "src/environment_reader.h"

#include "sim/core/nearest.h"
#include "sim/core/pointer.h"
#include "sim/core/random.h"
#include "sim/core/text.h"
#include "src/environment_sections.h"
#include "traces/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <tuple>

namespace tideline {

using namespace scenario_format;

std::optional<std::size_t> find_named(std::string_view what, const std::string& name, const std::vector<std::string_view>& names,
                                      const std::string& pointer, Problems& problems) {
  const auto& said = problems.list();
  if (name.empty() && std::any_of(said.begin(), said.end(), [&](const Problem& p) { return p.pointer == pointer; })) return {};
  const auto at = std::find(names.begin(), names.end(), name);
  if (at != names.end()) return static_cast<std::size_t>(at - names.begin());
  problems.add(pointer, "unknown " + std::string(what) + " " + in_quotes(name) + suggestion(name, names));
  return {};
}

namespace {

bool parse_number(std::string_view text, double& out) {
  text = trimmed(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && std::isfinite(out);
}

class Reader {
 public:
  Reader(const Topology& topology, const Catalog& catalog, std::uint64_t seed, Time end,
         const std::function<std::optional<std::filesystem::path>(const std::string&, const std::string&)>& open, Problems& problems)
      : topology_(topology), seed_(seed), end_(end), open_(open), problems_(problems) {
    for (const std::string& s : topology.sites) sites_.push_back(s);
    for (const Pool& p : topology.pools) pools_.push_back(p.name);
    for (const Variant& v : catalog.variants) variants_.push_back(v.name);
  }

  ReadEnvironment read(const Json& list) {
    if (!list.is_array()) {
      problems_.add("/environment", "expected a list of changes: [{\"change\": \"failure\", ...}, ...]");
      return {};
    }
    for (std::size_t k = 0; k < list.size(); ++k) {
      const std::string at = child("/environment", k);
      const Json& value = list[k];
      if (!value.is_object()) {
        problems_.add(at, "expected {\"change\": \"failure\", ...}");
        continue;
      }
      const Json kind = value.contains("change") ? Json{{"change", value["change"]}} : Json::object();
      const std::size_t before = problems_.list().size();
      const ChangeKind change = param::bind<ChangeSection>(to_value(kind), at, problems_).change;
      if (problems_.list().size() == before) entry(change, value, at);
    }
    return std::move(out_);
  }

 private:
  template <class Section>
  Section bind(const Json& value, const std::string& at) {
    return param::bind<Section>(to_value(value), at, problems_);
  }

  void entry(ChangeKind kind, const Json& value, const std::string& at) {
    switch (kind) {
      case ChangeKind::failure: {
        const auto s = bind<FailureSection>(value, at);
        if (s.mean_every || s.mean_for)
          return problems_.add(at, "those that come by chance are \"failures\", with mean_up_s and mean_down_s");
        return add({.kind = Change::Kind::failure, .nodes = nodes_of(s.pool, s.node, at)}, s, at);
      }
      case ChangeKind::failures: {
        const auto s = bind<FailuresSection>(value, at);
        out_.environment.failures.push_back({nodes_of(s.pool, s.node, at), s.mean_up, s.mean_down, {}});
        return;
      }
      case ChangeKind::reclaim: {
        const auto s = bind<ReclaimSection>(value, at);
        const NodeRange nodes = nodes_of(s.pool, s.node, at);
        if (s.mean_every || s.mean_for)
          return problems_.add(at, "those that come by chance are \"reclaims\", with mean_up_s and mean_down_s");
        for (const auto& [from, to] : times(s, at)) {
          add({.kind = Change::Kind::notice, .from = from, .to = from + s.notice, .nodes = nodes});
          add_failure_or_other({.kind = Change::Kind::failure, .from = from + s.notice, .to = later(to, s.notice), .nodes = nodes}, at);
        }
        return;
      }
      case ChangeKind::reclaims: {
        const auto s = bind<ReclaimsSection>(value, at);
        out_.environment.failures.push_back({nodes_of(s.pool, s.node, at), s.mean_up, s.mean_down, s.notice});
        return;
      }
      case ChangeKind::slowdown: {
        const auto s = bind<SlowdownSection>(value, at);
        return add({.kind = Change::Kind::slowdown, .nodes = nodes_of(s.pool, s.node, at), .factor = s.factor}, s, at);
      }
      case ChangeKind::link: {
        const auto s = bind<LinkChangeSection>(value, at);
        const auto link = link_of(s.from, s.to, at);
        if (!link) return;
        if (s.bandwidth_factor != 1 && s.bandwidth_factor != 0 && topology_.links[*link].bytes_per_s == 0)
          problems_.add(child(at, "bandwidth_factor"), "the link has no bandwidth_bytes_per_s that it could be a factor on");
        return add({.kind = Change::Kind::link,
                    .link = static_cast<std::uint32_t>(*link),
                    .bandwidth_factor = s.bandwidth_factor,
                    .delay_factor = s.delay_factor},
                   s, at);
      }
      case ChangeKind::capacity: {
        const auto s = bind<CapacitySection>(value, at);
        const auto pool = find_named("pool", s.pool, pools_, child(at, "pool"), problems_);
        if (!pool) return;
        const Pool& p = topology_.pools[*pool];
        if (s.count < p.min || s.count > p.max)
          problems_.add(child(at, "count"),
                        "pool " + in_quotes(p.name) + " has " + std::to_string(p.min) + " to " + std::to_string(p.max) + " nodes");
        return add({.kind = Change::Kind::capacity, .pool = PoolId{*pool}, .count = s.count}, s, at);
      }
      case ChangeKind::taken: {
        const auto s = bind<TakenSection>(value, at);
        if (s.memory_bytes == 0 && s.cores == 0) problems_.add(at, "takes nothing: needs memory_bytes or cores");
        return add({.kind = Change::Kind::taken, .nodes = nodes_of(s.pool, s.node, at), .bytes = s.memory_bytes, .count = s.cores}, s, at);
      }
      case ChangeKind::surge: {
        const auto s = bind<SurgeSection>(value, at);
        if (s.at && !s.length) return problems_.add(at, "a surge ends: needs for_s");
        for (const auto& [from, to] : times(s, at))
          out_.surges.push_back({at, s.entry, {from, to, s.factor, s.announced ? std::max(Time{}, from - *s.announced) : never}});
        return;
      }
      case ChangeKind::price: {
        const auto s = bind<PriceSection>(value, at);
        if (const auto pool = find_named("pool", s.pool, pools_, child(at, "pool"), problems_))
          add({.kind = Change::Kind::price, .factor = s.factor, .pool = PoolId{*pool}}, s, at);
        return;
      }
      case ChangeKind::carbon: {
        const auto s = bind<CarbonSection>(value, at);
        if (const auto site = find_named("site", s.site, sites_, child(at, "site"), problems_))
          add({.kind = Change::Kind::carbon, .site = SiteId{*site}, .amount = s.g_per_kwh}, s, at);
        return;
      }
      case ChangeKind::accuracy: {
        const auto s = bind<AccuracySection>(value, at);
        if (const auto v = find_named("variant", s.variant, variants_, child(at, "variant"), problems_))
          add({.kind = Change::Kind::accuracy, .variant = VariantId{*v}, .amount = s.by}, s, at);
        return;
      }
      case ChangeKind::replay: {
        const auto s = bind<ReplaySection>(value, at);
        if (s.file.empty()) return;
        if (const auto file = open_(child(at, "file"), s.file)) replay(*file, child(at, "file"));
        return;
      }
    }
  }

  void add(const Change& change) { out_.environment.changes.push_back(change); }
  /// When the change of an entry is: once, or again and again by chance until the run ends. None and a problem where that is not said.
  std::vector<std::pair<Time, Time>> times(const SpanSection& span, const std::string& at) {
    if (span.at.has_value() == span.mean_every.has_value() || span.mean_every.has_value() != span.mean_for.has_value() ||
        (span.mean_every && span.length)) {
      problems_.add(at, "needs either at_s (and for_s), or mean_every_s and mean_for_s");
      return {};
    }
    std::vector<std::pair<Time, Time>> out;
    if (span.at) {
      const Time from = Time{} + *span.at;
      out.emplace_back(from, span.length ? later(from, *span.length) : never);
      return out;
    }
    Stream draws(seed_, "environment changes", drawn_++);
    const auto drawn = [&](Duration mean) { return from_seconds(-to_seconds(mean) * std::log1p(-uniform01(draws))); };
    constexpr std::size_t most = 1'000'000;
    for (Time from = later(Time{}, drawn(*span.mean_every)); from < end_ && out.size() < most;) {
      const Time to = later(from, std::max(drawn(*span.mean_for), Duration{1}));
      out.emplace_back(from, to);
      from = later(to, drawn(*span.mean_every));
    }
    return out;
  }

  /// At the times of `span`; failures of one node may not overlap.
  void add(Change change, const SpanSection& span, const std::string& at) {
    for (const auto& [from, to] : times(span, at)) {
      change.from = from;
      change.to = to;
      add_failure_or_other(change, at);
    }
  }

  void add_failure_or_other(const Change& change, const std::string& at) {
    if (change.kind == Change::Kind::capacity)
      for (const Change& other : out_.environment.changes)
        if (other.kind == change.kind && other.pool == change.pool && other.from < change.to && change.from < other.to)
          return problems_.add(at, "overlaps an earlier capacity of the same pool");
    if (change.kind == Change::Kind::failure)
      for (const Change& other : out_.environment.changes) {
        const auto end = [](const NodeRange& n) { return n.first.index() + n.count; };
        if (other.kind == change.kind && other.from < change.to && change.from < other.to &&
            other.nodes.first.index() < end(change.nodes) && change.nodes.first.index() < end(other.nodes)) {
          problems_.add(at, "overlaps an earlier failure, or reclaim, of the same node");
          break;
        }
      }
    add(change);
  }

  NodeRange nodes_of(const std::string& pool, const std::optional<std::uint32_t>& node, const std::string& at) {
    const auto found = find_named("pool", pool, pools_, child(at, "pool"), problems_);
    if (!found) return {};
    const Pool& p = topology_.pools[*found];
    if (!node) return {p.first_node, p.nodes};
    if (*node >= p.nodes) {
      problems_.add(child(at, "node"), "pool " + in_quotes(p.name) + " has nodes 0 to " + std::to_string(p.nodes - 1));
      return {};
    }
    return {NodeId{p.first_node.index() + *node}, 1};
  }

  std::optional<std::size_t> link_of(const std::string& from, const std::string& to, const std::string& at) {
    const auto a = find_named("site", from, sites_, child(at, "from"), problems_),
               b = find_named("site", to, sites_, child(at, "to"), problems_);
    if (!a || !b) return {};
    const auto link = link_between(*a, *b);
    if (!link) problems_.add(at, "no link joins " + in_quotes(from) + " and " + in_quotes(to));
    return link;
  }
  std::optional<std::size_t> link_between(std::size_t a, std::size_t b) const {
    const auto& links = topology_.links;
    for (std::size_t k = 0; k < links.size(); ++k)
      if ((links[k].from == SiteId{a} && links[k].to == SiteId{b}) || (links[k].from == SiteId{b} && links[k].to == SiteId{a})) return k;
    return {};
  }

  // --- replayed files ---

  /// What a target means, with the factor left open; nothing and what is wrong with it.
  std::optional<Change> target(std::string_view text, std::string& wrong) const {
    const std::size_t colon = text.find(':');
    const std::string_view kind = text.substr(0, colon);
    const std::string name(colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1));
    const auto known = [&](std::string_view what, const std::string& n,
                           const std::vector<std::string_view>& names) -> std::optional<std::size_t> {
      const auto at = std::find(names.begin(), names.end(), n);
      if (at != names.end()) return static_cast<std::size_t>(at - names.begin());
      wrong = "unknown " + std::string(what) + " " + in_quotes(n) + suggestion(n, names);
      return {};
    };
    Change c;
    if (kind == "slowdown") {
      const std::size_t slash = name.find('/');
      const auto pool = known("pool", name.substr(0, slash), pools_);
      if (!pool) return {};
      const Pool& p = topology_.pools[*pool];
      c.kind = Change::Kind::slowdown;
      c.nodes = {p.first_node, p.nodes};
      if (slash == std::string::npos) return c;
      double node = 0;
      if (!parse_number(std::string_view(name).substr(slash + 1), node) || node < 0 || node >= p.nodes || node != std::floor(node)) {
        wrong = "pool " + in_quotes(p.name) + " has nodes 0 to " + std::to_string(p.nodes - 1);
        return {};
      }
      c.nodes = {NodeId{p.first_node.index() + static_cast<std::uint32_t>(node)}, 1};
      return c;
    }
    if (kind == "price") {
      const auto pool = known("pool", name, pools_);
      if (!pool) return {};
      c.kind = Change::Kind::price;
      c.pool = PoolId{*pool};
      return c;
    }
    if (kind == "carbon") {
      const auto site = known("site", name, sites_);
      if (!site) return {};
      c.kind = Change::Kind::carbon;
      c.site = SiteId{*site};
      return c;
    }
    if (kind == "link") {
      // Names of sites may have a '-' too: any place of it that leaves two sites.
      for (std::size_t dash = name.find('-'); dash != std::string::npos; dash = name.find('-', dash + 1)) {
        const auto a = std::find(sites_.begin(), sites_.end(), name.substr(0, dash)),
                   b = std::find(sites_.begin(), sites_.end(), name.substr(dash + 1));
        if (a == sites_.end() || b == sites_.end()) continue;
        if (const auto link = link_between(static_cast<std::size_t>(a - sites_.begin()), static_cast<std::size_t>(b - sites_.begin()))) {
          c.kind = Change::Kind::link;
          c.link = static_cast<std::uint32_t>(*link);
          return c;
        }
      }
      wrong = "no link " + in_quotes(name) + ": expected FROM-TO, two sites that a link joins";
      return {};
    }
    wrong = "unknown target " + in_quotes(text) + ": expected slowdown:POOL, slowdown:POOL/NODE, link:FROM-TO, price:POOL or carbon:SITE";
    return {};
  }

  /// One link, or one node, may be spelled in several ways.
  using Target = std::tuple<Change::Kind, std::size_t, std::uint32_t>;
  static Target target_of(const Change& c) {
    switch (c.kind) {
      case Change::Kind::slowdown:
        return {c.kind, c.nodes.first.index(), c.nodes.count};
      case Change::Kind::price:
        return {c.kind, c.pool.index(), 0};
      case Change::Kind::carbon:
        return {c.kind, c.site.index(), 0};
      default:
        return {c.kind, c.link, 0};
    }
  }

  void replay(const std::filesystem::path& file, const std::string& at) {
    std::ifstream in(file, std::ios::binary);
    TextReader rows(in);
    std::string_view row;
    struct Row {
      std::size_t change;  // that still holds
      double time;
      std::uint64_t row;
    };
    std::map<Target, Row> last;
    const auto wrong = [&](const std::string& what) {
      problems_.add(at, file.string() + ":" + std::to_string(std::max<std::uint64_t>(rows.row(), 1)) + ": " + what);
    };
    try {
      if (!rows.data_line(row)) return wrong("is empty: expected the header time_s,target,factor");
      if (row != "time_s,target,factor") return wrong("expected the header time_s,target,factor");
      double before = 0;
      while (rows.data_line(row)) {
        const std::size_t one = row.find(','), two = row.rfind(',');
        if (one == std::string_view::npos || two == one) return wrong("expected three columns: time_s,target,factor");
        const std::string_view name = trimmed(row.substr(one + 1, two - one - 1));
        double time = 0, factor = 0;
        if (!parse_number(row.substr(0, one), time) || time < 0 || time > 3.2e9) return wrong("time_s has to be 0 to 3.2e9 seconds");
        if (time < before) return wrong("times have to rise");
        before = time;
        if (!parse_number(row.substr(two + 1), factor) || factor < 0 || factor > 1e6) return wrong("factor has to be 0 to 1e6");
        std::string what;
        auto change = target(name, what);
        if (!change) return wrong(what);
        if (change->kind == Change::Kind::slowdown && factor == 0) return wrong("a slowdown has a factor above 0");
        if (change->kind == Change::Kind::link && factor != 0 && factor != 1 && topology_.links[change->link].bytes_per_s == 0)
          return wrong("the link has no bandwidth_bytes_per_s that it could be a factor on");
        change->from = Time{} + from_seconds(time);
        const auto [old, is_new] = last.try_emplace(target_of(*change));
        if (!is_new && old->second.time == time)
          return wrong("row " + std::to_string(old->second.row) + " has a factor for " + std::string(name) + " at the same time");
        if (!is_new) out_.environment.changes[old->second.change].to = change->from;
        (change->kind == Change::Kind::carbon ? change->amount
         : change->kind == Change::Kind::link ? change->bandwidth_factor
                                              : change->factor) = factor;
        old->second = {out_.environment.changes.size(), time, rows.row()};
        add(*change);
      }
      if (last.empty()) wrong("has no rows");
    } catch (const SourceError& e) {
      problems_.add(at, file.string() + ": " + e.what());
    }
  }

  const Topology& topology_;
  std::uint64_t seed_;
  Time end_;
  std::uint64_t drawn_ = 0;  // entries that come by chance, so far
  const std::function<std::optional<std::filesystem::path>(const std::string&, const std::string&)>& open_;
  Problems& problems_;
  std::vector<std::string_view> sites_, pools_, variants_;
  ReadEnvironment out_;
};

}  // namespace

ReadEnvironment read_environment(const Json& list, const Topology& topology, const Catalog& catalog, std::uint64_t seed, Time end,
                                 const std::function<std::optional<std::filesystem::path>(const std::string&, const std::string&)>& open,
                                 Problems& problems) {
  return Reader(topology, catalog, seed, end, open, problems).read(list);
}

}  // namespace tideline
