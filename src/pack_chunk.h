// Compression of full chunks, several times as fast as HDF5's own filters.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace tideline {

/// Makes of a chunk what HDF5's filters shuffle and deflate would: a zlib stream of first all lowest bytes of the values, then all second
/// ones, and so on. Any reader of HDF5 undoes it.
///
/// Numbers of one column share their high bytes and hardly ever repeat a longer sequence, so each of these planes is packed by what it looks
/// like: one byte over and over costs nothing, noise is stored as it is, runs are counted, the rest gets Huffman codes without a search for
/// matches.
class ChunkPacker {
 public:
  ChunkPacker();
  ~ChunkPacker();
  ChunkPacker(const ChunkPacker&) = delete;
  ChunkPacker& operator=(const ChunkPacker&) = delete;

  /// `width` is 1, 2, 4 or 8 bytes a value, little-endian. The result stands until the next call. Throws std::bad_alloc.
  std::span<const std::byte> pack(const std::byte* values, std::size_t rows, std::size_t width);

 private:
  struct Stream;
  /// A plane of one byte over and over: packed, and its checksum.
  struct Constant {
    std::vector<std::byte> packed;
    std::uint32_t checksum = 0;
  };

  template <class Word>
  void pack_words(const std::byte* values, std::size_t rows);
  void pack_plane();
  void pack_constant(std::uint8_t value, std::size_t rows);
  void deflate_plane(Stream& stream);
  void store_plane();

  std::unique_ptr<Stream> runs_, huffman_;
  std::array<Constant, 256> constants_;
  std::size_t constant_rows_ = 0;
  std::vector<std::uint8_t> plane_;
  std::vector<std::byte> out_;
  std::uint32_t checksum_ = 1;
};

}  // namespace tideline
