#include "src/pack_chunk.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

namespace tideline {

namespace {

// What the filter puts before the values: 4 bytes bits per value, 1 byte size of the least value, 16 bytes with room for it.
constexpr std::size_t header_bytes = 21;

void put_little_endian(std::byte* to, std::uint64_t value, std::size_t bytes) {
  for (std::size_t k = 0; k < bytes; ++k) to[k] = static_cast<std::byte>(value >> (8 * k));
}

void put_big_endian_32(std::byte* to, std::uint32_t value) {
  const std::uint32_t swapped = __builtin_bswap32(value);
  std::memcpy(to, &swapped, sizeof swapped);
}

/// Numbers of up to 32 bits one after the other, the highest bit first.
class BitWriter {
 public:
  explicit BitWriter(std::byte* to) : to_(to) {}
  void put(std::uint64_t value, unsigned bits) {
    waiting_ = waiting_ << bits | value;
    count_ += bits;
    if (count_ < 32) return;
    count_ -= 32;
    put_big_endian_32(to_, static_cast<std::uint32_t>(waiting_ >> count_));
    to_ += 4;
  }
  /// Writes what is left, up to 3 bytes beyond it.
  void finish() { put_big_endian_32(to_, static_cast<std::uint32_t>(waiting_ << (32 - count_))); }

 private:
  std::byte* to_;
  std::uint64_t waiting_ = 0;  // in its lowest `count_` bits
  unsigned count_ = 0;         // below 32 between calls
};

}  // namespace

std::span<const std::byte> ChunkPacker::pack(const std::byte* values, std::size_t rows, std::size_t width, bool is_signed,
                                             std::size_t chunk_rows) {
  const auto of_type = [&]<class T>(T) { pack_values(reinterpret_cast<const T*>(values), rows, chunk_rows); };
  if (width == 1)
    is_signed ? of_type(std::int8_t{}) : of_type(std::uint8_t{});
  else if (width == 2)
    is_signed ? of_type(std::int16_t{}) : of_type(std::uint16_t{});
  else if (width == 4)
    is_signed ? of_type(std::int32_t{}) : of_type(std::uint32_t{});
  else
    is_signed ? of_type(std::int64_t{}) : of_type(std::uint64_t{});
  return out_;
}

template <class T>
void ChunkPacker::pack_values(const T* values, std::size_t rows, std::size_t chunk_rows) {
  using Unsigned = std::make_unsigned_t<T>;
  T least = rows > 0 ? values[0] : T{0}, most = least;
  for (std::size_t k = 0; k < rows; ++k) {
    least = std::min(least, values[k]);
    most = std::max(most, values[k]);
  }
  const auto above = [least](T value) { return static_cast<Unsigned>(static_cast<Unsigned>(value) - static_cast<Unsigned>(least)); };
  const auto bits = static_cast<unsigned>(std::bit_width(above(most)));
  const bool in_full = bits == 8 * sizeof(T);
  const std::size_t bytes = in_full ? chunk_rows * sizeof(T) : chunk_rows * bits / 8 + 1;
  out_.clear();
  out_.resize(header_bytes + bytes + sizeof(std::uint32_t));  // zeros, with room for what the writer of bits writes beyond
  put_little_endian(out_.data(), bits, 4);
  out_[4] = std::byte{8};
  put_little_endian(out_.data() + 5, static_cast<std::uint64_t>(static_cast<std::int64_t>(least)), 8);
  std::byte* const to = out_.data() + header_bytes;
  if (in_full) {
    std::memcpy(to, values, rows * sizeof(T));
    for (std::size_t k = rows; k < chunk_rows; ++k) std::memcpy(to + k * sizeof(T), &least, sizeof(T));
  } else if (bits > 0) {
    BitWriter writer(to);
    const auto put_by = [&]<unsigned together>(std::integral_constant<unsigned, together>) {
      std::size_t k = 0;
      for (; k + together <= rows; k += together) {
        std::uint64_t several = 0;
        for (unsigned j = 0; j < together; ++j) several = several << bits | above(values[k + j]);
        writer.put(several, together * bits);
      }
      for (; k < rows; ++k) writer.put(above(values[k]), bits);
    };
    if (bits <= 4)
      put_by(std::integral_constant<unsigned, 8>{});
    else if (bits <= 8)
      put_by(std::integral_constant<unsigned, 4>{});
    else if (bits <= 16)
      put_by(std::integral_constant<unsigned, 2>{});
    else if (bits <= 32)
      put_by(std::integral_constant<unsigned, 1>{});
    else
      for (std::size_t k = 0; k < rows; ++k) {
        const std::uint64_t value = above(values[k]);
        writer.put(value >> 32, bits - 32);
        writer.put(value & 0xffffffff, 32);
      }
    writer.finish();
  }
  out_.resize(header_bytes + bytes);
}

}  // namespace tideline
