#include "traces/gzip.h"

#include "sim/model/arrival.h"

#include <zlib.h>

#include <array>
#include <cstddef>
#include <istream>
#include <streambuf>
#include <string>

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
    if (gptr() < egptr()) return traits_type::to_int_type(*gptr());
    stream_.next_out = unpacked_.data();
    stream_.avail_out = static_cast<uInt>(unpacked_.size());
    while (stream_.avail_out == unpacked_.size()) {
      if (stream_.avail_in == 0 && !refill()) {
        if (in_member_) throw SourceError("the compressed data end early: the file is truncated");
        return traits_type::eof();
      }
      if (!in_member_) {
        if (inflateReset(&stream_) != Z_OK) throw SourceError("cannot unpack");
        in_member_ = true;
      }
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_STREAM_END)
        in_member_ = false;
      else if (code != Z_OK && code != Z_BUF_ERROR)
        throw SourceError(std::string("the compressed data are damaged") + (stream_.msg != nullptr ? ": " : "") +
                          (stream_.msg != nullptr ? stream_.msg : ""));
    }
    char* const begin = reinterpret_cast<char*>(unpacked_.data());
    setg(begin, begin, begin + (unpacked_.size() - stream_.avail_out));
    return traits_type::to_int_type(*gptr());
  }

 private:
  bool refill() {
    in_->read(reinterpret_cast<char*>(packed_.data()), static_cast<std::streamsize>(packed_.size()));
    if (in_->bad()) throw SourceError("reading failed");
    stream_.next_in = packed_.data();
    stream_.avail_in = static_cast<uInt>(in_->gcount());
    return stream_.avail_in > 0;
  }

  std::unique_ptr<std::istream> in_;
  z_stream stream_{};
  bool in_member_ = true;
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

}  // namespace

std::unique_ptr<std::istream> unpacked(std::unique_ptr<std::istream> in) {
  constexpr int first_byte = 0x1f;  // no text begins with it
  if (in->peek() != first_byte) {
    in->clear();
    return in;
  }
  return std::make_unique<GzipStream>(std::move(in));
}

}  // namespace tideline
