#include "src/pack_chunk.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <utility>

namespace tideline {

/// A raw deflate stream of one strategy, begun anew for each plane.
struct ChunkPacker::Stream {
  explicit Stream(int strategy) {
    constexpr int raw = -15, most_memory = 9, fast = 1;
    if (deflateInit2(&z, fast, Z_DEFLATED, raw, most_memory, strategy) != Z_OK) throw std::bad_alloc();
  }
  ~Stream() { deflateEnd(&z); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  z_stream z{};
};

ChunkPacker::ChunkPacker() : runs_(std::make_unique<Stream>(Z_RLE)), huffman_(std::make_unique<Stream>(Z_HUFFMAN_ONLY)) {}
ChunkPacker::~ChunkPacker() = default;

std::span<const std::byte> ChunkPacker::pack(const std::byte* values, std::size_t rows, std::size_t width) {
  if (rows != constant_rows_) {
    constants_ = {};
    constant_rows_ = rows;
  }
  out_.assign({std::byte{0x78}, std::byte{0x01}});  // a zlib stream with a window of 32 KiB
  checksum_ = 1;
  plane_.resize(rows);
  switch (width) {
    case 1:
      pack_words<std::uint8_t>(values, rows);
      break;
    case 2:
      pack_words<std::uint16_t>(values, rows);
      break;
    case 4:
      pack_words<std::uint32_t>(values, rows);
      break;
    default:
      pack_words<std::uint64_t>(values, rows);
      break;
  }
  for (const int byte : {0x03, 0x00}) out_.push_back(static_cast<std::byte>(byte));  // the last block, empty
  for (const int shift : {24, 16, 8, 0}) out_.push_back(static_cast<std::byte>(checksum_ >> shift));
  return out_;
}

template <class Word>
void ChunkPacker::pack_words(const std::byte* values, std::size_t rows) {
  const auto at = [values](std::size_t k) {
    Word word;
    std::memcpy(&word, values + k * sizeof word, sizeof word);
    return word;
  };
  const Word first = rows > 0 ? at(0) : Word{0};
  Word varies = 0;
  for (std::size_t k = 0; k < rows; ++k) varies = static_cast<Word>(varies | (at(k) ^ first));
  for (unsigned shift = 0; shift < 8 * sizeof(Word); shift += 8) {
    if (((varies >> shift) & 0xff) == 0) {
      pack_constant(static_cast<std::uint8_t>(first >> shift), rows);
      continue;
    }
    for (std::size_t k = 0; k < rows; ++k) plane_[k] = static_cast<std::uint8_t>(at(k) >> shift);
    pack_plane();
  }
}

void ChunkPacker::pack_constant(std::uint8_t value, std::size_t rows) {
  Constant& known = constants_[value];
  if (known.packed.empty()) {
    std::fill(plane_.begin(), plane_.end(), value);
    const std::size_t begin = out_.size();
    const std::uint32_t before = std::exchange(checksum_, 1);
    deflate_plane(*runs_);
    known.packed.assign(out_.begin() + static_cast<std::ptrdiff_t>(begin), out_.end());
    known.checksum = checksum_;
    checksum_ = before;
    out_.resize(begin);
  }
  out_.insert(out_.end(), known.packed.begin(), known.packed.end());
  checksum_ = static_cast<std::uint32_t>(adler32_combine(checksum_, known.checksum, static_cast<z_off_t>(rows)));
}

void ChunkPacker::pack_plane() {
  std::array<std::uint32_t, 256> counts{};
  std::size_t repeats = 0;
  for (std::size_t k = 0; k < plane_.size(); ++k) {
    ++counts[plane_[k]];
    repeats += k > 0 && plane_[k] == plane_[k - 1] ? 1U : 0U;
  }
  double bits = 0;
  for (const std::uint32_t n : counts)
    if (n > 0) bits -= n * std::log2(n / static_cast<double>(plane_.size()));
  if (bits > 7.8 * static_cast<double>(plane_.size()))
    store_plane();
  else
    deflate_plane(2 * repeats > plane_.size() ? *runs_ : *huffman_);
}

/// A piece that ends at a whole byte and refers to nothing before it, so that pieces can be put one after the other.
void ChunkPacker::deflate_plane(Stream& stream) {
  z_stream& z = stream.z;
  deflateReset(&z);
  const std::size_t begin = out_.size();
  constexpr std::size_t flush = 16;
  out_.resize(begin + deflateBound(&z, static_cast<uLong>(plane_.size())) + flush);
  z.next_in = plane_.data();
  z.avail_in = static_cast<uInt>(plane_.size());
  z.next_out = reinterpret_cast<Bytef*>(out_.data() + begin);
  z.avail_out = static_cast<uInt>(out_.size() - begin);
  deflate(&z, Z_SYNC_FLUSH);
  out_.resize(out_.size() - z.avail_out);
  checksum_ = static_cast<std::uint32_t>(adler32(checksum_, plane_.data(), static_cast<uInt>(plane_.size())));
}

void ChunkPacker::store_plane() {
  constexpr std::size_t most = 65535;
  for (std::size_t done = 0; done < plane_.size();) {
    const std::size_t n = std::min(most, plane_.size() - done);
    for (const std::size_t byte : {std::size_t{0}, n, n >> 8, ~n, ~n >> 8}) out_.push_back(static_cast<std::byte>(byte & 0xff));
    const auto* from = reinterpret_cast<const std::byte*>(plane_.data() + done);
    out_.insert(out_.end(), from, from + n);
    done += n;
  }
  checksum_ = static_cast<std::uint32_t>(adler32(checksum_, plane_.data(), static_cast<uInt>(plane_.size())));
}

}  // namespace tideline
