#include "traces/gzip.h"

#include "sim/model/arrival.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <istream>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>

namespace tideline {
namespace {

class GzipBuffer final : public std::streambuf {
 public:
  explicit GzipBuffer(std::unique_ptr<std::istream> in) : in_(std::move(in)) {
    constexpr int gzip_only = 16;  // added to the size of the window
    if (inflateInit2(&stream_, MAX_WBITS + gzip_only) != Z_OK) throw SourceError("cannot unpack: out of memory");
  }
  ~GzipBuffer() override { inflateEnd(&stream_); }
  GzipBuffer(const GzipBuffer&) = delete;
  GzipBuffer& operator=(const GzipBuffer&) = delete;

 protected:
  int_type underflow() override {
    if (gptr() == egptr() && !fill()) return traits_type::eof();
    return traits_type::to_int_type(*gptr());
  }
  /// What comes before the data turn out to be wrong is given first, so that their place is known.
  std::streamsize xsgetn(char* out, std::streamsize wanted) override {
    std::streamsize came = 0;
    while (came < wanted) {
      if (gptr() == egptr() && ((came > 0 && !fault_.empty()) || !fill(came == 0))) break;
      const std::streamsize some = std::min<std::streamsize>(egptr() - gptr(), wanted - came);
      std::memcpy(out + came, gptr(), static_cast<std::size_t>(some));
      gbump(static_cast<int>(some));
      came += some;
    }
    return came;
  }

 private:
  /// Unpacks more; false: there is no more. What is wrong is thrown once nothing is unpacked before it, if it may be.
  bool fill(bool may_throw = true) {
    stream_.next_out = unpacked_.data();
    stream_.avail_out = static_cast<uInt>(unpacked_.size());
    while (fault_.empty() && stream_.avail_out == unpacked_.size()) {
      if (stream_.avail_in == 0 && !refill()) {
        if (in_member_ && fault_.empty()) fault_ = "the compressed data end early: the file is truncated";
        break;
      }
      if (!in_member_) {
        if (inflateReset(&stream_) != Z_OK) throw SourceError("cannot unpack");
        in_member_ = true;
      }
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_STREAM_END)
        in_member_ = false;
      else if (code != Z_OK && code != Z_BUF_ERROR)
        refuse_damage();
    }
    char* const begin = reinterpret_cast<char*>(unpacked_.data());
    setg(begin, begin, begin + (unpacked_.size() - stream_.avail_out));
    if (gptr() < egptr()) return true;
    if (!fault_.empty() && may_throw) throw SourceError(fault_);
    return false;
  }
  void refuse_damage() {
    fault_ =
        std::string("the compressed data are damaged") + (stream_.msg != nullptr ? ": " : "") + (stream_.msg != nullptr ? stream_.msg : "");
    stream_.avail_out = static_cast<uInt>(unpacked_.size());  // what was unpacked last may be wrong already
  }
  bool refill() {
    in_->read(reinterpret_cast<char*>(packed_.data()), static_cast<std::streamsize>(packed_.size()));
    if (in_->bad()) fault_ = "reading failed";
    stream_.next_in = packed_.data();
    stream_.avail_in = static_cast<uInt>(in_->gcount());
    return fault_.empty() && stream_.avail_in > 0;
  }

  std::unique_ptr<std::istream> in_;
  z_stream stream_{};
  bool in_member_ = true;
  std::string fault_;  // what is wrong after what is unpacked
  std::array<Bytef, 32768> packed_;
  std::array<Bytef, 65536> unpacked_;
};

class GzipStream final : public std::istream {
 public:
  explicit GzipStream(std::unique_ptr<std::istream> packed) : std::istream(nullptr), buffer_(std::move(packed)) {
    rdbuf(&buffer_);
    exceptions(badbit);  // else a stream swallows what its buffer throws
  }

 private:
  GzipBuffer buffer_;
};

void refuse_other_packing(std::istream& in, int first) {
  using namespace std::string_view_literals;
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> packings{{{"BZh"sv, "bzip2"sv},
                                                                                          {"PK\x03\x04"sv, "zip"sv},
                                                                                          {"\x28\xb5\x2f\xfd"sv, "zstd"sv},
                                                                                          {"\xfd"
                                                                                           "7zXZ"sv,
                                                                                           "xz"sv},
                                                                                          {"Rar!"sv, "rar"sv}}};
  for (const auto& [magic, name] : packings) {
    if (first != static_cast<unsigned char>(magic[0])) continue;
    const auto at = in.tellg();
    std::array<char, 8> bytes{};
    in.read(bytes.data(), static_cast<std::streamsize>(magic.size()));
    const bool is_it = in.gcount() == static_cast<std::streamsize>(magic.size()) && std::string_view(bytes.data(), magic.size()) == magic;
    in.clear();
    in.seekg(at);
    if (is_it) throw SourceError("it is packed with " + std::string(name) + ", and only gzip is unpacked: unpack it first");
  }
}

}  // namespace

std::unique_ptr<std::istream> unpacked(std::unique_ptr<std::istream> in) {
  constexpr int first_byte = 0x1f;  // no text begins with it
  const int first = in->peek();
  if (first != first_byte) {
    in->clear();
    refuse_other_packing(*in, first);
    return in;
  }
  return std::make_unique<GzipStream>(std::move(in));
}

}  // namespace tideline
