// Latency that a query would see, by profile and by what a controller knows: one prediction for all policies that need one.
#pragma once

#include "sim/policy/view.h"

namespace tideline {

/// From now until the answer is back at the query's origin, if the query went to this group: to its earliest free warm instance;
/// where none is warm to the one that is warm first; where nothing is loaded to one that is loaded for it. `forever` where it
/// cannot be served there. Needs the index `by_free`.
Duration predict(ClusterView view, const QueryView& query, GroupId g);

/// The same for one instance, warm or starting; `forever` if it is neither. Needs the index `by_free`.
Duration predict_at(ClusterView view, const QueryView& query, InstanceId i);

/// What a first load of a variant takes by profile: nothing on the node yet, no process running.
Duration first_load_time(const World& world, VariantId v);
Duration first_load_time(const Variant& variant, const Hardware& hardware);

/// What loading it once more takes by profile, in seconds: its artefact is on the node's disk and its engine built.
double reload_time_s(const World& world, VariantId v);

/// When the first of the group's starting instances will be warm, by profile; `never` if none is starting. Looks at few members of
/// a large group: where it finds none of those that start, it assumes a load that begins now.
Time next_warm(ClusterView view, GroupId g);

/// Items that would wait in the group's shortest line, this query included. Needs the index `by_load`.
std::uint32_t shortest_queue(ClusterView view, const QueryView& query, GroupId g);

/// Attributed price of the query if it were served at the group in a batch of `items`: its share of device time, and transfer.
double query_price_usd(ClusterView view, const QueryView& query, GroupId g, std::uint32_t items);

}  // namespace tideline
