#include "policies/components/client_mapping.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tideline {

namespace {

double rate_of(std::span<const Duration> latency, std::uint32_t items) { return items / std::max(to_seconds(latency[items]), 1e-9); }

}  // namespace

std::uint32_t admissible_batch(std::span<const Duration> latency, Duration budget, const MappingRules& rules) {
  std::uint32_t best = 0;
  for (std::uint32_t b = 1; b < latency.size() && b <= rules.most_items; ++b) {
    // Compared as halves: twice the latency might not fit a duration.
    if (budget != forever && latency[b] > budget - latency[b]) break;
    if (best > 0 && rate_of(latency, b) <= rate_of(latency, best)) break;
    best = b;
  }
  return best;
}

namespace {

/// A client that a model could serve.
struct Item {
  std::uint32_t client = 0, batch = 0;
  std::uint32_t weight = 0, capacity = 0;  ///< in steps, of a device whose tightest client it is
  double rate = 0;
};

/// Those of these clients, the largest budget first.
std::vector<Item> items_of(const MappingProblem& problem, std::uint32_t model, std::span<const std::uint32_t> clients,
                           const MappingRules& rules) {
  const MappingProblem::Model& m = problem.models[model];
  const auto capacity_of = [&](std::uint32_t batch) { return m.copies * rate_of(m.latency, batch); };
  double most = 0;
  std::vector<Item> items;
  for (const std::uint32_t c : clients) {
    const Duration budget = problem.budget(c, model);
    const std::uint32_t batch = budget < Duration{} ? 0 : admissible_batch(m.latency, budget, rules);
    if (batch == 0 || problem.rates[c] <= 0) continue;
    most = std::max(most, capacity_of(batch));
    items.push_back({c, batch, 0, 0, problem.rates[c]});
  }
  const double step = std::min(rules.step, most / 10);
  for (Item& i : items) {
    i.weight = static_cast<std::uint32_t>(std::clamp(std::ceil(i.rate / step - 1e-9), 1.0, 1e9));
    i.capacity = static_cast<std::uint32_t>(std::clamp(std::floor(capacity_of(i.batch) / step + 1e-9), 0.0, 1e6));
  }
  std::stable_sort(items.begin(), items.end(),
                   [&](const Item& a, const Item& b) { return problem.budget(a.client, model) > problem.budget(b.client, model); });
  return items;
}

/// The knapsack. Each client may be the tightest of those taken: then of those before it some go with it.
DeviceLoad pack(std::span<const Item> items) {
  DeviceLoad out;
  const std::uint32_t widest = items.empty() ? 0 : items.front().capacity;
  std::vector<double> value(widest + 1, 0.0);                    // of the clients so far, by capacity
  std::vector<char> taken(items.size() * (widest + 1), char{});  // by client and capacity
  std::size_t last = items.size();
  for (std::size_t k = 0; k < items.size(); ++k) {
    const Item& i = items[k];
    if (i.weight <= i.capacity) {
      const double with = value[i.capacity - i.weight] + i.rate;
      if (with > out.rate + 1e-12) out.rate = with, last = k;
    }
    for (std::uint32_t w = widest; w >= i.weight; --w)
      if (const double with = value[w - i.weight] + i.rate; with > value[w] + 1e-12) value[w] = with, taken[k * (widest + 1) + w] = 1;
  }
  if (last == items.size()) return out;
  out.batch = items[last].batch;
  out.clients.push_back(items[last].client);
  std::uint32_t left = items[last].capacity - items[last].weight;
  for (std::size_t k = last; k-- > 0;)
    if (taken[k * (widest + 1) + left] != 0) {
      out.clients.push_back(items[k].client);
      left -= items[k].weight;
    }
  std::reverse(out.clients.begin(), out.clients.end());
  return out;
}

}  // namespace

DeviceLoad load_device(const MappingProblem& problem, std::uint32_t model, std::span<const std::uint32_t> clients,
                       const MappingRules& rules) {
  return pack(items_of(problem, model, clients, rules));
}

ClientMapping map_clients(const MappingProblem& problem, std::span<const std::uint32_t> held, const MappingRules& rules) {
  ClientMapping out;
  out.model.assign(problem.rates.size(), ClientMapping::none);
  out.batch.resize(problem.models.size());
  out.devices.resize(problem.models.size());
  std::vector<std::uint32_t> order(problem.models.size()), left(problem.rates.size());
  std::iota(order.begin(), order.end(), 0U);
  std::iota(left.begin(), left.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return problem.models[a].accuracy > problem.models[b].accuracy; });
  double mapped = 0, worth = 0;
  for (const std::uint32_t m : order) {
    if (held[m] == 0 || left.empty()) continue;
    std::vector<Item> items = items_of(problem, m, left, rules);
    for (std::uint32_t d = 0; d < held[m]; ++d) {
      const DeviceLoad load = pack(items);
      if (load.clients.empty()) break;
      for (const std::uint32_t c : load.clients) out.model[c] = m;
      std::erase_if(items, [&](const Item& i) { return out.model[i.client] != ClientMapping::none; });
      out.batch[m] = std::max(out.batch[m], load.batch);
      ++out.devices[m];
      mapped += load.rate;
      worth += load.rate * problem.models[m].accuracy;
    }
    std::erase_if(left, [&](std::uint32_t c) { return out.model[c] != ClientMapping::none; });
  }
  const double all = std::accumulate(problem.rates.begin(), problem.rates.end(), 0.0);
  out.share = all > 0 ? mapped / all : 1;
  out.accuracy = mapped > 0 ? worth / mapped : 0;
  return out;
}

