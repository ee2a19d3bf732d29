// A hint to the processor: what is needed soon. With thousands of instances a query touches memory that no cache near the core
// holds any more; asked for early, it arrives while other work goes on. Results never depend on it.
#pragma once

namespace tideline {

/// Asks for the cache line at `p`, which may be any address.
inline void prefetch(const void* p) { __builtin_prefetch(p); }

}  // namespace tideline
