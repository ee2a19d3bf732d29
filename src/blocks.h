// A trace put together anew from stretches of itself.
#pragma once

#include "sim/model/arrival.h"

#include <cstdint>
#include <memory>

namespace tideline {

/// Moving-block bootstrap (Kunsch 1989) of the first `length` of a source: stretches of `block`, each beginning at a time drawn uniformly
/// from [0, length - block], one after the other. The same `draw` draws the same times for every source. Reads that part of the source into
/// memory at the first arrival (40 bytes a query). `block` is above 0; one longer than `length` leaves the source as it is.
std::unique_ptr<ArrivalSource> in_blocks(std::unique_ptr<ArrivalSource> source, Duration block, Duration length, std::uint64_t draw);

}  // namespace tideline
