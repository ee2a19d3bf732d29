// Chunks of integers in few bits, many times as fast as HDF5's own filters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tideline {

/// Makes of a chunk of integers what HDF5's filter scale-offset would, where no fill value is defined: the least value, then for each value
/// how far it is above that, in as many bits as the largest needs. Any reader of HDF5 undoes it.
class ChunkPacker {
 public:
  /// `rows` values of `width` (1, 2, 4 or 8) bytes, little-endian; the rest of the `chunk_rows` is filled with the least one. The result
  /// stands until the next call.
  std::span<const std::byte> pack(const std::byte* values, std::size_t rows, std::size_t width, bool is_signed, std::size_t chunk_rows);

 private:
  template <class T>
  void pack_values(const T* values, std::size_t rows, std::size_t chunk_rows);

  std::vector<std::byte> out_;
};

}  // namespace tideline