ModelAdaptation::ModelAdaptation(const MappingProblem& problem, const MappingRules& mapping, const AdaptationRules& rules)
    : problem_(problem), mapping_(mapping), rules_(rules), ladder_(problem.devices.size()) {
  for (std::uint32_t m = 0; m < problem.models.size(); ++m) ladder_[problem.models[m].type].push_back(m);
  for (auto& models : ladder_)
    std::stable_sort(models.begin(), models.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return problem.models[a].accuracy < problem.models[b].accuracy; });
}

std::vector<std::uint32_t> ModelAdaptation::models_of(const State& state) const {
  std::vector<std::uint32_t> held(problem_.models.size());
  for (const Device& d : state) ++held[ladder_[d.type][d.level]];
  return held;
}

ModelAdaptation::Worth ModelAdaptation::worth(const State& state) {
  const auto [at, is_new] = known_.try_emplace(models_of(state));
  if (is_new) {
    const ClientMapping m = map_clients(problem_, at->first, mapping_);
    at->second = {m.share, m.accuracy};
  }
  return at->second;
}

ModelAdaptation::State ModelAdaptation::propose(const State& state, int most_up, Stream& stream) const {
  State next = state;
  for (Device& d : next) {
    const int step = static_cast<int>(below(stream, static_cast<std::uint32_t>(2 + most_up))) - 1;
    const int top = static_cast<int>(ladder_[d.type].size()) - 1;
    d.level = static_cast<std::uint32_t>(std::clamp(static_cast<int>(d.level) + step, 0, top));
  }
  return next;
}

bool ModelAdaptation::accepts_loss(double loss, double temperature, Stream& stream) const {
  return loss <= 0 || uniform01(stream) < std::exp(-loss / temperature);
}

ModelAdaptation::State ModelAdaptation::make_room(State now, int most_up, Stream& stream) {
  State best = now;
  Worth at = worth(now), most = at;
  for (double t = rules_.hottest; t >= rules_.coldest && !is_enough(most.share); t *= rules_.cooling) {
    State next = propose(now, most_up, stream);
    const Worth w = worth(next);
    if (!accepts_loss(at.share - w.share, t, stream)) continue;
    now = std::move(next);
    at = w;
    if (at.share > most.share || (at.share == most.share && at.accuracy > most.accuracy)) best = now, most = at;
  }
  return best;
}

std::vector<std::uint32_t> ModelAdaptation::adapt(std::span<const std::uint32_t> held, Stream& stream) {
  State now, top;
  for (std::uint32_t type = 0; type < ladder_.size(); ++type) {
    if (ladder_[type].empty()) continue;
    std::uint32_t left = problem_.devices[type];
    const auto highest = static_cast<std::uint32_t>(ladder_[type].size() - 1);
    top.insert(top.end(), left, {type, highest});
    for (std::uint32_t level = 0; level <= highest; ++level)
      for (std::uint32_t n = std::min(held[ladder_[type][level]], left); n > 0; --n, --left) now.push_back({type, level});
    now.insert(now.end(), left, {type, highest});
  }
  if (now.empty()) return models_of(now);
  State best = make_room(now, 0, stream);
  // Clients may have floors, which less accurate models do not reach: what is held may be too low already.
  if (!is_enough(worth(best).share))
    if (State other = make_room(top, 0, stream); worth(other).share > worth(best).share) best = std::move(other);
  if (!is_enough(worth(best).share)) best = make_room(best, 1, stream);
  Worth best_worth = worth(best), at = best_worth;
  if (!is_enough(best_worth.share)) return models_of(best);
  now = best;
  for (double t = rules_.hottest; t >= rules_.coldest; t *= rules_.cooling) {
    State next = propose(now, 1, stream);
    const Worth w = worth(next);
    if (!is_enough(w.share) || !accepts_loss(at.accuracy - w.accuracy, t, stream)) continue;
    now = std::move(next);
    at = w;
    if (at.accuracy > best_worth.accuracy + 1e-12) best = now, best_worth = at;
  }
  return models_of(best);
}

}  // namespace tideline
